import {
  BLOCK_KIND,
  BLOCK_PAYLOAD,
  KIND_MESSAGE,
  KIND_RECEIVE_WINDOW,
  MESSAGE_FLAGS,
  MESSAGE_LENGTH,
  MESSAGE_SEQUENCE,
  RECEIVE_ARRIVED,
  RECEIVE_HELD,
  RECEIVE_TAKEN,
  WINDOW_MESSAGES_LIMIT,
} from "./memory";
import { poolAllocate, poolFree, poolFreeCount } from "./pool";
import { sequenceAdd, sequenceDistance } from "./sequence";
import { blocksNeeded, createWindow, indexInsert, indexLookup, indexRemove } from "./window-index";

// Receive windows. Owner of one block (1280 bytes) for each, its index pages, and one block for each message held.
// `receiveAccept` is O(1) and the messages that it puts in order; `receiveRelease` is O(limit).
// What each does: ReceiveWindow in src/core.ts.

// The values of Arrival in src/core.ts.
const IN_ORDER: i32 = 0;
const OUT_OF_ORDER: i32 = 1;
const DUPLICATE: i32 = 2;
const AHEAD: i32 = 3;
const NO_SLOT: i32 = 4;

export function receiveCreate(limit: i32): usize {
  return createWindow(KIND_RECEIVE_WINDOW, limit);
}

export function receiveAccept(window: usize, sequence: i32, offset: usize, length: i32, flags: i32): i32 {
  checkWindow(window);
  const ahead = sequenceDistance(sequence, load<i32>(window, RECEIVE_TAKEN));
  if (ahead < 0) return DUPLICATE;
  if (ahead >= load<i32>(window, WINDOW_MESSAGES_LIMIT)) return AHEAD;
  if (indexLookup(window, sequence) != 0) return DUPLICATE;
  if (poolFreeCount() < blocksNeeded(window, sequence)) return NO_SLOT;
  const message = poolAllocate(KIND_MESSAGE);
  store<i32>(message, sequence, MESSAGE_SEQUENCE);
  store<i32>(message, length, MESSAGE_LENGTH);
  store<i32>(message, flags, MESSAGE_FLAGS);
  memory.copy(message + BLOCK_PAYLOAD, offset, length);
  indexInsert(window, sequence, message);
  store<i32>(window, load<i32>(window, RECEIVE_HELD) + 1, RECEIVE_HELD);
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
  drop(window, taken, message);
  store<i32>(window, sequenceAdd(taken, 1), RECEIVE_TAKEN);
}

export function receiveRelease(window: usize): void {
  checkWindow(window);
  let sequence = load<i32>(window, RECEIVE_TAKEN);
  while (load<i32>(window, RECEIVE_HELD) > 0) {
    const message = indexLookup(window, sequence);
    if (message != 0) drop(window, sequence, message);
    sequence = sequenceAdd(sequence, 1);
  }
  poolFree(window, KIND_RECEIVE_WINDOW);
}

/**
 * Move `arrived` over what is there, at most to the window's end: if the window is as large as its index, the entry
 * found there would be that of `taken`, one lap behind.
 */
function advance(window: usize): void {
  const taken = load<i32>(window, RECEIVE_TAKEN);
  const limit = load<i32>(window, WINDOW_MESSAGES_LIMIT);
  let arrived = load<i32>(window, RECEIVE_ARRIVED);
  do {
    arrived = sequenceAdd(arrived, 1);
  } while (sequenceDistance(arrived, taken) < limit && indexLookup(window, arrived) != 0);
  store<i32>(window, arrived, RECEIVE_ARRIVED);
}

function drop(window: usize, sequence: i32, message: usize): void {
  indexRemove(window, sequence);
  poolFree(message, KIND_MESSAGE);
  store<i32>(window, load<i32>(window, RECEIVE_HELD) - 1, RECEIVE_HELD);
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
