import {
  PACKETS_END,
  PACKETS_START,
  SEAL_FIRST,
  SEAL_FIRST_BYTES,
  SEAL_HAS_RECEIVING,
  SEAL_HAS_SENDING,
  SEAL_HELD,
  SEAL_RECEIVING,
  SEAL_SENDING,
  SEAL_SLOT_BYTES,
  SEAL_SLOT_COUNT,
  SEAL_SLOTS,
  SEAL_STREAM,
  SEAL_STREAM_BYTES,
  SEAL_SUB_KEY,
  SEAL_TAG,
} from "./memory";
import { absorbAll, authenticatorFinish, authenticatorStart } from "./poly1305";
import { FOUR_ABSORBS, hsalsa20, salsa20Four, salsa20Two } from "./salsa20";

// XSalsa20-Poly1305 in place (docs/wire.md W3.3): nonce (24), tag (16), text. The first 32 bytes of the keystream are
// the authenticator's key; what follows hides the text. Owner of SEAL_STREAM to the end of SEAL_SLOTS.

const NONCE_BYTES: i32 = 24;
const EPOCH_BYTES: i32 = 16;
const HEAD_BYTES: i32 = 40;
const TAG_KEY_BYTES: i32 = 32;
/** Of the text, what the first two blocks are enough for. */
const FIRST_TEXT_BYTES: i32 = SEAL_FIRST_BYTES - TAG_KEY_BYTES;
const TWO_BLOCKS: i32 = 128;
const FOUR_BLOCKS: i32 = 256;

/** The key in `slot` is a new one: nothing is known of it yet. */
export function sealKeyLoaded(slot: i32): void {
  store<i32>(slotAddress(slot), 0, SEAL_HELD);
}

/** Overwrite the key in `slot`, what came of it, and what the last call left behind. */
export function sealWipe(slot: i32): void {
  memory.fill(slotAddress(slot), 0, SEAL_SLOT_BYTES);
  memory.fill(SEAL_STREAM, 0, SEAL_SLOTS - SEAL_STREAM);
}

/** Seal `length` bytes of text: the nonce lies at `offset`, the text {@link HEAD_BYTES} behind it. */
export function sealSeal(slot: i32, offset: usize, length: i32): void {
  checkStretch(offset, length);
  const subKey = subKeyOf(slotAddress(slot), SEAL_SENDING, SEAL_HAS_SENDING, offset);
  const nonce = offset + EPOCH_BYTES;
  const text = offset + HEAD_BYTES;
  salsa20Two(SEAL_FIRST, subKey, nonce, 0);
  authenticatorStart(SEAL_FIRST);
  let done = min(length, FIRST_TEXT_BYTES);
  addStream(text, SEAL_FIRST + TAG_KEY_BYTES, done);
  let absorbed = text;
  for (let counter = 2; done < length; counter += 4) {
    // Text that is hidden already is absorbed while the next keystream is made.
    absorbed = makeStream(SEAL_STREAM, subKey, nonce, counter, length - done, absorbed, text + done);
    const count = min(length - done, FOUR_BLOCKS);
    addStream(text + done, SEAL_STREAM, count);
    done += count;
  }
  finishTag(offset + NONCE_BYTES, absorbed, text, length);
}

/** Open `length` bytes of text that were sealed so. Returns 0, and changes none of them, if they are not authentic. */
export function sealOpen(slot: i32, offset: usize, length: i32): i32 {
  checkStretch(offset, length);
  const subKey = subKeyOf(slotAddress(slot), SEAL_RECEIVING, SEAL_HAS_RECEIVING, offset);
  const nonce = offset + EPOCH_BYTES;
  const text = offset + HEAD_BYTES;
  salsa20Two(SEAL_FIRST, subKey, nonce, 0);
  authenticatorStart(SEAL_FIRST);
  // The keystream is made while the text is absorbed, as much of it as there is room for, and kept.
  const wanted = length - FIRST_TEXT_BYTES;
  let absorbed = text;
  let counter = 2;
  let made = 0;
  for (; made < wanted && made < SEAL_STREAM_BYTES; made += FOUR_BLOCKS) {
    const end = text + (length & ~15);
    absorbed = makeStream(SEAL_STREAM + made, subKey, nonce, counter, wanted - made, absorbed, end);
    counter += 4;
  }
  finishTag(SEAL_TAG, absorbed, text, length);
  // All of both tags at once: the time says nothing of where they differ.
  if (v128.any_true(v128.xor(v128.load(SEAL_TAG), v128.load(offset, NONCE_BYTES)))) return 0;
  addStream(text, SEAL_FIRST + TAG_KEY_BYTES, min(length, FIRST_TEXT_BYTES));
  addStream(text + FIRST_TEXT_BYTES, SEAL_STREAM, min(wanted, made));
  for (; made < wanted; made += FOUR_BLOCKS) {
    makeStream(SEAL_STREAM, subKey, nonce, counter, wanted - made, text, text);
    addStream(text + FIRST_TEXT_BYTES + made, SEAL_STREAM, min(wanted - made, FOUR_BLOCKS));
    counter += 4;
  }
  return 1;
}

/**
 * Write keystream from block `counter` on at `out`, for `wanted` bytes, but at most 256; absorb meanwhile from `at` to
 * `end`. Returns how far that came.
 */
function makeStream(
  out: usize,
  subKey: usize,
  nonce: usize,
  counter: i32,
  wanted: i32,
  at: usize,
  end: usize,
): usize {
  if (wanted <= TWO_BLOCKS) {
    salsa20Two(out, subKey, nonce, counter);
    return at;
  }
  salsa20Four(out, subKey, nonce, counter, at, end);
  return min(at + FOUR_ABSORBS, end);
}

/** Absorb the text from `absorbed` on, and write its tag at `out`. */
function finishTag(out: usize, absorbed: usize, text: usize, length: i32): void {
  const whole = text + (length & ~15);
  absorbAll(absorbed, whole);
  authenticatorFinish(out, SEAL_FIRST, whole, length & 15);
}

/** Add `length` bytes of the keystream at `stream` to the text; none if that is below 0. */
function addStream(text: usize, stream: usize, length: i32): void {
  for (; length >= 16; length -= 16) {
    v128.store(text, v128.xor(v128.load(text), v128.load(stream)));
    text += 16;
    stream += 16;
  }
  for (let index: usize = 0; <i32>index < length; index++) {
    store<u8>(text + index, load<u8>(text + index) ^ load<u8>(stream + index));
  }
}

/**
 * The sub-key of the key in a slot and the first 16 bytes of the nonce at `nonce`. The last one is kept in each
 * direction: our own, and those of nodes like us, stay the same while a node runs. What is compared is not secret.
 */
function subKeyOf(slot: usize, direction: i32, flag: i32, nonce: usize): usize {
  const kept = slot + direction;
  const held = load<i32>(slot, SEAL_HELD);
  const epoch = v128.load(nonce);
  if ((held & flag) == 0 || v128.any_true(v128.xor(epoch, v128.load(kept)))) {
    hsalsa20(kept + SEAL_SUB_KEY, slot, nonce);
    v128.store(kept, epoch);
    store<i32>(slot, held | flag, SEAL_HELD);
  }
  return kept + SEAL_SUB_KEY;
}

function slotAddress(slot: i32): usize {
  assert(slot >= 0 && slot < SEAL_SLOT_COUNT);
  return SEAL_SLOTS + slot * SEAL_SLOT_BYTES;
}

/** Nothing is read or written but where packets are. */
function checkStretch(offset: usize, length: i32): void {
  const room = PACKETS_END - HEAD_BYTES - <i32>offset;
  assert(<i32>offset >= PACKETS_START && length >= 0 && length <= room);
}
