/** Bytes of a key, as `crypto_box_beforenm` makes it. */
export const SEAL_KEY_BYTES = 32;

/** Bytes before a sealed text: nonce (24), then tag (16). */
export const SEAL_HEAD_BYTES = 40;

/**
 * A key that texts are sealed and opened with; of the core that made it. Its 32 bytes lie in JavaScript, and while it
 * is in use in one of the core's 40 places for keys, too.
 */
export interface SealKey {
  /**
   * Overwrite the key, what was derived from it, and what the last text left in the core's memory. To seal or open with
   * it later is a RangeError. Harmless when repeated. (Copies that the runtime made are beyond reach.)
   */
  wipe(): void;
}
