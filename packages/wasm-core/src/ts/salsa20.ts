// Salsa20 and HSalsa20 (D. J. Bernstein, "The Salsa20 family of stream ciphers"; "Extending the Salsa20 nonce").
// No branch and no index depends on a key.

/** The 16 words of a block's input: constants at 0, 5, 10, 15, key at 1..4 and 11..14, nonce and counter at 6..9. */
export type Salsa20State = Int32Array;

/** The input for a key (32 bytes at `key`) and the first words of a nonce; the counter is 0. */
export function salsa20State(bytes: Uint8Array, key: number, nonce: number, nonceWords: 2 | 4): Salsa20State {
  const state = new Int32Array(16);
  for (let index = 0; index < 4; index += 1) {
    state[5 * index] = SIGMA[index] as number;
    state[1 + index] = loadWord(bytes, key + 4 * index);
    state[11 + index] = loadWord(bytes, key + 16 + 4 * index);
  }
  for (let index = 0; index < nonceWords; index += 1) state[6 + index] = loadWord(bytes, nonce + 4 * index);
  return state;
}

/** One block of keystream, 16 words, for a state whose words 8 and 9 are the counter. */
export function salsa20Block(state: Salsa20State): Int32Array {
  const block = state.slice();
  twentyRounds(block);
  for (let index = 0; index < 16; index += 1)
    block[index] = (block[index] as number) + (state[index] as number);
  return block;
}

/** HSalsa20: the 8 words of a sub-key, for a state whose words 6 to 9 are 16 bytes of nonce. */
export function hsalsa20(state: Salsa20State): Int32Array {
  twentyRounds(state);
  return Int32Array.from([0, 5, 10, 15, 6, 7, 8, 9], (index) => state[index] as number);
}

/** A word of four bytes, the lowest first. */
export function loadWord(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset] as number) |
    ((bytes[offset + 1] as number) << 8) |
    ((bytes[offset + 2] as number) << 16) |
    ((bytes[offset + 3] as number) << 24)
  );
}

export function storeWord(bytes: Uint8Array, offset: number, word: number): void {
  bytes[offset] = word;
  bytes[offset + 1] = word >>> 8;
  bytes[offset + 2] = word >>> 16;
  bytes[offset + 3] = word >>> 24;
}

/** "expand 32-byte k" */
const SIGMA = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];

/** Quarter-rounds on the four columns of the matrix, then on its four rows, ten times. */
function twentyRounds(x: Int32Array): void {
  for (let round = 0; round < 20; round += 2) {
    quarterRound(x, 0, 4, 8, 12);
    quarterRound(x, 5, 9, 13, 1);
    quarterRound(x, 10, 14, 2, 6);
    quarterRound(x, 15, 3, 7, 11);
    quarterRound(x, 0, 1, 2, 3);
    quarterRound(x, 5, 6, 7, 4);
    quarterRound(x, 10, 11, 8, 9);
    quarterRound(x, 15, 12, 13, 14);
  }
}

function quarterRound(x: Int32Array, a: number, b: number, c: number, d: number): void {
  const b1 = (x[b] as number) ^ rotate((x[a] as number) + (x[d] as number), 7);
  const c1 = (x[c] as number) ^ rotate(b1 + (x[a] as number), 9);
  const d1 = (x[d] as number) ^ rotate(c1 + b1, 13);
  x[a] = (x[a] as number) ^ rotate(d1 + c1, 18);
  x[b] = b1;
  x[c] = c1;
  x[d] = d1;
}

function rotate(sum: number, bits: number): number {
  return (sum << bits) | (sum >>> (32 - bits));
}
