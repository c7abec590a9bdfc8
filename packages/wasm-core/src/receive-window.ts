import type { SequenceNumber } from "./sequence.ts";

/** What {@link ReceiveWindow.accept} did with a message. */
export const Arrival = {
  /** Kept, and it is the next one in order. */
  IN_ORDER: 0,
  /** Kept, but at least one before it is missing. */
  OUT_OF_ORDER: 1,
  /** Had been received before: nothing kept. */
  DUPLICATE: 2,
  /** Further ahead than the window reaches: nothing kept. */
  AHEAD: 3,
  /** The pool has no free slot: nothing kept. */
  NO_SLOT: 4,
} as const;
export type Arrival = (typeof Arrival)[keyof typeof Arrival];

/**
 * The messages that have arrived and that the application has not taken yet.
 * `taken` <= `arrived`, modulo 2^16. Worst-case memory: `limit` slots and their index, all from the core's pool.
 */
export interface ReceiveWindow {
  /**
   * Next number that the application will take. The acknowledgement to send is one less, modulo 2^16 (docs/wire.md W2).
   */
  readonly taken: SequenceNumber;
  /** Lowest number that has not arrived. */
  readonly arrived: SequenceNumber;
  /** Highest number that has arrived: `taken` - 1, modulo 2^16, if nothing beyond that has. */
  readonly highest: SequenceNumber;
  /** Messages held, in order or not; those kept after they were taken are not counted. */
  readonly heldCount: number;
  /** Messages that were taken and are still kept: see `keepTaken`. */
  readonly keptCount: number;
  /** Most messages held: `taken` + limit - 1 is the last number that is accepted. */
  readonly limit: number;
  /**
   * Copy a message of `length` bytes (0..1195; else RangeError) at `offset` of {@link Core.bytes} into a slot.
   * It is kept if its number is 0 .. limit-1 ahead of `taken`, and nothing has arrived under that number.
   * A number more than 32767 ahead of `taken` counts as behind: DUPLICATE.
   */
  accept(sequence: SequenceNumber, offset: number, length: number, flags: number): Arrival;
  /** Offset in {@link Core.bytes} of message `taken`, or -1 if it has not arrived. */
  frontOffset(): number;
  /** Its length in bytes; -1 if it has not arrived. */
  frontLength(): number;
  /** Its packet's flag byte; -1 if it has not arrived. */
  frontFlags(): number;
  /**
   * Let message `taken` go: `taken` moves on, and the slot is freed unless `keepTaken` says otherwise. RangeError if it
   * has not arrived.
   */
  take(): void;
  /**
   * The message has arrived: it is held, or its number is behind `taken` by at most 32768. False for what is further
   * ahead than `limit`.
   */
  hasArrived(sequence: SequenceNumber): boolean;
  /**
   * Write the bitmap of an extended acknowledgement to `offset` of the memory (where packets may be built): bit i of
   * byte j says whether message base + 8j + i has arrived. At most `maxBytes` (0..64); zero bytes at the end are left
   * out. Returns the bytes written.
   */
  writeBitmap(base: SequenceNumber, offset: number, maxBytes: number): number;
  /**
   * From now on keep the last `count` (0..128, 0 at first) messages that are taken: a decoder needs them, where
   * repairs reach back. They use only slots that nobody else needs (they count as free) and are given up, the longest
   * kept first, as soon as the pool runs short.
   */
  keepTaken(count: number): void;
  /**
   * Give every slot back to the pool; again: nothing happens. Any other use from then on throws a RangeError, and all
   * counts read 0.
   */
  release(): void;
}
