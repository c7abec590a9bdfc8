import type { Address } from "../../src/address.ts";
import { parseConfig } from "../../src/config.ts";
import {
  Driver,
  type DriverConnection,
  type DriverEvent,
  type DriverOptions,
} from "../../src/stream/driver.ts";
import type { PairTransport } from "./pair.ts";
import { PORT } from "./streams.ts";

/**
 * The machine on each end of a {@link Pair} without the promises of the stream face, for tests of very many packets: everything
 * happens within the clock's own calls. Each message is taken as soon as it can be.
 */
export class Machine {
  readonly driver: Driver;
  readonly taken: Uint8Array[] = [];
  /** The connection that came in last, or was made by {@link connect}. */
  connection: DriverConnection | undefined;
  /** Messages still to be sent. */
  private outgoing: Iterator<Uint8Array> | undefined;
  private thenShutdown = true;
  private held: Uint8Array | undefined;
  /** Called for each message taken; by default it is kept in {@link taken}. */
  onMessage: (message: Uint8Array) => void = (message) => this.taken.push(message);
  private readonly transport: PairTransport;

  constructor(
    { clock, entropy }: Pick<DriverOptions, "clock" | "entropy">,
    transport: PairTransport,
    config: Parameters<typeof parseConfig>[0] = {},
  ) {
    this.transport = transport;
    this.driver = new Driver({
      transport,
      clock,
      entropy,
      config: parseConfig(config),
      onEvent: (event) => this.handleEvent(event),
    });
  }

  listen(port = PORT): void {
    const sid = this.transport.identities[0]!;
    this.driver.listen({ sid, port });
  }

  connect(remote: Address): void {
    const sid = this.transport.identities[0]!;
    this.connection = this.driver.connect({ sid, port: 0 }, remote);
  }

  /** Send all of these on the present connection, as there is room, and shut down behind them unless told otherwise. */
  sendAll(messages: Iterable<Uint8Array>, { thenShutdown = true } = {}): void {
    this.outgoing = messages[Symbol.iterator]();
    this.thenShutdown = thenShutdown;
    this.pump();
  }

  shutdown(): void {
    this.driver.run(() => this.connection!.shutdown());
  }

  get outcome(): DriverConnection["outcome"] {
    return this.connection?.outcome;
  }

  private handleEvent({ type, connection }: DriverEvent): void {
    if (type === "incoming") this.connection = connection;
    if (connection !== this.connection) return;
    while (connection.frontLength !== -1) {
      const { frontOffset, frontLength } = connection;
      this.onMessage(this.transport.core.bytes.slice(frontOffset, frontOffset + frontLength));
      this.driver.run(() => connection.take());
    }
    if (type === "writable" || type === "incoming") this.pump();
  }

  private pump(): void {
    const { connection, outgoing } = this;
    if (connection === undefined || outgoing === undefined) return;
    for (;;) {
      if (this.held === undefined) {
        const next = outgoing.next();
        if (next.done === true) break;
        this.held = next.value;
      }
      const message = this.held;
      if (!this.driver.run(() => connection.send(message))) return;
      this.held = undefined;
    }
    this.outgoing = undefined;
    if (this.thenShutdown) this.shutdown();
  }
}
