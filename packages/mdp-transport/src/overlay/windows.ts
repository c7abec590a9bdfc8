/**
 * The packets of one neighbour that were heard, by packet sequence number (docs/wire.md W4, W8): the latest, and a
 * mask of the 32 before it. What it says is what an acknowledgement record carries.
 *
 * The numbers have 8 bits and come round in milliseconds at full rate, so a number alone never makes a packet a copy:
 * only the number and the same bytes do, which the caller gives as a `mark`. Memory: 1 KiB once a number was noted.
 */
export class PacketWindow {
  /** Latest number heard, 0..255; -1 before the first. */
  latest = -1;
  /** Bit 0 = latest - 1; unsigned. */
  mask = 0;
  /** The mark of the packet that bore each number last. */
  #marks: Uint32Array | undefined;
  /** The last number that fell out of the order; the one after it shows that the sender began anew. */
  #strayed = -1;
  /** How far back from the latest the numbers go that this sender has used since it began, at most 15. */
  #usedCount = 0;

  /**
   * Take in a number and the mark of its packet, 0..2^32 - 1. "gap": new, and at least one before it is missing.
   * "stray": far behind the others, or in the place of another packet; it moves nothing and is not acknowledged,
   * unless its successor comes next.
   */
  note(sequence: number, mark: number): "next" | "gap" | "late" | "stray" | "duplicate" {
    this.#marks ??= new Uint32Array(256);
    const marked = this.#marks[sequence] === mark;
    this.#marks[sequence] = mark;
    const distance = ((sequence - this.latest) << 24) >> 24;
    if (this.latest < 0) return this.#begin(sequence, 0);
    if (distance > 0) {
      const kept = distance < 32 ? this.mask << distance : 0;
      this.mask = distance > 32 ? 0 : (kept | (1 << (distance - 1))) >>> 0;
      this.latest = sequence;
      this.#usedCount = Math.min(15, this.#usedCount + distance);
      return distance === 1 ? "next" : "gap";
    }
    // A fresh packet one lap on has another mark. (Ahead, an idle neighbour's packets may well repeat each lap.)
    if (marked) return "duplicate";
    const bit = 1 << (-distance - 1);
    if (distance < 0 && distance >= -32 && (this.mask & bit) === 0) {
      this.mask = (this.mask | bit) >>> 0;
      return "late";
    }
    // Delayed for long, or the first after an outage or a restart: two in a row tell the one from the other.
    if (sequence === ((this.#strayed + 1) & 0xff) && this.#strayed >= 0) return this.#begin(sequence, 1);
    this.#strayed = sequence;
    return "stray";
  }

  /** How many of the last 15 packets before the latest did not come: 0..15. */
  get missedOf15(): number {
    let missed = 0;
    for (let bit = 0; bit < this.#usedCount; bit++) if (((this.mask >>> bit) & 1) === 0) missed++;
    return missed;
  }

  reset(): void {
    this.latest = -1;
    this.mask = 0;
    this.#usedCount = 0;
    this.#strayed = -1;
    this.#marks?.fill(0);
  }

  #begin(sequence: number, mask: number): "next" {
    this.latest = sequence;
    this.mask = mask;
    this.#usedCount = mask;
    this.#strayed = -1;
    return "next";
  }
}
