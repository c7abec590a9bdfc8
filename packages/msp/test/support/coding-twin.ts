// The coding of docs/wire.md W13.11 and W13.12 once more, slowly and by the book, so that the engines are not their own judges.

/** TinyMT32 with the parameters of RFC 8682, section 2.1. */
export function* tinyMt32(seed: number): Generator<number> {
  const [mat1, mat2, tmat] = [0x8f7011ee, 0xfc78ff1f, 0x3793fdff];
  const state = Uint32Array.of(seed, mat1, mat2, tmat);
  for (let i = 1; i < 8; i += 1) {
    const before = state[(i - 1) & 3]!;
    state[i & 3]! ^= i + Math.imul(1812433253, before ^ (before >>> 30));
  }
  const next = () => {
    let x = ((state[0]! & 0x7fffffff) ^ state[1]! ^ state[2]!) >>> 0;
    let y = state[3]!;
    x = (x ^ (x << 1)) >>> 0;
    y = (y ^ (y >>> 1) ^ x) >>> 0;
    state[0] = state[1]!;
    state[1] = state[2]!;
    state[2] = x ^ (y << 10);
    state[3] = y;
    if ((y & 1) === 1) {
      state[1]! ^= mat1;
      state[2]! ^= mat2;
    }
  };
  for (let i = 0; i < 8; i += 1) next();
  for (;;) {
    next();
    let t0 = state[3]!;
    const t1 = (state[0]! + (state[2]! >>> 8)) >>> 0;
    t0 = (t0 ^ t1) >>> 0;
    if ((t1 & 1) === 1) t0 = (t0 ^ tmat) >>> 0;
    yield t0;
  }
}

/** RFC 8681, section 3.6, m = 8 and DT = 15. */
export function coefficients(seed: number, count: number): number[] {
  const found: number[] = [];
  for (const output of tinyMt32(seed)) {
    if ((output & 0xff) !== 0) found.push(output & 0xff);
    if (found.length === count) break;
  }
  return found;
}

/** The product in GF(2^8) with the polynomial 11d. */
export function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product <<= 1;
    if ((product & 0x100) !== 0) product ^= 0x11d;
    if (((b >> bit) & 1) === 1) product ^= a;
  }
  return product;
}

/** A message as it goes into a symbol. */
export interface Coded {
  readonly flags: number;
  readonly message: Uint8Array;
}

export function symbolOf(messages: readonly Coded[], seed: number): Uint8Array {
  const longest = Math.max(...messages.map(({ message }) => message.length));
  const symbol = new Uint8Array(3 + longest);
  const factors = coefficients(seed, messages.length);
  for (const [index, { flags, message }] of messages.entries()) {
    const bytes = [flags, message.length & 0xff, message.length >> 8, ...message];
    for (const [at, byte] of bytes.entries()) symbol[at]! ^= multiply(factors[index]!, byte);
  }
  return symbol;
}
