import type { MspConfig } from "../config.ts";
import type { MspError } from "../errors.ts";
import { Driver, type DriverEvent } from "../stream/driver.ts";
import type { Clock, Entropy, SealedTransport } from "../stream/transport.ts";
import { CallerClock } from "./caller-clock.ts";
import { HeldTransport } from "./held-transport.ts";
import { Inbox } from "./inbox.ts";
import type { HandlerSocket } from "./socket.ts";

export interface MdpSocketOptions {
  readonly transport: SealedTransport;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly config: MspConfig;
  readonly onEvent: (mdp: MdpSocket, event: DriverEvent) => void;
}

/** One MDP socket: an inbox and a driver of its own, neither of which does anything unless processing() says so. */
export class MdpSocket {
  readonly number: number;
  readonly inbox = new Inbox();
  readonly clock: CallerClock;
  readonly driver: Driver;
  /** The MSP sockets that live on it: one, and those that it has accepted if it listens. */
  readonly sockets = new Set<HandlerSocket>();
  /** An MSP socket was made on it: there will be no second one. */
  isUsed = false;
  /** closeAll() was called: nothing will come any more. */
  isOver = false;

  private readonly transport: HeldTransport;

  constructor(number: number, { transport, clock, entropy, config, onEvent }: MdpSocketOptions) {
    this.number = number;
    this.clock = new CallerClock(clock);
    this.transport = new HeldTransport(transport, this.inbox);
    const toFace = (event: DriverEvent): void => onEvent(this, event);
    this.driver = new Driver({
      transport: this.transport,
      clock: this.clock,
      entropy,
      config,
      onEvent: toFace,
    });
  }

  /** Take in the time, what recv() has taken, and perhaps the loss of the transport. */
  takeIn(nowMs: number, lost: MspError | undefined): void {
    if (this.isOver) return;
    this.clock.hold(nowMs);
    this.driver.beginTurn();
    for (const packet of this.inbox.takeReceived()) this.transport.deliver(packet);
    if (lost !== undefined) this.transport.deliverLoss(lost);
    this.driver.step();
  }

  /** Send what is to be sent, and hear what follows from it. */
  flush(): void {
    if (!this.isOver) this.driver.step();
  }

  /** When it wants processing() to be called; Infinity if there is no need. */
  get nextMs(): number {
    return this.isOver ? Number.POSITIVE_INFINITY : this.driver.nextTimeoutMs;
  }

  /** Free its ports, without a word to anybody. */
  close(): void {
    this.isOver = true;
    this.driver.close();
    this.inbox.close();
  }

  counters(): Record<string, number> {
    return { ...this.driver.endpoint.counters.snapshot(), "handler.inbox-full": this.inbox.droppedCount };
  }
}
