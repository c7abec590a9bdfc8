import { EPOCH_BYTES } from "./nonce.ts";

/**
 * The newest nonce of one peer, for telling how late a frame is. Nodes of our kind count the frames that they seal in the last 8
 * bytes of the nonce, and draw the first 16, the epoch, at their start (docs/wire.md W3.5). The numbers that MSP puts on messages
 * have 16 bits and come round within a second at full rate: a frame that was held back for a lap would pass for a fresh one.
 *
 * Deployed nodes go unmarked: of their nonces only the first byte changes from frame to frame, so that each looks like an epoch of
 * its own; and where the same one comes back, 128 frames later, so does the counter, which is then not lower.
 *
 * Only for nonces of frames that have opened: anybody can write any other. Memory: about 100 bytes.
 */
export class Freshness {
  readonly #epoch = new Uint8Array(EPOCH_BYTES);
  /** -1: no frame with a counter has come. */
  #newest = -1;

  /** Take in the nonce at `offset` of a frame that has opened. True if the frame is too late to be delivered. */
  isStale(bytes: Uint8Array, offset: number): boolean {
    const counter = counterAt(bytes, offset + EPOCH_BYTES);
    if (counter < 0) return false;
    if (this.#newest < 0 || !this.#isEpoch(bytes, offset)) {
      // The peer has begun anew, or is a deployed one.
      this.#epoch.set(bytes.subarray(offset, offset + EPOCH_BYTES));
      this.#newest = counter;
      return false;
    }
    if (counter > this.#newest) this.#newest = counter;
    return this.#newest - counter > LATEST_FRAMES;
  }

  #isEpoch(bytes: Uint8Array, offset: number): boolean {
    for (let i = 0; i < EPOCH_BYTES; i++) if (this.#epoch[i] !== bytes[offset + i]) return false;
    return true;
  }
}

/** The 64-bit little-endian counter at `offset`; -1 if it is above 2^48: no node has sealed so many frames. */
function counterAt(bytes: Uint8Array, offset: number): number {
  if (bytes[offset + 7] !== 0 || bytes[offset + 6] !== 0) return -1;
  const low = bytes[offset]! + bytes[offset + 1]! * 2 ** 8 + bytes[offset + 2]! * 2 ** 16;
  return low + bytes[offset + 3]! * 2 ** 24 + bytes[offset + 4]! * 2 ** 32 + bytes[offset + 5]! * 2 ** 40;
}

/**
 * A lap is 65 536 messages, of which up to 8 190 are in flight; one acknowledgement may stand for 16 of them, and one that is a lap
 * old would tell of messages that never came: so not even 57 346 / 16 = 3 584 frames may be let pass.
 */
const LATEST_FRAMES = 2048;
