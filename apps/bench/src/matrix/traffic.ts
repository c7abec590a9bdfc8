import type { DriverConnection, DriverEvent } from "@meshstream/msp";
import type { Host } from "./host.ts";
import { type Measure, writeMessage } from "./measure.ts";

/** What is sent: `count` messages of `bytes` each, as fast as they are taken or one every `everyMs`. */
export interface Work {
  readonly count: number;
  readonly bytes: number;
  readonly everyMs?: number;
}

/** A connection failed: what a bad link may do. Any other error is a defect of the program. */
export class ConnectionFailed extends Error {
  override readonly name = "ConnectionFailed";
  constructor(why: string | undefined) {
    super(`the connection failed: ${why}`);
  }
}

/** The application that sends. Each message begins with its number, so that the sink can tell what it got. */
export class Source {
  readonly #host: () => Host;
  readonly #work: Work;
  readonly #measure: Measure;
  readonly #message: Uint8Array;
  #connection: DriverConnection | undefined;
  #sent = 0;

  constructor(host: () => Host, work: Work, measure: Measure) {
    this.#host = host;
    this.#work = work;
    this.#measure = measure;
    this.#message = new Uint8Array(work.bytes);
  }

  start(port: number): void {
    const host = this.#host();
    const { driver, remote, identities } = host;
    this.#connection = driver.connect({ sid: identities[0]!, port: 0 }, { sid: remote, port });
    if (this.#work.everyMs === undefined) this.#pump();
    else this.#tick(host.clock.now());
  }

  handleEvent({ type }: DriverEvent): void {
    if (type === "writable" || type === "connected") this.#pump();
    if (type === "failed") throw new ConnectionFailed(this.#connection?.failure?.message);
  }

  get connection(): DriverConnection | undefined {
    return this.#connection;
  }

  /** Numbers the messages that became due before the one before was taken. */
  #due = 0;

  #tick(dueMs: number): void {
    const { everyMs, count } = this.#work;
    this.#measure.accepted(dueMs);
    this.#due += 1;
    this.#pump();
    if (this.#due < count) {
      const nextMs = dueMs + everyMs!;
      this.#host().clock.setTimer(nextMs, () => this.#tick(nextMs));
    }
  }

  #pump(): void {
    const { driver, clock } = this.#host();
    const isPaced = this.#work.everyMs !== undefined;
    const limit = isPaced ? this.#due : this.#work.count;
    while (this.#sent < limit) {
      writeMessage(this.#message, this.#sent);
      if (!driver.run(() => this.#connection!.send(this.#message))) return;
      if (!isPaced) this.#measure.accepted(clock.now());
      this.#sent += 1;
    }
  }
}

/** The application that receives: takes each message as soon as it can, and looks whether it is the one that is next. */
export class Sink {
  readonly #host: () => Host;
  readonly #measure: Measure;

  constructor(host: () => Host, measure: Measure) {
    this.#host = host;
    this.#measure = measure;
  }

  handleEvent({ connection, type }: DriverEvent): void {
    if (type === "failed") throw new ConnectionFailed(connection.failure?.message);
    const { core, driver, clock } = this.#host();
    while (connection.frontLength !== -1) {
      const { frontOffset, frontLength } = connection;
      this.#measure.handed(core.bytes, frontOffset, frontLength, clock.now());
      driver.run(() => connection.take());
    }
  }
}
