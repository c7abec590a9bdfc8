import { Limit } from "./limits.ts";
import type { Neighbour } from "./neighbours.ts";
import { Timing } from "./timing.ts";

/** A frame in a copy of its own, that waits to be sent to a neighbour, or to be sent again. */
export class QueuedFrame {
  relation: Neighbour;
  /** The frame, head and payload, as in a packet with encapsulation MANY. */
  readonly bytes: Uint8Array;
  /** Where the payload begins in it; the sequence number stands 3 bytes before. */
  readonly payloadOffset: number;
  /** Which frame to its neighbour it is, by {@link NeighbourNode.frameCount}. */
  number: number;
  /** 0..3, the most urgent first (docs/wire.md W5). */
  readonly queue: number;
  readonly expiresAtMs: number;
  /** It was acknowledged, or given up: not to be sent any more. */
  isDone = false;
  /** It is kept for its acknowledgement. */
  isHeld = false;
  /** The packets that carried it over `relation` while it was held, by their counts, and when they were sent. */
  readonly carriers: { readonly packet: number; readonly atMs: number }[] = [];
  /** When to send it again; Infinity while it waits in a queue. */
  resendAtMs = Number.POSITIVE_INFINITY;
  /** From the last time that it was sent to then. */
  waitMs = 0;

  constructor(
    relation: Neighbour,
    bytes: Uint8Array,
    payloadOffset: number,
    number: number,
    queue: number,
    expiresAtMs: number,
  ) {
    this.relation = relation;
    this.bytes = bytes;
    this.payloadOffset = payloadOffset;
    this.number = number;
    this.queue = queue;
    this.expiresAtMs = expiresAtMs;
  }
}

/**
 * What waits for one link, and when the link is free. A link has a rate or none; without one nothing ever waits. Of the
 * four queues the most urgent goes first; within one, the neighbours take turns. Each queue has a limit of its own, so
 * that what is less urgent cannot shut out what is more. Worst-case memory: {@link Limit}.QUEUED frames.
 */
export class LinkQueue {
  readonly #msPerByte: number;
  /** For each queue the frames of each neighbour; whose turn is next comes first. */
  readonly #queues: readonly Map<Neighbour, QueuedFrame[]>[] = [new Map(), new Map(), new Map(), new Map()];
  readonly #counts = [0, 0, 0, 0];
  /** When all that was sent will have left, at the link's rate. */
  #freeAtMs = 0;
  #count = 0;

  /** `rateBitsPerSecond`, above 0; Infinity for a link that says when it is full by losing. */
  constructor(rateBitsPerSecond: number) {
    this.#msPerByte = 8000 / rateBitsPerSecond;
  }

  /** Frames that wait. */
  get count(): number {
    return this.#count;
  }

  /** Whether a frame may go out at once: the link is free, and nobody waits. */
  isIdle(nowMs: number): boolean {
    return this.#msPerByte === 0 || (this.#count === 0 && this.#freeAtMs <= nowMs + Timing.LINK_BURST);
  }

  /** A packet of `bytes` was sent. */
  charge(bytes: number, nowMs: number): void {
    if (this.#msPerByte === 0) return;
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + bytes * this.#msPerByte;
  }

  /** Let a frame wait. Returns false if there is no room for it. */
  push(frame: QueuedFrame): boolean {
    const queue = this.#queues[frame.queue]!;
    if (this.#counts[frame.queue]! >= Limit.QUEUED) return false;
    const mine = queue.get(frame.relation);
    if (mine === undefined) queue.set(frame.relation, [frame]);
    else if (mine.length >= Limit.QUEUED_PER_NEIGHBOUR) return false;
    else mine.push(frame);
    this.#counts[frame.queue]!++;
    this.#count++;
    return true;
  }

  /** The next frame to send, if the link is free for one. */
  shift(nowMs: number): QueuedFrame | undefined {
    if (this.#count === 0 || this.#freeAtMs > nowMs + Timing.LINK_BURST) return undefined;
    const priority = this.#counts.findIndex((count) => count > 0);
    const queue = this.#queues[priority]!;
    const [relation, frames] = queue.entries().next().value!;
    const frame = frames.shift()!;
    queue.delete(relation);
    if (frames.length > 0) queue.set(relation, frames); // to the end: the others come first
    this.#counts[priority]!--;
    this.#count--;
    return frame;
  }

  /** When to call {@link shift} next; Infinity if nothing waits. */
  get dueMs(): number {
    return this.#count === 0 ? Number.POSITIVE_INFINITY : this.#freeAtMs - Timing.LINK_BURST;
  }
}
