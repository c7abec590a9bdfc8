import { FIELD_PRODUCTS, FIELD_PRODUCT_BYTES } from "./memory";

// Arithmetic in GF(256), modulo x^8 + x^4 + x^3 + x^2 + 1 (0x11D), as RFC 8681 section 3.3 has it. Sums are XOR.
// Owner of FIELD_PRODUCTS (8 KiB): for each factor its products with the 16 low and the 16 high halves of a byte.

const POLYNOMIAL: i32 = 0x11d;

/** Fill the table of products. Once, before anything else here. */
export function fieldInitialise(): void {
  for (let factor = 0; factor < 256; factor++) {
    const row: usize = FIELD_PRODUCTS + factor * FIELD_PRODUCT_BYTES;
    for (let half = 0; half < 16; half++) {
      store<u8>(row + half, slowProduct(factor, half));
      store<u8>(row + half + 16, slowProduct(factor, half << 4));
    }
  }
}

/** The product of two elements. */
export function multiply(factor: i32, element: i32): i32 {
  const row: usize = FIELD_PRODUCTS + factor * FIELD_PRODUCT_BYTES;
  return load<u8>(row + (element & 15)) ^ load<u8>(row + (element >> 4), 16);
}

/** The element whose product with `element`, which is not 0, is 1: its 254th power. */
export function inverse(element: i32): i32 {
  let power = element;
  for (let exponent = 1; exponent < 127; exponent = 2 * exponent + 1) {
    power = multiply(multiply(power, power), element);
  }
  return multiply(power, power);
}

/**
 * Add `factor` times the `length` bytes at `source` to those at `target`: 16 at a time, each half of a byte looked up
 * by a swizzle. Both may be the same stretch, but not overlap otherwise.
 */
export function multiplyAdd(target: usize, source: usize, length: i32, factor: i32): void {
  const row: usize = FIELD_PRODUCTS + factor * FIELD_PRODUCT_BYTES;
  const low = v128.load(row);
  const high = v128.load(row, 16);
  const mask = i8x16.splat(15);
  const end = source + (length & ~15);
  while (source < end) {
    const bytes = v128.load(source);
    const product = v128.xor(
      i8x16.swizzle(low, v128.and(bytes, mask)),
      i8x16.swizzle(high, i8x16.shr_u(bytes, 4)),
    );
    v128.store(target, v128.xor(v128.load(target), product));
    source += 16;
    target += 16;
  }
  const last = source + (length & 15);
  for (; source < last; source++) {
    store<u8>(target, load<u8>(target) ^ multiply(factor, load<u8>(source)));
    target++;
  }
}

function slowProduct(left: i32, right: i32): i32 {
  let product = 0;
  for (let rest = right; rest != 0; rest >>= 1) {
    if ((rest & 1) != 0) product ^= left;
    left <<= 1;
    if (left > 0xff) left ^= POLYNOMIAL;
  }
  return product;
}
