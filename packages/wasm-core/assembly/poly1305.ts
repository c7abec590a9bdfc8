import { SEAL_AUTHENTICATOR } from "./memory";

// Poly1305 (D. J. Bernstein, "The Poly1305-AES message-authentication code"): the message as a polynomial, evaluated
// at r modulo 2^130 - 5. Limbs of 32 bits in words of 64: since r is clamped, its limbs are below 2^28 and all but the
// lowest divisible by 4, so that a sum of four products fits, even of limbs that have not passed their carry on. One
// chain of these takes 0.33 microseconds for 1 KiB, two lanes of 26-bit limbs in SIMD 0.36; and it leaves the units for
// SIMD to Salsa20. Owner of SEAL_AUTHENTICATOR: h0 to h4, r0 to r3 and s1 to s3, which are r1 to r3 times 5/4, for
// 2^128 is 5/4 modulo the prime.

/** Begin: `key` is the one-time key, of which r is the first half. */
export function authenticatorStart(key: usize): void {
  memory.fill(SEAL_AUTHENTICATOR, 0, 40);
  store<u64>(SEAL_AUTHENTICATOR, load<u32>(key) & 0x0fffffff, 40);
  storeLimb(SEAL_AUTHENTICATOR + 48, load<u32>(key, 4));
  storeLimb(SEAL_AUTHENTICATOR + 56, load<u32>(key, 8));
  storeLimb(SEAL_AUTHENTICATOR + 64, load<u32>(key, 12));
}

/** A limb of r but the lowest, and 5/4 of it. */
// @ts-ignore: decorator
@inline
function storeLimb(out: usize, bits: u32): void {
  const r = <u64>(bits & 0x0ffffffc);
  store<u64>(out, r);
  store<u64>(out, r + (r >> 2), 24);
}

/** Take in a block of 16 bytes. */
// @ts-ignore: decorator
@inline
export function absorb(block: usize): void {
  absorbWith(block, 1);
}

/** Take in the whole blocks from `at` to `end`. */
export function absorbAll(at: usize, end: usize): void {
  for (; at < end; at += 16) absorb(at);
}

/** Take in the last `length` bytes, 0 to 15, at `rest`, and write the tag, 16 bytes, at `out`. */
export function authenticatorFinish(out: usize, key: usize, rest: usize, length: i32): void {
  if (length > 0) {
    memory.fill(out, 0, 16);
    for (let index = 0; index < length; index++) store<u8>(out + index, load<u8>(rest + index));
    store<u8>(out + length, 1);
    absorbWith(out, 0);
  }
  let h1 = load<u64>(SEAL_AUTHENTICATOR, 8) + (load<u64>(SEAL_AUTHENTICATOR) >> 32);
  const h2 = load<u64>(SEAL_AUTHENTICATOR, 16) + (h1 >> 32);
  const h3 = load<u64>(SEAL_AUTHENTICATOR, 24) + (h2 >> 32);
  const h4 = load<u64>(SEAL_AUTHENTICATOR, 32) + (h3 >> 32);
  // h4 comes to 4 only where h2 and h3 are 0 for it and h1 at most 1: a carry from here ends in h1.
  const h0 = (load<u64>(SEAL_AUTHENTICATOR) & LIMB) + (h4 >> 2) * 5;
  h1 = (h1 & LIMB) + (h0 >> 32);
  // If adding 5 carries beyond 2^130, h was the prime or more, and 5 is to be added indeed: what carries beyond 2^128
  // is lost.
  let carry = ((h0 & LIMB) + 5) >> 32;
  carry = (h1 + carry) >> 32;
  carry = ((h2 & LIMB) + carry) >> 32;
  carry = ((h3 & LIMB) + carry) >> 32;
  let sum = (h0 & LIMB) + (((h4 & 3) + carry) >> 2) * 5 + load<u32>(key, 16);
  store<u32>(out, <u32>sum);
  sum = h1 + <u64>load<u32>(key, 20) + (sum >> 32);
  store<u32>(out, <u32>sum, 4);
  sum = (h2 & LIMB) + <u64>load<u32>(key, 24) + (sum >> 32);
  store<u32>(out, <u32>sum, 8);
  sum = (h3 & LIMB) + <u64>load<u32>(key, 28) + (sum >> 32);
  store<u32>(out, <u32>sum, 12);
}

/** h = (h + block + `top` * 2^128) * r. Carries are passed on once: limbs are below 2^32 then, the lowest 2^33.3. */
// @ts-ignore: decorator
@inline
function absorbWith(block: usize, top: u64): void {
  const h0 = load<u64>(SEAL_AUTHENTICATOR) + <u64>load<u32>(block);
  const h1 = load<u64>(SEAL_AUTHENTICATOR, 8) + <u64>load<u32>(block, 4);
  const h2 = load<u64>(SEAL_AUTHENTICATOR, 16) + <u64>load<u32>(block, 8);
  const h3 = load<u64>(SEAL_AUTHENTICATOR, 24) + <u64>load<u32>(block, 12);
  const h4 = load<u64>(SEAL_AUTHENTICATOR, 32) + top;
  const r0 = load<u64>(SEAL_AUTHENTICATOR, 40);
  const r1 = load<u64>(SEAL_AUTHENTICATOR, 48);
  const r2 = load<u64>(SEAL_AUTHENTICATOR, 56);
  const r3 = load<u64>(SEAL_AUTHENTICATOR, 64);
  const s1 = load<u64>(SEAL_AUTHENTICATOR, 72);
  const s2 = load<u64>(SEAL_AUTHENTICATOR, 80);
  const s3 = load<u64>(SEAL_AUTHENTICATOR, 88);
  const d0 = h0 * r0 + h1 * s3 + h2 * s2 + h3 * s1;
  const d1 = h0 * r1 + h1 * r0 + h2 * s3 + h3 * s2 + h4 * s1 + (d0 >> 32);
  const d2 = h0 * r2 + h1 * r1 + h2 * r0 + h3 * s3 + h4 * s2 + (d1 >> 32);
  const d3 = h0 * r3 + h1 * r2 + h2 * r1 + h3 * r0 + h4 * s3 + (d2 >> 32);
  const d4 = h4 * r0 + (d3 >> 32);
  store<u64>(SEAL_AUTHENTICATOR, (d0 & LIMB) + (d4 >> 2) * 5);
  store<u64>(SEAL_AUTHENTICATOR, d1 & LIMB, 8);
  store<u64>(SEAL_AUTHENTICATOR, d2 & LIMB, 16);
  store<u64>(SEAL_AUTHENTICATOR, d3 & LIMB, 24);
  store<u64>(SEAL_AUTHENTICATOR, d4 & 3, 32);
}

const LIMB: u64 = 0xffffffff;
