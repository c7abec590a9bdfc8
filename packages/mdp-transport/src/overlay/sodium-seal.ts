import sodium from "libsodium-wrappers";
import { MAC_BYTES, NONCE_BYTES, SEAL_BYTES, type SealKey, type SealProvider } from "./seal.ts";

/** The 32 bytes of `crypto_box_beforenm`, or undefined if the SID is a point of low order. After `sodium.ready` only. */
export function agreeSharedKey(boxSecret: Uint8Array, sid: Uint8Array): Uint8Array | undefined {
  try {
    return sodium.crypto_box_beforenm(sid, boxSecret);
  } catch {
    return undefined;
  }
}

/**
 * Sealing by libsodium, in any memory. Its functions are called on scratch memory in its own heap, which saves the
 * wrappers' allocations for each packet; the bytes are copied in and out.
 * Memory: 64 KiB of libsodium's heap, once for the process.
 */
export async function createSodiumSeal(): Promise<SealProvider> {
  await sodium.ready;
  shared ??= new SodiumSeal();
  return shared;
}

// One for all nodes of the process: it keeps nothing but the last call's key and text, and that heap never gives back.
let shared: SodiumSeal | undefined;

class SodiumSeal implements SealProvider {
  readonly name = "libsodium";
  readonly #raw = (sodium as unknown as { libsodium: RawSodium }).libsodium;
  readonly #key = this.#raw._malloc(KEY_BYTES);
  readonly #nonce = this.#raw._malloc(NONCE_BYTES);
  readonly #text = this.#raw._malloc(SCRATCH_BYTES);

  agree(boxSecret: Uint8Array, sid: Uint8Array): SealKey | undefined {
    const shared = agreeSharedKey(boxSecret, sid);
    return shared && new SodiumKey(shared, () => this.#raw.HEAPU8.fill(0, this.#key, this.#key + KEY_BYTES));
  }

  seal(key: SealKey, bytes: Uint8Array, offset: number, length: number): void {
    const boxOffset = offset - MAC_BYTES;
    // Read anew at every call: libsodium replaces this view when its heap grows.
    const heap = this.#raw.HEAPU8;
    heap.set((key as SodiumKey).bytes, this.#key);
    heap.set(bytes.subarray(boxOffset - NONCE_BYTES, boxOffset), this.#nonce);
    heap.set(bytes.subarray(offset, offset + length), this.#text + MAC_BYTES);
    this.#raw._crypto_box_easy_afternm(this.#text, this.#text + MAC_BYTES, length, 0, this.#nonce, this.#key);
    bytes.set(this.#raw.HEAPU8.subarray(this.#text, this.#text + MAC_BYTES + length), boxOffset);
  }

  open(key: SealKey, bytes: Uint8Array, offset: number, length: number): boolean {
    const boxLength = length - NONCE_BYTES;
    if (length < SEAL_BYTES || boxLength > SCRATCH_BYTES) return false;
    const heap = this.#raw.HEAPU8;
    heap.set((key as SodiumKey).bytes, this.#key);
    heap.set(bytes.subarray(offset, offset + NONCE_BYTES), this.#nonce);
    heap.set(bytes.subarray(offset + NONCE_BYTES, offset + length), this.#text);
    const failed = this.#raw._crypto_box_open_easy_afternm(
      this.#text,
      this.#text,
      boxLength,
      0,
      this.#nonce,
      this.#key,
    );
    if (failed !== 0) return false;
    bytes.set(this.#raw.HEAPU8.subarray(this.#text, this.#text + boxLength - MAC_BYTES), offset + SEAL_BYTES);
    return true;
  }
}

class SodiumKey implements SealKey {
  readonly #bytes: Uint8Array;
  readonly #wipeScratch: () => void;
  #isWiped = false;

  constructor(bytes: Uint8Array, wipeScratch: () => void) {
    this.#bytes = bytes;
    this.#wipeScratch = wipeScratch;
  }

  get bytes(): Uint8Array {
    if (this.#isWiped) throw new RangeError("this key was wiped");
    return this.#bytes;
  }

  wipe(): void {
    this.#isWiped = true;
    this.#bytes.fill(0);
    this.#wipeScratch();
  }
}

/** The part of libsodium's raw module that is used here; a 64-bit length is passed as its two halves. */
interface RawSodium {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _crypto_box_easy_afternm(
    box: number,
    text: number,
    lengthLow: number,
    lengthHigh: number,
    nonce: number,
    key: number,
  ): number;
  _crypto_box_open_easy_afternm(
    text: number,
    box: number,
    lengthLow: number,
    lengthHigh: number,
    nonce: number,
    key: number,
  ): number;
}

const KEY_BYTES = 32;

// A frame's payload length has 16 bits, so none is longer.
const SCRATCH_BYTES = 65_536;
