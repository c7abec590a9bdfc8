import {
  BLOCK_KIND,
  BLOCK_PAYLOAD,
  KIND_MESSAGE,
  KIND_RECEIVE_WINDOW,
  MESSAGE_FLAGS,
  MESSAGE_LENGTH,
  MESSAGE_SEQUENCE,
  MESSAGE_WINDOW,
  POOL_KEPT,
  POOL_RECORD,
  RECEIVE_ARRIVED,
  RECEIVE_DECODER,
  RECEIVE_HELD,
  RECEIVE_HIGHEST,
  RECEIVE_KEEP,
  RECEIVE_KEPT,
  RECEIVE_TAKEN,
  WINDOW_INDEX_MASK,
  WINDOW_MESSAGES_LIMIT,
} from "./memory";
import { hasArrived, highestAhead } from "./arrivals";
import { forgetUnknown, releaseDecoder } from "./equations";
import { dropOldestKept, freeBlock, reclaimKept } from "./kept";
import { listAppend } from "./list";
import { poolAllocate, poolFree, poolFreeCount } from "./pool";
import { sequenceAdd, sequenceDistance } from "./sequence";
import { blocksNeeded, createWindow, indexInsert, indexLookup, indexRemove } from "./window-index";

// Receive windows. Owner of one block (1280 bytes) for each, its index pages, and one block for each message held.
// `receiveAccept` is O(1) and the messages that it puts in order, `receiveWriteBitmap` O(bits); `receiveRelease` is
// O(limit). What each does: src/receive-window.ts.

// The values of Arrival in src/receive-window.ts.
export const IN_ORDER: i32 = 0;
export const OUT_OF_ORDER: i32 = 1;
const DUPLICATE: i32 = 2;
const AHEAD: i32 = 3;
const NO_SLOT: i32 = 4;

export function receiveCreate(limit: i32): usize {
  if (!freeBlock()) return 0;
  const window = createWindow(KIND_RECEIVE_WINDOW, limit);
  store<i32>(window, 0xffff, RECEIVE_HIGHEST);
  return window;
}

export function receiveAccept(window: usize, sequence: i32, offset: usize, length: i32, flags: i32): i32 {
  checkWindow(window);
  const ahead = sequenceDistance(sequence, load<i32>(window, RECEIVE_TAKEN));
  if (ahead < 0) return DUPLICATE;
  if (ahead >= load<i32>(window, WINDOW_MESSAGES_LIMIT)) return AHEAD;
  const isHighest = ahead > highestAhead(window);
  if (isHighest) makeWay(window, ahead);
  else if (indexLookup(window, sequence) != 0) return DUPLICATE;
  while (poolFreeCount() < blocksNeeded(window, sequence)) if (!reclaimKept()) return NO_SLOT;
  const message = poolAllocate(KIND_MESSAGE);
  store<i32>(message, sequence, MESSAGE_SEQUENCE);
  store<i32>(message, length, MESSAGE_LENGTH);
  store<i32>(message, flags, MESSAGE_FLAGS);
  store<u32>(message, <u32>window, MESSAGE_WINDOW);
  memory.copy(message + BLOCK_PAYLOAD, offset, length);
  indexInsert(window, sequence, message);
  store<i32>(window, load<i32>(window, RECEIVE_HELD) + 1, RECEIVE_HELD);
  if (isHighest) store<i32>(window, sequence, RECEIVE_HIGHEST);
  if (sequence != load<i32>(window, RECEIVE_ARRIVED)) return OUT_OF_ORDER;
  advance(window);
  return IN_ORDER;
}

export function receiveFrontOffset(window: usize): i32 {
  return <i32>front(window) + BLOCK_PAYLOAD;
}

export function receiveFrontLength(window: usize): i32 {
  return load<i32>(front(window), MESSAGE_LENGTH);
}

export function receiveFrontFlags(window: usize): i32 {
  return load<i32>(front(window), MESSAGE_FLAGS);
}

export function receiveTake(window: usize): void {
  const message = front(window);
  const taken = load<i32>(window, RECEIVE_TAKEN);
  const decoder = <usize>load<u32>(window, RECEIVE_DECODER);
  if (decoder != 0) forgetUnknown(decoder, taken);
  store<i32>(window, load<i32>(window, RECEIVE_HELD) - 1, RECEIVE_HELD);
  store<i32>(window, sequenceAdd(taken, 1), RECEIVE_TAKEN);
  store<i32>(window, load<i32>(window, RECEIVE_KEPT) + 1, RECEIVE_KEPT);
  listAppend(POOL_RECORD + POOL_KEPT, message);
  trimKept(window);
}

export function receiveHasArrived(window: usize, sequence: i32): i32 {
  checkWindow(window);
  return hasArrived(window, sequenceDistance(sequence, load<i32>(window, RECEIVE_TAKEN))) ? 1 : 0;
}

export function receiveWriteBitmap(window: usize, base: i32, offset: usize, maxBytes: i32): i32 {
  checkWindow(window);
  let ahead = sequenceDistance(base, load<i32>(window, RECEIVE_TAKEN));
  const highest = highestAhead(window);
  let length = 0;
  for (let index = 0; index < maxBytes && ahead <= highest; index++) {
    let byte = 0;
    for (let bit = 1; bit < 256; bit <<= 1) {
      if (hasArrived(window, ahead)) byte |= bit;
      ahead++;
    }
    store<u8>(offset + index, byte);
    if (byte != 0) length = index + 1;
  }
  return length;
}

export function receiveKeepTaken(window: usize, count: i32): void {
  checkWindow(window);
  store<i32>(window, count, RECEIVE_KEEP);
  trimKept(window);
}

export function receiveRelease(window: usize): void {
  checkWindow(window);
  const decoder = <usize>load<u32>(window, RECEIVE_DECODER);
  if (decoder != 0) releaseDecoder(decoder);
  while (load<i32>(window, RECEIVE_KEPT) > 0) dropOldestKept(window);
  let sequence = load<i32>(window, RECEIVE_TAKEN);
  while (load<i32>(window, RECEIVE_HELD) > 0) {
    const message = indexLookup(window, sequence);
    if (message != 0) {
      indexRemove(window, sequence);
      poolFree(message, KIND_MESSAGE);
      store<i32>(window, load<i32>(window, RECEIVE_HELD) - 1, RECEIVE_HELD);
    }
    sequence = sequenceAdd(sequence, 1);
  }
  poolFree(window, KIND_RECEIVE_WINDOW);
}

/** Move `arrived` over what is there. */
function advance(window: usize): void {
  const highest = load<i32>(window, RECEIVE_HIGHEST);
  let arrived = load<i32>(window, RECEIVE_ARRIVED);
  do {
    arrived = sequenceAdd(arrived, 1);
  } while (sequenceDistance(arrived, highest) <= 0 && indexLookup(window, arrived) != 0);
  store<i32>(window, arrived, RECEIVE_ARRIVED);
}

/** Give up kept messages whose index entries the numbers up to `ahead` beyond `taken` need. */
function makeWay(window: usize, ahead: i32): void {
  const mask = load<i32>(window, WINDOW_INDEX_MASK);
  while (load<i32>(window, RECEIVE_KEPT) > 0 && ahead + load<i32>(window, RECEIVE_KEPT) > mask) {
    dropOldestKept(window);
  }
}

function trimKept(window: usize): void {
  while (load<i32>(window, RECEIVE_KEPT) > load<i32>(window, RECEIVE_KEEP)) dropOldestKept(window);
}

// @ts-ignore: decorator
@inline
function checkWindow(window: usize): void {
  assert(load<i32>(window, BLOCK_KIND) == KIND_RECEIVE_WINDOW);
}

/** The block of message `taken`, which has arrived. */
function front(window: usize): usize {
  checkWindow(window);
  const taken = load<i32>(window, RECEIVE_TAKEN);
  const message = indexLookup(window, taken);
  assert(message != 0 && load<i32>(message, MESSAGE_SEQUENCE) == taken);
  return message;
}
