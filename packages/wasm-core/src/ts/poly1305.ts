import { loadWord, storeWord } from "./salsa20.ts";

// Poly1305 (D. J. Bernstein, "The Poly1305-AES message-authentication code"): the message as a polynomial, evaluated
// at r modulo 2^130 - 5. Six limbs of 22 bits: the sums of their products stay below 2^52, so that numbers are exact.

/**
 * Write the tag, 16 bytes at `out`, of the `length` bytes at `message` under a one-time key of 8 words: r, then s. The
 * text is read before the tag is written, and `out` does not lie in it.
 */
export function poly1305(
  bytes: Uint8Array,
  out: number,
  key: Int32Array,
  message: number,
  length: number,
): void {
  const r = CLAMP.map((mask, index) => (key[index] as number) & mask);
  const [r0, r1, r2, r3, r4, r5] = limbs(r[0]!, r[1]!, r[2]!, r[3]!, 0);
  // What reaches 2^132 comes round 20 times, for 2^130 is 5 modulo the prime.
  const [t1, t2, t3, t4, t5] = [20 * r1, 20 * r2, 20 * r3, 20 * r4, 20 * r5];
  let h: Limbs = [0, 0, 0, 0, 0, 0];
  const last = new Uint8Array(16);
  for (let done = 0; done < length; done += 16) {
    let block = loadBlock(bytes, message + done, 1);
    if (length - done < 16) {
      last.set(bytes.subarray(message + done, message + length));
      last[length - done] = 1;
      block = loadBlock(last, 0, 0);
    }
    const h0 = h[0] + block[0];
    const h1 = h[1] + block[1];
    const h2 = h[2] + block[2];
    const h3 = h[3] + block[3];
    const h4 = h[4] + block[4];
    const h5 = h[5] + block[5];
    h = carried([
      h0 * r0 + h1 * t5 + h2 * t4 + h3 * t3 + h4 * t2 + h5 * t1,
      h0 * r1 + h1 * r0 + h2 * t5 + h3 * t4 + h4 * t3 + h5 * t2,
      h0 * r2 + h1 * r1 + h2 * r0 + h3 * t5 + h4 * t4 + h5 * t3,
      h0 * r3 + h1 * r2 + h2 * r1 + h3 * r0 + h4 * t5 + h5 * t4,
      h0 * r4 + h1 * r3 + h2 * r2 + h3 * r1 + h4 * r0 + h5 * t5,
      h0 * r5 + h1 * r4 + h2 * r3 + h3 * r2 + h4 * r1 + h5 * r0,
    ]);
  }
  writeTag(bytes, out, h, key);
}

type Limbs = readonly [number, number, number, number, number, number];

const CLAMP = [0x0fffffff, 0x0ffffffc, 0x0ffffffc, 0x0ffffffc];
const LIMB_MASK = 0x3fffff;
const LIMB = 0x400000;

function loadBlock(bytes: Uint8Array, at: number, top: number): Limbs {
  return limbs(
    loadWord(bytes, at),
    loadWord(bytes, at + 4),
    loadWord(bytes, at + 8),
    loadWord(bytes, at + 12),
    top,
  );
}

/** The limbs of the number that four words and `top` times 2^128 make. */
function limbs(w0: number, w1: number, w2: number, w3: number, top: number): Limbs {
  return [
    w0 & LIMB_MASK,
    ((w0 >>> 22) | (w1 << 10)) & LIMB_MASK,
    ((w1 >>> 12) | (w2 << 20)) & LIMB_MASK,
    (w2 >>> 2) & LIMB_MASK,
    ((w2 >>> 24) | (w3 << 8)) & LIMB_MASK,
    (w3 >>> 14) | (top << 18),
  ];
}

/** The same number modulo the prime in limbs below 2^22, but for the lowest two, which may be a little more. */
function carried(d: Limbs): Limbs {
  const c0 = Math.floor(d[0] / LIMB);
  const d1 = d[1] + c0;
  const c1 = Math.floor(d1 / LIMB);
  const d2 = d[2] + c1;
  const c2 = Math.floor(d2 / LIMB);
  const d3 = d[3] + c2;
  const c3 = Math.floor(d3 / LIMB);
  const d4 = d[4] + c3;
  const c4 = Math.floor(d4 / LIMB);
  const d5 = d[5] + c4;
  const c5 = Math.floor(d5 / LIMB);
  // c5 is below 2^30: its 20-fold would not fit the lowest limb, and goes on at once.
  const h0 = d[0] - c0 * LIMB + 20 * c5;
  const again = Math.floor(h0 / LIMB);
  return [
    h0 - again * LIMB,
    d1 - c1 * LIMB + again,
    d2 - c2 * LIMB,
    d3 - c3 * LIMB,
    d4 - c4 * LIMB,
    d5 - c5 * LIMB,
  ];
}

/** Reduce h wholly, add s modulo 2^128, and write it. */
function writeTag(bytes: Uint8Array, out: number, h: Limbs, key: Int32Array): void {
  const whole = foldTop(foldTop(carried(h)));
  // If adding 5 carries beyond 2^130, h was the prime or more: then h + 5 is what remains, but for that carry.
  const more = carried([whole[0] + 5, whole[1], whole[2], whole[3], whole[4], whole[5]]);
  const isMore = more[5] >>> 20;
  const pick = (index: 0 | 1 | 2 | 3 | 4 | 5) =>
    ((more[index] & -isMore) | (whole[index] & (isMore - 1))) >>> 0;
  const [h0, h1, h2, h3, h4, h5] = [pick(0), pick(1), pick(2), pick(3), pick(4), pick(5)];
  const words = [
    h0 | (h1 << 22),
    (h1 >>> 10) | (h2 << 12),
    (h2 >>> 20) | (h3 << 2) | (h4 << 24),
    (h4 >>> 8) | (h5 << 14),
  ];
  let carry = 0;
  for (const [index, word] of words.entries()) {
    const sum = (word >>> 0) + ((key[4 + index] as number) >>> 0) + carry;
    storeWord(bytes, out + 4 * index, sum | 0);
    carry = Math.floor(sum / 0x1_0000_0000);
  }
}

/** Bring what lies above 2^130 round: five times each. */
function foldTop(h: Limbs): Limbs {
  return carried([h[0] + 5 * (h[5] >>> 20), h[1], h[2], h[3], h[4], h[5] & 0xfffff]);
}
