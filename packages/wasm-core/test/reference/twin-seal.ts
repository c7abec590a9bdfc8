// A slow, readable XSalsa20-Poly1305, written from the papers: whole numbers, and no thought for time or secrecy.

export interface Box {
  readonly key: Uint8Array;
  /** 24 bytes. */
  readonly nonce: Uint8Array;
}

/** The tag, 16 bytes, then the hidden text. */
export function twinSeal({ key, nonce }: Box, text: Uint8Array): Uint8Array {
  const stream = xsalsa20({ key, nonce }, 32 + text.length);
  const hidden = text.map((byte, index) => byte ^ stream[32 + index]!);
  return Uint8Array.from([...twinPoly1305(stream.slice(0, 32), hidden), ...hidden]);
}

/** The first bytes of the keystream are the one-time key of the authenticator. */
export function xsalsa20({ key, nonce }: Box, length: number): Uint8Array {
  const subKey = twinHsalsa20(key, nonce.slice(0, 16));
  const stream: number[] = [];
  for (let counter = 0; stream.length < length; counter++) {
    const input = new Uint8Array(16);
    input.set(nonce.slice(16));
    new DataView(input.buffer).setUint32(8, counter, true);
    stream.push(...twinSalsa20(subKey, input));
  }
  return Uint8Array.from(stream.slice(0, length));
}

/** A block of 64 bytes from a key and 16 bytes of nonce and counter. */
export function twinSalsa20(key: Uint8Array, input: Uint8Array): Uint8Array {
  const before = matrix(key, input);
  return bytesOf(rounds(before).map((word, index) => (word + before[index]!) >>> 0));
}

export function twinHsalsa20(key: Uint8Array, input: Uint8Array): Uint8Array {
  const after = rounds(matrix(key, input));
  return bytesOf([0, 5, 10, 15, 6, 7, 8, 9].map((index) => after[index]!));
}

export function twinPoly1305(oneTimeKey: Uint8Array, message: Uint8Array): Uint8Array {
  const { r, s } = polyKey(oneTimeKey);
  let sum = 0n;
  for (let at = 0; at < message.length; at += 16) {
    sum = ((sum + polyBlock(message.subarray(at, at + 16))) * r) % PRIME;
  }
  return littleEndian((sum + s) % 2n ** 128n, 16);
}

export const PRIME = 2n ** 130n - 5n;

export function polyKey(oneTimeKey: Uint8Array): { r: bigint; s: bigint } {
  return {
    r: wholeNumber(oneTimeKey.slice(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn,
    s: wholeNumber(oneTimeKey.slice(16)),
  };
}

/** The number that a block of 1 to 16 bytes stands for. */
export function polyBlock(block: Uint8Array): bigint {
  return wholeNumber(block) + 2n ** BigInt(8 * block.length);
}

export function littleEndian(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
}

function wholeNumber(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
}

/** The 4 by 4 words that a block begins as. */
function matrix(key: Uint8Array, input: Uint8Array): number[] {
  const c = words(new TextEncoder().encode("expand 32-byte k"));
  const k = words(key);
  const n = words(input);
  return [[c[0]!], k.slice(0, 4), [c[1]!], n, [c[2]!], k.slice(4), [c[3]!]].flat();
}

function rounds(before: readonly number[]): number[] {
  let x = [...before];
  for (let round = 0; round < 20; round++) {
    for (let column = 0; column < 4; column++) {
      // Each column from its diagonal on, downwards and round.
      const at = [0, 1, 2, 3].map((step) => (5 * column + 4 * step) % 16);
      x[at[1]!]! ^= rotated(x[at[0]!]! + x[at[3]!]!, 7);
      x[at[2]!]! ^= rotated(x[at[1]!]! + x[at[0]!]!, 9);
      x[at[3]!]! ^= rotated(x[at[2]!]! + x[at[1]!]!, 13);
      x[at[0]!]! ^= rotated(x[at[3]!]! + x[at[2]!]!, 18);
    }
    // The next round does the same with the rows.
    x = x.map((_, index) => x[4 * (index % 4) + (index >> 2)]!);
  }
  return x;
}

function rotated(word: number, bits: number): number {
  return (word << bits) | ((word >>> 0) >>> (32 - bits));
}

function words(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(4 * index, true));
}

function bytesOf(from: readonly number[]): Uint8Array {
  return Uint8Array.from(from.flatMap((word) => [word, word >>> 8, word >>> 16, word >>> 24]));
}
