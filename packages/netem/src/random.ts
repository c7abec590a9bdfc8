/** Seeded chance: the same seed gives the same numbers on every machine. Not for keys or nonces. */
export interface Random {
  /** A number in [0, 1), of 53 bits. */
  next(): number;
  /** A whole number, 0..2^32-1. */
  uint32(): number;
  /** A whole number, 0..n-1, each equally likely; `n` is a whole number, 1..2^32 (else RangeError). */
  below(n: number): number;
  /** Overwrite all of `bytes`. */
  fill(bytes: Uint8Array): void;
  /**
   * A generator of its own, seeded from this one (which moves on). Give each concern a fork:
   * then how often one of them draws does not change what another sees.
   */
  fork(): Random;
}

/**
 * A generator started from `seed`, any safe integer (else RangeError).
 *
 * @example createRandom(7).below(6) + 1 // a die, the same one for everybody
 */
export function createRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed: ${seed} is not a safe integer`);
  // Four Feistel rounds over the halves of the seed: every seed gives another state, neighbours unrelated ones.
  let left = seed >>> 0;
  let right = Math.floor(seed / 2 ** 32) >>> 0;
  const words: number[] = [];
  for (let round = 1; round <= 4; round++) {
    [left, right] = [right, (left ^ splitmix(right + Math.imul(round, 0x9e3779b9))) >>> 0];
    words.push(round <= 2 ? splitmix(right) : right);
  }
  return new Xoshiro(Uint32Array.from(words));
}

/** xoshiro128** (Blackman and Vigna): 128 bits of state, period 2^128 - 1. */
class Xoshiro implements Random {
  readonly #state: Uint32Array;

  constructor(state: Uint32Array) {
    if (state.every((word) => word === 0)) state[0] = 1; // the one state that it could not leave
    this.#state = state;
  }

  uint32(): number {
    const s = this.#state;
    const s1 = s[1]!;
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    s[2]! ^= s[0]!;
    s[3]! ^= s1;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= s1 << 9;
    s[3] = rotateLeft(s[3]!, 11);
    return result;
  }

  next(): number {
    return ((this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53;
  }

  below(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
      throw new RangeError(`below: ${n} is not a whole number, 1 to 2^32`);
    }
    // What lies beyond the last whole multiple of n would favour the small numbers: draw again.
    const fair = 2 ** 32 - (2 ** 32 % n);
    let drawn = this.uint32();
    while (drawn >= fair) drawn = this.uint32();
    return drawn % n;
  }

  fill(bytes: Uint8Array): void {
    let word = 0;
    for (let i = 0; i < bytes.length; i++) {
      word = i % 4 === 0 ? this.uint32() : word >>> 8;
      bytes[i] = word;
    }
  }

  fork(): Random {
    return new Xoshiro(Uint32Array.from({ length: 4 }, () => splitmix(this.uint32())));
  }
}

/** The finaliser of splitmix32: every input bit reaches every output bit. */
function splitmix(x: number): number {
  let z = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

function rotateLeft(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}
