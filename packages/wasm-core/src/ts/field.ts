// Arithmetic in GF(256), modulo x^8 + x^4 + x^3 + x^2 + 1 (0x11D), as RFC 8681 section 3.3 has it. Sums are XOR.

const POLYNOMIAL = 0x11d;

/** The product of two elements, bit by bit: for tables and checks, not for symbols. */
export function multiply(left: number, right: number): number {
  let product = 0;
  let shifted = left;
  for (let rest = right; rest !== 0; rest >>= 1) {
    if ((rest & 1) !== 0) product ^= shifted;
    shifted <<= 1;
    if (shifted > 0xff) shifted ^= POLYNOMIAL;
  }
  return product;
}

/** The element whose product with `element`, which is not 0, is 1: its 254th power. */
export function inverse(element: number): number {
  let power = element;
  for (let exponent = 1; exponent < 127; exponent = 2 * exponent + 1) {
    power = multiply(multiply(power, power), element);
  }
  return multiply(power, power);
}

/** All products: that of f and b at f * 256 + b. 64 KiB, made when first needed. */
let products: Uint8Array | undefined;

function makeProducts(): Uint8Array {
  const table = new Uint8Array(65536);
  for (let index = 0; index < table.length; index += 1) table[index] = multiply(index >> 8, index & 0xff);
  return table;
}

/**
 * Add `factor` times the `length` bytes at `source` to those at `target`. Both may be the same stretch, but not overlap
 * otherwise.
 */
export function multiplyAdd(
  bytes: Uint8Array,
  target: number,
  source: number,
  length: number,
  factor: number,
): void {
  products ??= makeProducts();
  const table = products; // a local: read once, not for each byte
  const row = factor << 8;
  for (let index = 0; index < length; index += 1) {
    const product = table[row | (bytes[source + index] as number)] as number;
    bytes[target + index] = (bytes[target + index] as number) ^ product;
  }
}
