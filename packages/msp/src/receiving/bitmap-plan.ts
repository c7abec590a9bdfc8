import { type SequenceNumber, sequenceAdd, sequenceDistance } from "@meshstream/wasm-core";

/**
 * Chooses which stretch of what has arrived the next extended acknowledgement shows (docs/wire.md W13.7). Where one bitmap
 * does not reach from the first hole to the newest arrival, every second one shows the newest, which the sender measures
 * its losses by; those between show the older ones: first where a hole was filled lately, else each in its turn.
 */
export class BitmapPlan {
  /** The oldest arrival that was not among the newest, and was not shown since. */
  private filled: SequenceNumber | undefined;
  private showedNewest = false;
  /** Where the next of the older stretches begins. */
  private cursor: SequenceNumber | undefined;

  /** A message came out of order. */
  handleFilled(sequence: SequenceNumber): void {
    if (this.filled === undefined || sequenceDistance(sequence, this.filled) < 0) this.filled = sequence;
  }

  /** First number that the next bitmap shows. `arrived`: the first that has not arrived; `highest`: the newest that has. */
  next(arrived: SequenceNumber, highest: SequenceNumber): SequenceNumber {
    const oldest = sequenceAdd(arrived, 1); // `arrived` itself has not
    const newest = sequenceAdd(highest, 1 - BITMAP_MESSAGES);
    if (sequenceDistance(newest, oldest) <= 0) {
      this.filled = undefined;
      this.showedNewest = false;
      this.cursor = undefined;
      return oldest;
    }
    this.showedNewest = !this.showedNewest;
    return this.showedNewest ? newest : this.older(oldest, newest);
  }

  private older(oldest: SequenceNumber, newest: SequenceNumber): SequenceNumber {
    const { filled } = this;
    this.filled = undefined;
    if (filled !== undefined && isWithin(filled, oldest, newest)) return filled;
    const base = this.cursor !== undefined && isWithin(this.cursor, oldest, newest) ? this.cursor : oldest;
    this.cursor = sequenceAdd(base, BITMAP_MESSAGES);
    return base;
  }
}

/** Messages that one bitmap covers. */
export const BITMAP_MESSAGES = 512;

function isWithin(sequence: SequenceNumber, first: SequenceNumber, end: SequenceNumber): boolean {
  return sequenceDistance(sequence, first) >= 0 && sequenceDistance(sequence, end) < 0;
}
