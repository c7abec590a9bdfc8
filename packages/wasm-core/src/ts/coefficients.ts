// The coefficients of a repair: RFC 8681 section 3.6 at full density (DT = 15), from TinyMT32 (RFC 8682).

const MAT1 = 0x8f7011ee;
const MAT2 = 0xfc78ff1f;
const TMAT = 0x3793fdff;

/** TinyMT32 with the parameters of RFC 8682 section 2.1. */
export class TinyMt32 {
  // The 127 bits of state, in words of 32.
  #first = 0;
  #second = 0;
  #third = 0;
  #fourth = 0;

  /** Start the sequence of `seed`, any 32-bit number. */
  start(seed: number): void {
    const state: [number, number, number, number] = [seed, MAT1, MAT2, TMAT];
    for (let index = 1; index < 8; index += 1) {
      const before = state[(index - 1) & 3] as number;
      const mixed = index + Math.imul(1812433253, before ^ (before >>> 30));
      state[index & 3] = (state[index & 3] as number) ^ mixed;
    }
    [this.#first, this.#second, this.#third, this.#fourth] = state;
    for (let count = 0; count < 8; count += 1) this.#step();
  }

  /** The next number, 0 .. 2^32 - 1. */
  next(): number {
    this.#step();
    const sum = (this.#first + (this.#third >>> 8)) | 0;
    return (this.#fourth ^ sum ^ (-(sum & 1) & TMAT)) >>> 0;
  }

  /** The next coefficient: the low byte of the next number in which that is not 0. */
  nextCoefficient(): number {
    let coefficient = 0;
    while (coefficient === 0) coefficient = this.next() & 0xff;
    return coefficient;
  }

  #step(): void {
    let x = (this.#first & 0x7fffffff) ^ this.#second ^ this.#third;
    x ^= x << 1;
    const y = this.#fourth ^ (this.#fourth >>> 1) ^ x;
    const isOdd = -(y & 1);
    this.#first = this.#second;
    this.#second = this.#third ^ (isOdd & MAT1);
    this.#third = x ^ (y << 10) ^ (isOdd & MAT2);
    this.#fourth = y;
  }
}
