import type { SequenceNumber } from "./sequence.ts";

/** Most messages that a {@link Decoder} solves for at a time. */
export const DECODER_UNKNOWNS = 16;

/** What {@link Decoder.addRepair} did with a repair; all beyond RECOVERED are of no use and to be counted. */
export const RepairOutcome = {
  /** Kept as an equation: more are needed. */
  STORED: 0,
  /** One or more messages were recovered and are now in the receive window. */
  RECOVERED: 1,
  /** It says nothing that is not known: all its messages have arrived, or it follows from what is stored. */
  REDUNDANT: 2,
  /** It covers a message that was taken and is no longer kept. */
  TOO_OLD: 3,
  /** It covers a message further ahead than the window reaches. */
  AHEAD: 4,
  /** It covers more than 64 messages, or more than 16 that have not arrived. */
  TOO_WIDE: 5,
  /**
   * It contradicts what has arrived or is stored, or a message came out of it that cannot be: all stored equations are
   * dropped.
   */
  CONTRADICTORY: 6,
  /** The pool has no free slot for it, or for what it would have recovered. */
  NO_SLOT: 7,
} as const;
export type RepairOutcome = (typeof RepairOutcome)[keyof typeof RepairOutcome];

/**
 * Solves repairs for the messages that a receive window lacks: linear equations over GF(256), kept fully reduced
 * (docs/wire.md W13).
 *
 * A message is recovered as soon as the equations at hand determine it. At most 16 unknown messages and as many
 * equations; a repair that would need more drives out the oldest equations. Worst-case memory: 17 slots. At most 80
 * multiply-adds of a symbol for a packet.
 */
export interface Decoder {
  /**
   * Independent equations that are still needed to fill all holes: those below the window's `highest`, and messages
   * beyond it that stored repairs cover.
   */
  readonly missingRank: number;
  /** Equations stored: 0..16. */
  readonly storedCount: number;
  /**
   * Take in a repair whose symbol of `length` bytes (3..1027; else RangeError) lies at `offset` of the memory. `count`
   * 1..128, `first` and `seed` 0..65535. What it recovers: `recoveredCount`.
   */
  addRepair(
    first: SequenceNumber,
    count: number,
    seed: number,
    offset: number,
    length: number,
  ): RepairOutcome;
  /**
   * To be called after each message that the receive window has accepted (and before it is taken), while `storedCount`
   * is above 0. Returns `recoveredCount`: with it others may be recovered. A message that is taken without this call
   * takes the equations that need it with it.
   */
  handleArrival(sequence: SequenceNumber): number;
  /**
   * Messages recovered by the last `addRepair` or `handleArrival` of any decoder of the core: they are in the receive
   * window, with their own flags (SHUTDOWN or none).
   */
  readonly recoveredCount: number;
  /** Number of the `index`-th of them, 0 .. recoveredCount - 1; else RangeError. */
  recovered(index: number): SequenceNumber;
  /** Equations that were dropped, since the decoder was made, because a contradiction was found. */
  readonly contradictionCount: number;
  /**
   * Give its slots back to the pool; again: nothing happens. Any other use from then on throws a RangeError, and all
   * counts read 0.
   */
  release(): void;
}
