/** What became of a packet, as far as the neighbour has said (docs/wire.md W8). */
export type PacketFate =
  /** It came. */
  | "acknowledged"
  /** It had not come when a later one had. */
  | "missing"
  /** It fell out of the mask before it was acknowledged: nobody knows. */
  | "unknown"
  /** Nothing was said of it yet. */
  | "pending";

/**
 * The packets that were numbered for one neighbour, and which of them it has said came (docs/wire.md W4, W8). A packet is
 * known here by its count, 1 for the first ever: the number on the wire has 8 bits and comes round.
 */
export class PacketLedger {
  /** Packets numbered, in all. */
  count = 0;
  /** Packets acknowledged, of those that were in a mask. */
  acknowledged = 0;
  /**
   * Of 15 packets, how many do not come: of the last 15 before the newest that came; where many are sent, the mean of
   * the last hundred or so. It moves by whole packets, so that routes do not follow chance.
   */
  missedOf15 = 0;
  #meanMissed = -1;
  /** The number of the last packet, 0..255; -1 while packets go unnumbered. */
  #sequence = -1;
  /** The count before the first packet of this relation. */
  #start = 0;
  /** Count and mask of the last acknowledgement. */
  #newest = 0;
  #mask = 0;
  /** The last acknowledgement as it stood in the record. */
  #said = -1;
  #saidMask = 0;

  get isNumbering(): boolean {
    return this.#sequence >= 0;
  }

  /** Number packets from now on, from 1, or 128 away from what the neighbour has `heard` (0..255, -1: nothing). */
  begin(heard: number): void {
    this.#sequence = heard < 0 ? 0 : (heard + 128) & 0xff;
    this.#start = this.count;
    this.#newest = this.count;
    this.#mask = 0;
    this.missedOf15 = 0;
    this.#meanMissed = -1;
  }

  /** Packets go unnumbered from now on; whatever it acknowledges next counts as new. */
  end(): void {
    this.#sequence = -1;
    this.#said = -1;
    this.#saidMask = 0;
  }

  /** The number of the next packet, or -1 if it goes unnumbered. */
  next(): number {
    if (this.#sequence < 0) return -1;
    this.#sequence = (this.#sequence + 1) & 0xff;
    this.count++;
    return this.#sequence;
  }

  /** Take in an acknowledgement; `sequence` is -1 where a record has none. Returns false if it says nothing new. */
  handleAck(sequence: number, mask: number): boolean {
    if (sequence === this.#said && mask === this.#saidMask) return false;
    this.#said = sequence;
    this.#saidMask = mask;
    if (sequence < 0 || this.#sequence < 0) return true;
    const newest = this.count - ((this.#sequence - sequence) & 0xff);
    // Of an earlier life of ours, or overtaken by a later record.
    if (newest <= this.#start || newest < this.#newest) return true;
    for (let back = 0; back <= MASK_BITS && newest - back > this.#start; back++) {
      const came = back === 0 || (mask >>> (back - 1)) & 1;
      if (came && this.fate(newest - back) !== "acknowledged") this.acknowledged++;
    }
    this.#noteMissed(newest - this.#newest, Math.min(15, newest - this.#start - 1), mask);
    this.#newest = newest;
    this.#mask = mask;
    return true;
  }

  /** What became of the packet with that count. */
  fate(packet: number): PacketFate {
    const back = this.#newest - packet;
    if (back < 0 || this.#newest === this.#start) return "pending";
    if (back > MASK_BITS || packet <= this.#start) return "unknown";
    return back === 0 || (this.#mask >>> (back - 1)) & 1 ? "acknowledged" : "missing";
  }

  /** `fresh` packets later than before, `known` packets of the mask are of this relation. */
  #noteMissed(fresh: number, known: number, mask: number): void {
    let missed = 0;
    for (let bit = 0; bit < known; bit++) if (((mask >>> bit) & 1) === 0) missed++;
    const weight = this.#meanMissed < 0 || fresh < BUSY_PACKETS ? 1 : 1 / 8;
    this.#meanMissed += weight * (missed - this.#meanMissed);
    if (Math.abs(this.#meanMissed - this.missedOf15) >= 1) this.missedOf15 = Math.round(this.#meanMissed);
  }

  /** How many packets later than that one the newest that came was sent; 0 or less if none was. */
  overtakings(packet: number): number {
    return this.#newest - packet;
  }
}

const MASK_BITS = 32;

/** Packets from one acknowledgement to the next, at a tick of 500 ms, from which on the mask alone is a matter of chance. */
const BUSY_PACKETS = 4;
