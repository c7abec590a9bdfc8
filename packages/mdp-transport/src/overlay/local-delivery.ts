import type { Clock, Sid, TimerHandle } from "@meshstream/msp";
import type { Core } from "@meshstream/wasm-core";
import type { Bindings } from "./bindings.ts";
import type { Counters } from "./counters.ts";
import { Limit } from "./limits.ts";

/**
 * Carries packets between ports of one node. Nothing leaves the process, so nothing is sealed. Delivery happens from
 * a timer, never within the send. Worst-case memory: {@link Limit}.LOCAL_QUEUE packets.
 */
export class LocalDelivery {
  readonly #core: Core;
  readonly #clock: Clock;
  readonly #bindings: Bindings;
  readonly #counters: Counters;
  #queue: Packet[] = [];
  #timer: TimerHandle | undefined;

  constructor(core: Core, clock: Clock, bindings: Bindings, counters: Counters) {
    this.#core = core;
    this.#clock = clock;
    this.#bindings = bindings;
    this.#counters = counters;
  }

  /** Queue `length` bytes at `offset` of the core, which are copied. Returns false if the queue is full. */
  send(from: Sid, fromPort: number, to: Sid, toPort: number, offset: number, length: number): boolean {
    if (this.#queue.length >= Limit.LOCAL_QUEUE) return false;
    this.#queue.push({ from, fromPort, to, toPort, bytes: this.#core.bytes.slice(offset, offset + length) });
    this.#timer ??= this.#clock.setTimer(this.#clock.now(), () => this.#deliver());
    return true;
  }

  close(): void {
    this.#timer?.cancel();
    this.#queue = [];
  }

  #deliver(): void {
    this.#timer = undefined;
    // What the receivers send now goes into the next round, so that a round ends.
    const queue = this.#queue;
    this.#queue = [];
    const { offset } = this.#core.receiveRegion;
    for (const packet of queue) {
      const receive = this.#bindings.receiver(packet.to, packet.toPort);
      if (receive === undefined) {
        this.#counters["no-binding"]++;
        continue;
      }
      this.#counters["local-delivered"]++;
      this.#core.bytes.set(packet.bytes, offset);
      receive(packet.to, packet.from, packet.fromPort, offset, packet.bytes.length);
    }
  }
}

interface Packet {
  readonly from: Sid;
  readonly fromPort: number;
  readonly to: Sid;
  readonly toPort: number;
  readonly bytes: Uint8Array;
}
