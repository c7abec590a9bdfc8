import type { SealKernel } from "../kernel.ts";
import {
  PACKETS_END,
  PACKETS_START,
  SEAL_HAS_RECEIVING,
  SEAL_HAS_SENDING,
  SEAL_HELD,
  SEAL_KEY,
  SEAL_RECEIVING,
  SEAL_SENDING,
  SEAL_SLOT_BYTES,
  SEAL_SLOT_COUNT,
  SEAL_SLOTS,
  SEAL_STREAM,
  SEAL_SUB_KEY,
  SEAL_TAG,
} from "../memory-map.ts";
import { poly1305 } from "./poly1305.ts";
import { invariant, type Pool } from "./pool.ts";
import { hsalsa20, type Salsa20State, salsa20Block, salsa20State, storeWord } from "./salsa20.ts";

// XSalsa20-Poly1305 in place (docs/wire.md W3.3): nonce (24), tag (16), text. The first 32 bytes of the keystream are
// the authenticator's key; what follows hides the text.

const EPOCH_BYTES = 16;
const NONCE_BYTES = 24;
const TAG_BYTES = 16;
const HEAD_BYTES = 40;
const TAG_KEY_BYTES = 32;
const BLOCK_BYTES = 64;

/** The plain twin of the module's sealing: one block after the other. */
export class TsSeals implements SealKernel {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  keyLoaded(slot: number): void {
    this.#pool.store(slotAddress(slot) + SEAL_HELD, 0);
  }

  wipe(slot: number): void {
    const address = slotAddress(slot);
    this.#pool.bytes.fill(0, address, address + SEAL_SLOT_BYTES);
    this.#pool.bytes.fill(0, SEAL_STREAM, SEAL_SLOTS);
  }

  seal(slot: number, offset: number, length: number): void {
    checkStretch(offset, length);
    const { bytes } = this.#pool;
    const stream = this.#keystream(slotAddress(slot), SEAL_SENDING, SEAL_HAS_SENDING, offset);
    const first = salsa20Block(stream);
    const text = offset + HEAD_BYTES;
    addStream(bytes, text, length, stream, first);
    poly1305(bytes, offset + NONCE_BYTES, first, text, length);
  }

  open(slot: number, offset: number, length: number): boolean {
    checkStretch(offset, length);
    const { bytes } = this.#pool;
    const stream = this.#keystream(slotAddress(slot), SEAL_RECEIVING, SEAL_HAS_RECEIVING, offset);
    const first = salsa20Block(stream);
    const text = offset + HEAD_BYTES;
    poly1305(bytes, SEAL_TAG, first, text, length);
    // All of both tags, wherever they differ: the time says nothing of it.
    let difference = 0;
    for (let index = 0; index < TAG_BYTES; index += 1) {
      difference |= (bytes[SEAL_TAG + index] as number) ^ (bytes[offset + NONCE_BYTES + index] as number);
    }
    if (difference !== 0) return false;
    addStream(bytes, text, length, stream, first);
    return true;
  }

  /** The state of the keystream of the key in a slot and the nonce at `nonce`. The last sub-key is kept. */
  #keystream(slot: number, direction: number, flag: number, nonce: number): Salsa20State {
    const { bytes } = this.#pool;
    const kept = slot + direction;
    const held = this.#pool.load(slot + SEAL_HELD);
    if ((held & flag) === 0 || !isAlike(bytes, kept, nonce)) {
      const subKey = hsalsa20(salsa20State(bytes, slot + SEAL_KEY, nonce, 4));
      for (const [index, word] of subKey.entries()) storeWord(bytes, kept + SEAL_SUB_KEY + 4 * index, word);
      bytes.copyWithin(kept, nonce, nonce + EPOCH_BYTES);
      this.#pool.store(slot + SEAL_HELD, held | flag);
    }
    return salsa20State(bytes, kept + SEAL_SUB_KEY, nonce + EPOCH_BYTES, 2);
  }
}

/** Add the keystream to the text; `first` is its first block. */
function addStream(
  bytes: Uint8Array,
  text: number,
  length: number,
  stream: Salsa20State,
  first: Int32Array,
): void {
  let block = first;
  for (let done = 0; done < length; done += 1) {
    const at = (done + TAG_KEY_BYTES) % BLOCK_BYTES;
    if (at === 0) {
      stream[8] = (stream[8] as number) + 1;
      block = salsa20Block(stream);
    }
    bytes[text + done]! ^= (block[at >> 2] as number) >>> (8 * (at & 3));
  }
}

/** Whether two epochs are the same. They are not secret. */
function isAlike(bytes: Uint8Array, left: number, right: number): boolean {
  for (let index = 0; index < EPOCH_BYTES; index += 1) {
    if (bytes[left + index] !== bytes[right + index]) return false;
  }
  return true;
}

function slotAddress(slot: number): number {
  invariant(slot >= 0 && slot < SEAL_SLOT_COUNT);
  return SEAL_SLOTS + slot * SEAL_SLOT_BYTES;
}

/** Nothing is read or written but where packets are. */
function checkStretch(offset: number, length: number): void {
  invariant(offset >= PACKETS_START && length >= 0 && length <= PACKETS_END - HEAD_BYTES - offset);
}
