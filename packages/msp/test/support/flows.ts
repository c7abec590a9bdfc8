import type { Address } from "../../src/address.ts";
import type { parseConfig } from "../../src/config.ts";
import { Machine } from "./machines.ts";
import type { Pair } from "./pair.ts";
import { numbered, numberOf } from "./streams.ts";

export type FlowConfig = NonNullable<Parameters<typeof parseConfig>[0]>;

/** A one-way transfer from a to b of a {@link Pair}, on machines and a port of its own: several share the link. */
export class Flow {
  readonly sender: Machine;
  readonly receiver: Machine;
  /** When each message was handed over, in order. */
  readonly takenAtMs: number[] = [];
  private readonly pair: Pair;
  private readonly remote: Address;

  constructor(pair: Pair, { config = {}, port = 512 }: { config?: FlowConfig; port?: number } = {}) {
    this.pair = pair;
    this.sender = new Machine(pair, pair.a, config);
    this.receiver = new Machine(pair, pair.b, config);
    this.receiver.listen(port);
    this.receiver.onMessage = (message) => {
      if (numberOf(message) !== this.takenAtMs.length) throw new Error("out of order");
      this.takenAtMs.push(pair.clock.now());
    };
    this.remote = { sid: pair.b.identities[0]!, port };
  }

  /** Begin to send `count` messages of 1024 bytes, each with its number in front. */
  start(count = Number.POSITIVE_INFINITY): void {
    this.sender.connect(this.remote);
    this.sender.sendAll(messages(count));
  }

  /** Send `count` messages to the last one handed over; milliseconds that it took. */
  transfer(count: number, limitMs = 120_000): number {
    const startMs = this.pair.clock.now();
    this.start(count);
    const isDone = this.pair.clock.runWhile(() => this.takenAtMs.length < count, limitMs);
    if (!isDone) throw new Error(`${this.takenAtMs.length} of ${count} messages after ${limitMs} ms`);
    return this.takenAtMs.at(-1)! - startMs;
  }

  get stats() {
    return this.sender.connection!.stats;
  }

  /** Messages handed over within [fromMs, untilMs). */
  takenWithin(fromMs: number, untilMs: number): number {
    return this.takenAtMs.filter((atMs) => atMs >= fromMs && atMs < untilMs).length;
  }
}

/** What a full message weighs on the link of a {@link Pair}. */
export const FULL_PACKET_BYTES = 1100;

/** A link: bits per second, round trip, queue in packets. */
export function path(rateBitsPerSecond: number, rttMs: number, queuePackets: number, more = {}) {
  return { rateBitsPerSecond, delayMs: rttMs / 2, queuePackets, ...more };
}

export function random(p: number) {
  return { loss: { model: "bernoulli", p } as const };
}

function* messages(count: number): Generator<Uint8Array> {
  const message = new Uint8Array(1024);
  for (let i = 0; i < count; i += 1) {
    message.set(numbered(i));
    yield message;
  }
}
