import { type Core, type SequenceNumber, sequenceAdd, sequenceDistance } from "@meshstream/wasm-core";
import { SlotReserve } from "../slot-reserve.ts";

/**
 * Flow control of the receiving side: up to which number messages will be taken in (docs/wire.md W13.9). The promise
 * begins small and grows by some messages with each that arrives, as long as the application keeps pace: faster than any
 * sender's start, and not at all for a reader that stands still. What was promised is never taken back.
 */
export class WindowPromise {
  /** The last number promised to the peer in a packet that left. */
  edge: SequenceNumber;
  /** When to repeat the promise, which the peer waits for and may not have got; Infinity if there is no need. */
  repeatAtMs = Number.POSITIVE_INFINITY;

  private readonly core: Core;
  private readonly limit: number;
  private size: number;
  private repeatGapMs = 0;

  constructor(core: Core, limit: number) {
    this.core = core;
    this.limit = limit;
    this.size = Math.min(FIRST_MESSAGES, limit);
    this.edge = this.size - 1; // the peer need not be told of what it may assume
  }

  /** A message was kept; `waitingCount` are in order and wait for the application. */
  handleKept(waitingCount: number): void {
    this.repeatAtMs = Number.POSITIVE_INFINITY; // the peer goes on
    if (waitingCount <= PACE_MESSAGES) this.size = Math.min(this.size + GROWTH_MESSAGES, this.limit);
  }

  /** The peer has (nearly) used up what it was promised, and a promise made now would at least double what is left of it. */
  isReopening(taken: SequenceNumber, heldCount: number, highest: SequenceNumber): boolean {
    const leftCount = sequenceDistance(this.edge, highest);
    const gainCount = sequenceDistance(this.offer(taken, heldCount), this.edge);
    return leftCount <= this.size / 8 && gainCount > 0 && gainCount >= leftCount;
  }

  /** A packet with a promise is about to leave: make it. One that lets a stopped peer go on is repeated until that shows. */
  handleSent(taken: SequenceNumber, heldCount: number, highest: SequenceNumber, nowMs: number): void {
    const offer = this.offer(taken, heldCount);
    if (offer !== this.edge && sequenceDistance(this.edge, highest) <= 0) this.repeatGapMs = FIRST_REPEAT_MS;
    else if (this.repeatAtMs <= nowMs) this.repeatGapMs *= 2;
    else if (this.repeatAtMs === Number.POSITIVE_INFINITY) this.repeatGapMs = LAST_REPEAT_MS;
    const isRepeated = this.repeatGapMs < LAST_REPEAT_MS;
    this.repeatAtMs = isRepeated ? nowMs + this.repeatGapMs : Number.POSITIVE_INFINITY;
    this.edge = offer;
  }

  /**
   * The last number to promise now. A connection may hold half of what others leave of the pool, so that each further one
   * still finds some; one message may always come, for the application waits for it (see {@link SlotReserve}).
   */
  private offer(taken: SequenceNumber, heldCount: number): SequenceNumber {
    const freeCount = this.core.freeSlotCount - SlotReserve.RECEIVE;
    const size = Math.min(this.size, Math.max(Math.ceil((heldCount + freeCount) / 2), 1));
    const offer = sequenceAdd(taken, size - 1);
    return sequenceDistance(offer, this.edge) > 0 ? offer : this.edge;
  }
}

/** What a sender may assume before it is told (docs/wire.md W13.9): more than a first flight. */
const FIRST_MESSAGES = 128;

/** As many may wait for an application that keeps pace: what one turn of its loop brings. */
const PACE_MESSAGES = 32;

/** The boldest step of a start: after a first flight of 16, up to 32 times as many in the next round trip (congestion/radio/start.ts). */
const GROWTH_MESSAGES = 32;

/** A promise that lets a stopped peer go on is repeated after this, then after twice as long, and so on ... */
const FIRST_REPEAT_MS = 50;
/** ... until the keep-alives do the same. */
const LAST_REPEAT_MS = 1000;
