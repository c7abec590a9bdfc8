// Coding as docs/wire.md W13, RFC 8681 and RFC 8682 define it, slowly: products bit by bit, numbers of any size, plain
// Gauss over whole matrices.

/** The product in GF(256) modulo 0x11D. */
export function twinProduct(left: number, right: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product *= 2;
    if (product > 255) product ^= 0x11d;
    if (Math.floor(right / 2 ** bit) % 2 === 1) product ^= left;
  }
  return product;
}

export function twinInverse(element: number): number {
  for (let other = 1; other < 256; other += 1) if (twinProduct(element, other) === 1) return other;
  throw new Error(`${element} has no inverse`);
}

/** TinyMT32 (RFC 8682) with big integers. */
export class TwinTinyMt32 {
  #state: [bigint, bigint, bigint, bigint];

  constructor(seed: number) {
    this.#state = [BigInt(seed), 0x8f7011een, 0xfc78ff1fn, 0x3793fdffn];
    const state = this.#state;
    for (let index = 1; index < 8; index += 1) {
      const before = state[(index - 1) % 4] as bigint;
      const mixed = word(BigInt(index) + 1812433253n * (before ^ (before >> 30n)));
      state[index % 4] = (state[index % 4] as bigint) ^ mixed;
    }
    for (let count = 0; count < 8; count += 1) this.#step();
  }

  next(): number {
    this.#step();
    const [first, , third, fourth] = this.#state;
    const sum = word(first + (third >> 8n));
    return Number(fourth ^ sum ^ (sum % 2n === 1n ? 0x3793fdffn : 0n));
  }

  #step(): void {
    const [first, second, third, fourth] = this.#state;
    let x = (first & 0x7fffffffn) ^ second ^ third;
    x = word(x ^ (x << 1n));
    const y = fourth ^ (fourth >> 1n) ^ x;
    const isOdd = y % 2n === 1n;
    this.#state = [
      second,
      third ^ (isOdd ? 0x8f7011een : 0n),
      word(x ^ (y << 10n)) ^ (isOdd ? 0xfc78ff1fn : 0n),
      y,
    ];
  }
}

function word(value: bigint): bigint {
  return value & 0xffffffffn;
}

/** `count` coefficients: RFC 8681 section 3.6 with DT = 15. */
export function twinCoefficients(seed: number, count: number): number[] {
  const numbers = new TwinTinyMt32(seed);
  const coefficients: number[] = [];
  while (coefficients.length < count) {
    const byte = numbers.next() % 256;
    if (byte !== 0) coefficients.push(byte);
  }
  return coefficients;
}

/** What stands for a message in a repair: its own flags, its length, its bytes. */
export function twinSymbol(message: Uint8Array, isLast: boolean): number[] {
  return [isLast ? 1 : 0, message.length % 256, Math.floor(message.length / 256), ...message];
}

/** The combination of symbols under the coefficients of `seed`, as long as the longest. */
export function twinCombination(symbols: readonly (readonly number[])[], seed: number): number[] {
  const coefficients = twinCoefficients(seed, symbols.length);
  const sum = new Array<number>(Math.max(...symbols.map((symbol) => symbol.length))).fill(0);
  for (const [index, symbol] of symbols.entries()) {
    const factor = coefficients[index] as number;
    for (const [at, byte] of symbol.entries()) sum[at] = (sum[at] as number) ^ twinProduct(factor, byte);
  }
  return sum;
}

/** A repair: which messages it combines, and under which seed. */
export interface TwinRepair {
  readonly first: number;
  readonly count: number;
  readonly seed: number;
}

/** Which of the `unknown` messages the repairs determine, the others being known; and the rank of the equations. */
export function twinSolve(
  repairs: readonly TwinRepair[],
  unknown: readonly number[],
): { determined: number[]; rank: number } {
  const rows = repairs.map(({ first, count, seed }) => {
    const coefficients = twinCoefficients(seed, count);
    return unknown.map((sequence) => coefficients[(sequence - first + 65536) % 65536] ?? 0);
  });
  let rank = 0;
  for (let column = 0; column < unknown.length; column += 1) {
    const pivot = rows.findIndex((row, index) => index >= rank && row[column] !== 0);
    if (pivot === -1) continue;
    const [row] = rows.splice(pivot, 1) as [number[]];
    const inverse = twinInverse(row[column] as number);
    const scaled = row.map((value) => twinProduct(value, inverse));
    rows.splice(rank, 0, scaled);
    for (const [index, other] of rows.entries()) {
      const factor = other[column] as number;
      if (index === rank || factor === 0) continue;
      rows[index] = other.map((value, at) => value ^ twinProduct(factor, scaled[at] as number));
    }
    rank += 1;
  }
  const determined = rows
    .filter((row) => row.filter((value) => value !== 0).length === 1)
    .map((row) => unknown[row.findIndex((value) => value !== 0)] as number);
  return { determined, rank };
}
