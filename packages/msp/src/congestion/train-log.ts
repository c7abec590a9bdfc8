import type { SequenceNumber } from "@meshstream/wasm-core";

/**
 * Which groups of eight messages left back to back, as a whole and for the first time: only of those does the time that the
 * peer saw between first and last (docs/wire.md W13) say how fast the slowest link is. Memory: 256 bytes.
 */
export class TrainLog {
  private readonly isTrain = new Uint8Array(GROUPS);
  private startedAtMs = Number.NEGATIVE_INFINITY;
  private reported = -1;

  /** A message of so many bytes was sent; `isFirst`: for the first time. */
  handleSent(sequence: SequenceNumber, isFirst: boolean, lengthBytes: number, nowMs: number): void {
    const place = sequence % TRAIN_MESSAGES;
    const isWhole = isFirst && lengthBytes >= LEAST_BYTES;
    if (place === 0 || !isWhole) this.startedAtMs = isWhole ? nowMs : Number.NEGATIVE_INFINITY;
    if (!isFirst) return;
    const group = (sequence >> 3) % GROUPS;
    const isEnd = place === TRAIN_MESSAGES - 1;
    this.isTrain[group] = isEnd && nowMs - this.startedAtMs <= BACK_TO_BACK_MS ? 1 : 0;
  }

  /** What the peer saw of a train, as packets per millisecond; 0 if it says nothing new. */
  perMs(group: number, spreadUs: number): number {
    if (spreadUs === 0 || group === this.reported || this.isTrain[group] === 0) return 0;
    this.reported = group;
    return ((TRAIN_MESSAGES - 1) * 1000) / spreadUs;
  }
}

/** docs/wire.md W13: groups of 8, of whose number 8 bits are reported. */
const TRAIN_MESSAGES = 8;
const GROUPS = 256;

/** Shorter messages would make the link look faster than it is for long ones. */
const LEAST_BYTES = 900;

/** Sent within the same turn of the loop. */
const BACK_TO_BACK_MS = 0.25;
