import {
  REPAIR_MESSAGES,
  type SendWindow,
  type SequenceNumber,
  sequenceAdd,
  sequenceDistance,
} from "@meshstream/wasm-core";
import type { MspConfig } from "../config.ts";

/** A repair to send: a combination of `count` messages from `first` on (docs/wire.md W13.11). */
export interface Repair {
  readonly first: SequenceNumber;
  readonly count: number;
  readonly seed: number;
}

/** What the policy is told of the path each time it is asked. */
export interface PathView {
  readonly nowMs: number;
  /** Share of packets that the path loses although nothing is queued, 0..1. */
  readonly lossRatio: number;
  /** Undefined before the first measure. */
  readonly srttMs: number | undefined;
  /** The shortest round trip. */
  readonly minRttMs: number;
  /** The congestion window. */
  readonly windowPackets: number;
  /** The application will send nothing more: what was sent is the tail of a burst. */
  readonly isEnding: boolean;
}

/**
 * Decides when a repair goes, and over what. It is asked only when nothing else waits to be sent, or nothing else may: then there is
 * room for repairs, and each that is needed saves a message the round trip that finding its loss takes. A
 * transfer that fills the link never sends one, since there a repair costs a message its place; and lost
 * messages are always sent again as they are, which fills as many holes as a repair does and needs no
 * decoding. What coding adds are repairs beside them, so that a lost repetition does not cost another round trip.
 *
 * Two ways. Of *sparse* messages each is followed, a quarter of a round trip later, by a repair over all that are not known to have
 * arrived. Of a *denser* stream, and of the tail of a burst, each block gets as many as the losses of the path call for, and
 * more in proportion as it is short.
 *
 * Not used: repairs in place of lost messages. Any k of them fill k holes as copies would, but none before all have come.
 */
export class RepairPolicy {
  /** A repair may also go while messages wait: for comparison only. */
  readonly mayDisplace: boolean;
  private readonly window: SendWindow;
  private readonly isOff: boolean;
  private seed = 0;
  private lastSentAtMs = Number.NEGATIVE_INFINITY;
  /** When the messages were sent last that were sent last, at most {@link SPARSE_MESSAGES}; those followed by a repair are taken out. */
  private readonly unfollowed: number[] = [];
  /** Messages before this number have had their repairs, or need none. */
  private cursor: SequenceNumber = 0;
  /** Of the messages before this one, where the cursor went back, only those count that were sent at this time or later. */
  private againEnd: SequenceNumber = 0;
  private againSinceMs = 0;
  /** Repairs that the messages right before it are still to get. */
  private leftCount = 0;
  /** Part of a repair that they are owed beyond that. */
  private credit = 0;

  constructor(window: SendWindow, coding: MspConfig["coding"]) {
    this.window = window;
    this.isOff = coding === "off";
    this.mayDisplace = coding === "on";
  }

  /** A message was sent, for the first time or again. */
  handleSent(sequence: SequenceNumber, nowMs: number): void {
    this.lastSentAtMs = nowMs;
    this.unfollowed.push(nowMs);
    if (this.unfollowed.length > SPARSE_MESSAGES) this.unfollowed.shift();
    if (sequenceDistance(sequence, this.cursor) >= 0) return;
    // Sent again: it is to get its share of repairs anew, but what is before `againEnd` and was not sent again is not.
    if (sequenceDistance(this.againEnd, this.cursor) <= 0) {
      this.againEnd = this.cursor;
      this.againSinceMs = nowMs;
    }
    this.cursor = sequence;
    this.leftCount = 0;
  }

  /** The repair to send now, if there is one: it counts as sent. */
  poll(path: PathView): Repair | undefined {
    if (!this.isWorthwhile(path)) return undefined;
    return this.isSparse(path) ? this.pollSparse(path) : this.pollBlock(path);
  }

  /** When to ask again, if nothing happens before; Infinity if there is no need. */
  deadlineMs(path: PathView): number {
    if (!this.isWorthwhile(path) || this.unarrivedCount === 0) return Number.POSITIVE_INFINITY;
    const pauseMs = path.srttMs! / 4;
    if (this.isSparse(path)) return (this.unfollowed[0] ?? Number.POSITIVE_INFINITY) + pauseMs;
    const isCovered = this.leftCount === 0 && this.cursor === this.window.nextUnsent;
    return isCovered ? Number.POSITIVE_INFINITY : this.lastSentAtMs + pauseMs;
  }

  /**
   * Where losses are rare, or a round trip costs little, repairs would cost more than they save. Where a queue stands, of ours or of
   * others, there is no room for them, whatever our own packets leave free.
   */
  private isWorthwhile({ lossRatio, srttMs, minRttMs }: PathView): boolean {
    if (this.isOff || srttMs === undefined) return false;
    const queueStands = srttMs - minRttMs > Math.max(minRttMs, LEAST_QUEUE_MS);
    return lossRatio >= LEAST_LOSS && srttMs >= LEAST_ROUND_TRIP_MS && !queueStands;
  }

  /** Sent and not known to have arrived. */
  private get unarrivedCount(): number {
    return this.window.inFlightCount + this.window.lostCount;
  }

  private isSparse({ windowPackets }: PathView): boolean {
    return this.unarrivedCount <= Math.min(SPARSE_MESSAGES, windowPackets / 4);
  }

  private pollSparse({ nowMs, srttMs }: PathView): Repair | undefined {
    this.cursor = this.window.nextUnsent;
    this.leftCount = 0;
    if (this.unarrivedCount === 0) this.unfollowed.length = 0;
    const sentAtMs = this.unfollowed[0];
    if (sentAtMs === undefined || sentAtMs + srttMs! / 4 > nowMs) return undefined;
    this.unfollowed.shift();
    return this.repair(this.window.arrived, this.window.nextUnsent);
  }

  private pollBlock(path: PathView): Repair | undefined {
    if (sequenceDistance(this.window.arrived, this.cursor) > 0) this.cursor = this.window.arrived;
    while (this.leftCount > 0 || this.openBlock(path)) {
      if (this.leftCount === 0) continue;
      this.leftCount -= 1;
      // Over what is missing before it, too, as far as one repair reaches.
      const repair = this.repair(this.window.arrived, this.cursor);
      if (repair !== undefined) return repair;
      this.leftCount = 0; // all of it has arrived meanwhile
    }
    return undefined;
  }

  /** Go on to the next messages that are enough for a repair; false if there are none yet. */
  private openBlock({ nowMs, srttMs, lossRatio, isEnding }: PathView): boolean {
    const waitingCount = sequenceDistance(this.window.nextUnsent, this.cursor);
    const ratio = Math.min(1.5 * (lossRatio / (1 - lossRatio)) + 0.02, 0.5);
    const isFlushed = isEnding || nowMs >= this.lastSentAtMs + srttMs! / 4;
    if (waitingCount === 0 || (waitingCount < 1 / ratio && !isFlushed)) return false;
    const count = Math.min(waitingCount, Math.ceil(LOSSES_PER_BLOCK / lossRatio), REPAIR_MESSAGES);
    const first = this.cursor;
    this.cursor = sequenceAdd(first, count);
    this.credit += this.missingCount(first, this.cursor) * ratio;
    // What was sent again has cost a round trip already: each block of it gets one repair at least.
    const isAgain = sequenceDistance(this.againEnd, first) > 0;
    this.leftCount = isFlushed || isAgain ? Math.ceil(this.credit) : Math.floor(this.credit);
    this.credit = Math.max(this.credit - this.leftCount, 0);
    return true;
  }

  /** Messages that are to get their share: missing, and sent since they had it last. */
  private missingCount(first: SequenceNumber, end: SequenceNumber): number {
    let count = 0;
    for (let sequence = first; sequence !== end; sequence = sequenceAdd(sequence, 1)) {
      if (!this.isMissing(sequence)) continue;
      const isNew = sequenceDistance(sequence, this.againEnd) >= 0;
      if (isNew || this.window.sentAtMs(sequence) >= this.againSinceMs) count += 1;
    }
    return count;
  }

  /** Over what is missing within these bounds, the newest if it is too much for one; undefined if nothing is. */
  private repair(from: SequenceNumber, to: SequenceNumber): Repair | undefined {
    let end = to;
    while (end !== from && !this.isMissing(sequenceAdd(end, -1))) end = sequenceAdd(end, -1);
    let first = sequenceDistance(end, from) > REPAIR_MESSAGES ? sequenceAdd(end, -REPAIR_MESSAGES) : from;
    while (first !== end && !this.isMissing(first)) first = sequenceAdd(first, 1);
    if (first === end) return undefined;
    this.seed = (this.seed + 1) & 0xffff;
    return { first, count: sequenceDistance(end, first), seed: this.seed };
  }

  private isMissing(sequence: SequenceNumber): boolean {
    return sequenceDistance(sequence, this.window.base) >= 0 && !this.window.isArrived(sequence);
  }
}

const LEAST_LOSS = 0.005;
const LEAST_ROUND_TRIP_MS = 20;
/** Jitter makes as much. */
const LEAST_QUEUE_MS = 50;

/** Messages not known to have arrived, at most, for which each is followed by a repair: that doubles what is sent. */
const SPARSE_MESSAGES = 6;

/** A decoder solves for 16 unknowns; losses of a radio come in bursts. */
const LOSSES_PER_BLOCK = 8;
