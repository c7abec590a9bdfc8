import type { SealKernel } from "../kernel.ts";
import { SEAL_KEY, SEAL_SLOT_BYTES, SEAL_SLOT_COUNT, SEAL_SLOTS } from "../memory-map.ts";
import { SEAL_KEY_BYTES, type SealKey } from "../seal.ts";

/**
 * Which keys lie in the core's memory. There is room for 40; one more takes the place of the one that came first, which
 * is copied in again at its next use: that costs as much as an own nonce's first use, 0.2 microseconds.
 */
export class SealSlots {
  readonly #kernel: SealKernel;
  readonly #bytes: Uint8Array;
  readonly #owners = new Array<CheckedSealKey | undefined>(SEAL_SLOT_COUNT).fill(undefined);
  #next = 0;

  constructor(kernel: SealKernel, bytes: Uint8Array) {
    this.#kernel = kernel;
    this.#bytes = bytes;
  }

  createKey(bytes: Uint8Array): SealKey {
    if (!(bytes instanceof Uint8Array) || bytes.length !== SEAL_KEY_BYTES) {
      throw new RangeError(`a key for sealing must be a Uint8Array of ${SEAL_KEY_BYTES} bytes`);
    }
    return new CheckedSealKey(this, bytes.slice());
  }

  /** The slot that holds `key`, copied in if need be. */
  slotOf(key: SealKey): number {
    if (!(key instanceof CheckedSealKey)) throw new RangeError("this key is of no core");
    if (this.#owners[key.slot] === key) return key.slot;
    return this.#load(key);
  }

  wipe(key: CheckedSealKey): void {
    if (this.#owners[key.slot] !== key) return;
    this.#owners[key.slot] = undefined;
    this.#kernel.wipe(key.slot);
  }

  #load(key: CheckedSealKey): number {
    const keyBytes = key.bytesFor(this);
    const slot = this.#next;
    this.#next = (slot + 1) % SEAL_SLOT_COUNT;
    this.#owners[slot] = key;
    key.slot = slot;
    this.#bytes.set(keyBytes, SEAL_SLOTS + slot * SEAL_SLOT_BYTES + SEAL_KEY);
    this.#kernel.keyLoaded(slot);
    return slot;
  }
}

class CheckedSealKey implements SealKey {
  readonly #slots: SealSlots;
  readonly #bytes: Uint8Array;
  #isWiped = false;
  /** Where it was put last; whether it still is there, {@link SealSlots} knows. */
  slot = 0;

  constructor(slots: SealSlots, bytes: Uint8Array) {
    this.#slots = slots;
    this.#bytes = bytes;
  }

  wipe(): void {
    this.#isWiped = true;
    this.#bytes.fill(0);
    this.#slots.wipe(this);
  }

  bytesFor(slots: SealSlots): Uint8Array {
    if (slots !== this.#slots) throw new RangeError("this key is of another core");
    if (this.#isWiped) throw new RangeError("this key was wiped");
    return this.#bytes;
  }
}
