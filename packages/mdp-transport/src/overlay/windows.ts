/**
 * The packets of one neighbour that were heard, by packet sequence number (docs/wire.md W4, W8): the latest, and a
 * mask of the 32 before it. What it says is what an acknowledgement record carries.
 */
export class PacketWindow {
  /** Latest number heard, 0..255; -1 before the first. */
  latest = -1;
  /** Bit 0 = latest - 1; unsigned. */
  mask = 0;

  /** Take in a number. "gap": new, and at least one before it is missing. */
  note(sequence: number): "next" | "gap" | "late" | "duplicate" {
    const distance = this.latest < 0 ? RESTART : signedDistance(sequence, this.latest);
    if (distance === 0) return "duplicate";
    if (distance > 0) {
      const kept = distance < 32 ? this.mask << distance : 0;
      this.mask = distance > 32 ? 0 : (kept | (1 << (distance - 1))) >>> 0;
      this.latest = sequence;
      return distance === 1 ? "next" : "gap";
    }
    if (distance < -32) {
      // The sender began anew.
      this.latest = sequence;
      this.mask = 0;
      return "next";
    }
    const bit = 1 << (-distance - 1);
    if (this.mask & bit) return "duplicate";
    this.mask = (this.mask | bit) >>> 0;
    return "late";
  }

  reset(): void {
    this.latest = -1;
    this.mask = 0;
  }
}

/**
 * The frames of one transmitter that were heard, by frame sequence number (docs/wire.md W4): a number that was seen
 * and is up to 64 behind is a copy; 65 or more behind counts as new.
 */
export class FrameWindow {
  #latest = -1;
  // Bit i of the pair: latest - 1 - i was seen.
  #low = 0;
  #high = 0;

  /** Take in a number; false if the frame is a copy. */
  note(sequence: number): boolean {
    const behind = this.#latest < 0 ? NEW_BEHIND : (this.#latest - sequence) & 0xff;
    if (behind === 0) return false;
    if (behind > 64) {
      this.#advance(this.#latest < 0 ? 256 : (sequence - this.#latest) & 0xff);
      this.#latest = sequence;
      return true;
    }
    const bit = 1 << ((behind - 1) & 31);
    if (behind <= 32) {
      if (this.#low & bit) return false;
      this.#low |= bit;
    } else {
      if (this.#high & bit) return false;
      this.#high |= bit;
    }
    return true;
  }

  reset(): void {
    this.#latest = -1;
    this.#low = 0;
    this.#high = 0;
  }

  #advance(steps: number): void {
    if (steps > 64) {
      this.#low = 0;
      this.#high = 0;
      return;
    }
    for (let i = 0; i < steps; i++) {
      this.#high = (this.#high << 1) | (this.#low >>> 31);
      // The number that was the latest is the first to enter.
      this.#low = (this.#low << 1) | (i === 0 ? 1 : 0);
    }
  }
}

/** How far `sequence` is ahead of `from`, modulo 256: -128..127. */
function signedDistance(sequence: number, from: number): number {
  return ((sequence - from) << 24) >> 24;
}

// Any distance that counts as a new beginning.
const RESTART = -128;
const NEW_BEHIND = 255;
