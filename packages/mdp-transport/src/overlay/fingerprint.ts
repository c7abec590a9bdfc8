/**
 * A number for the bytes in [offset, end), 0 to 2^53 - 1, that other bytes have by chance only. Not for secrets:
 * whoever wants two messages with one number can make them.
 *
 * @example fingerprint(frame, payloadOffset, end, frameSequence)
 */
export function fingerprint(bytes: Uint8Array, offset: number, end: number, seed = 0): number {
  let low = seed ^ (end - offset);
  let high = low ^ HIGH_SEED;
  let at = offset;
  for (; at + 4 <= end; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    low = Math.imul(low ^ word, LOW_FACTOR);
    low ^= low >>> 15;
    high = Math.imul(high ^ word, HIGH_FACTOR);
    high ^= high >>> 13;
  }
  for (; at < end; at++) {
    low = Math.imul(low ^ bytes[at]!, LOW_FACTOR);
    high = Math.imul(high ^ bytes[at]!, HIGH_FACTOR);
  }
  low ^= low >>> 15;
  high ^= high >>> 13;
  return (high & 0x1f_ffff) * 0x1_0000_0000 + (low >>> 0);
}

/** The same, 0 to 2^32 - 1, of a packet's first and last 16 bytes from `offset` on: enough where all packets differ there. */
export function packetMark(bytes: Uint8Array, offset: number, end: number): number {
  let mark = end - offset;
  if (mark < 32) {
    for (let at = offset; at < end; at++) mark = Math.imul(mark ^ bytes[at]!, LOW_FACTOR);
    return mark >>> 0;
  }
  const headEnd = offset + 16;
  for (let at = offset; at < end; at += 4) {
    if (at === headEnd) at = end - 16;
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    mark = Math.imul(mark ^ word, LOW_FACTOR);
    mark ^= mark >>> 15;
  }
  return mark >>> 0;
}

// Odd, with bits spread evenly: those of xxHash.
const LOW_FACTOR = 0x9e3779b1;
const HIGH_FACTOR = 0x85ebca77;
const HIGH_SEED = 0x27d4eb2f;
