/** Bytes of the nonce before a sealed payload (docs/wire.md W3). */
export const NONCE_BYTES = 24;

/** Bytes of the authenticator between nonce and ciphertext. */
export const MAC_BYTES = 16;

/** Bytes that sealing puts before the plaintext: nonce, then MAC. */
export const SEAL_BYTES = NONCE_BYTES + MAC_BYTES;

/** A shared key in the form that its provider likes best; of use to that provider only. */
export interface SealKey {
  /** Overwrite it. To seal or open with it later is a RangeError. Harmless when repeated. */
  wipe(): void;
}

/** What may seal; keys are agreed and signatures made by libsodium in either case. */
export type SealName = "wasm-core" | "libsodium";

/**
 * What seals and opens payloads: crypto_box, XSalsa20-Poly1305 (docs/wire.md W3), in place. There are two: the core
 * itself (core-seal.ts) and libsodium (sodium-seal.ts), which behave exactly alike; choose-seal.ts takes one.
 */
export interface SealProvider {
  readonly name: SealName;
  /**
   * The key that a box secret (32 bytes) shares with a SID (32 bytes), or undefined if the SID is a point of low
   * order. Takes about 0.2 ms: keep the result (shared-keys.ts), and wipe it when it has served.
   */
  agree(boxSecret: Uint8Array, sid: Uint8Array): SealKey | undefined;
  /**
   * Seal the `length` bytes of plaintext at `offset` in place. The nonce must lie {@link SEAL_BYTES} before `offset`,
   * and never have been used with this key; the MAC is put between the two. `bytes` is the memory of the node's core.
   */
  seal(key: SealKey, bytes: Uint8Array, offset: number, length: number): void;
  /**
   * Check and open the sealed payload, nonce first, of `length` bytes at `offset`, in place: the plaintext then lies at
   * `offset` + {@link SEAL_BYTES}. Returns false, leaving every byte as it was, if it is too short or not authentic.
   */
  open(key: SealKey, bytes: Uint8Array, offset: number, length: number): boolean;
}
