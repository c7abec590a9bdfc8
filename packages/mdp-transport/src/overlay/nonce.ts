import type { Entropy } from "@meshstream/msp";
import { NONCE_BYTES } from "./seal.ts";

/**
 * The nonces of one node: 16 bytes drawn at its start (the epoch; the top bit of the first byte is reserved and
 * clear), then a 64-bit little-endian counter from 0, one for all keys. So no nonce comes twice while the node runs,
 * and none of an earlier run comes again but by a chance of 2^-127 (docs/wire.md W3 and W11).
 */
export class NonceSource {
  readonly #next = new Uint8Array(NONCE_BYTES);
  readonly #view = new DataView(this.#next.buffer);

  constructor(entropy: Entropy) {
    entropy.fill(this.#next.subarray(0, EPOCH_BYTES));
    this.#next[0]! &= 0x7f;
  }

  /** Write the next nonce, 24 bytes, at `offset`. It is spent, whatever becomes of it. */
  writeNext(out: Uint8Array, offset: number): void {
    out.set(this.#next, offset);
    const low = (this.#view.getUint32(EPOCH_BYTES, true) + 1) >>> 0;
    this.#view.setUint32(EPOCH_BYTES, low, true);
    if (low === 0) {
      const high = this.#view.getUint32(EPOCH_BYTES + 4, true) + 1;
      this.#view.setUint32(EPOCH_BYTES + 4, high, true);
    }
  }
}

/** Bytes of a nonce that stay the same while a node runs. */
export const EPOCH_BYTES = 16;
