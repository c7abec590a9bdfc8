import {
  BLOCK_KIND,
  BLOCK_PAYLOAD,
  KIND_MESSAGE,
  KIND_SEND_WINDOW,
  LIST_COUNT,
  LIST_FIRST,
  LIST_LAST,
  MESSAGE_AFTER,
  MESSAGE_BEFORE,
  MESSAGE_FLAGS,
  MESSAGE_LENGTH,
  MESSAGE_SENT_AT_MS,
  MESSAGE_SEQUENCE,
  MESSAGE_STATE,
  MESSAGE_TRANSMISSIONS,
  SEND_BASE,
  SEND_HELD,
  SEND_IN_FLIGHT,
  SEND_LOST,
  SEND_NEXT,
  SEND_NEXT_UNSENT,
  STATE_IN_FLIGHT,
  STATE_LOST,
  STATE_UNSENT,
  TRANSMISSIONS_LIMIT,
  WINDOW_MESSAGES_LIMIT,
} from "./memory";
import { poolAllocate, poolFree, poolFreeCount } from "./pool";
import { sequenceAdd } from "./sequence";
import { blocksNeeded, createWindow, indexInsert, indexLookup, indexRemove } from "./window-index";

// Send windows. Owner of one block (1280 bytes) for each, its index pages, and one block for each message held.
// All is O(1), but `sendAcknowledge` and `sendRelease`: O(messages freed). What each does: SendWindow in src/core.ts.

export function sendCreate(limit: i32): usize {
  return createWindow(KIND_SEND_WINDOW, limit);
}

export function sendPush(window: usize, length: i32): i32 {
  checkWindow(window);
  const held = load<i32>(window, SEND_HELD);
  if (held >= load<i32>(window, WINDOW_MESSAGES_LIMIT)) return -1;
  const sequence = load<i32>(window, SEND_NEXT);
  if (poolFreeCount() < blocksNeeded(window, sequence)) return -1;
  const message = poolAllocate(KIND_MESSAGE);
  store<i32>(message, sequence, MESSAGE_SEQUENCE);
  store<i32>(message, length, MESSAGE_LENGTH);
  store<i32>(message, 0, MESSAGE_FLAGS);
  store<i32>(message, STATE_UNSENT, MESSAGE_STATE);
  store<i32>(message, 0, MESSAGE_TRANSMISSIONS);
  store<f64>(message, 0, MESSAGE_SENT_AT_MS);
  indexInsert(window, sequence, message);
  store<i32>(window, sequenceAdd(sequence, 1), SEND_NEXT);
  store<i32>(window, held + 1, SEND_HELD);
  return <i32>message + BLOCK_PAYLOAD;
}

export function sendMessageOffset(window: usize, sequence: i32): i32 {
  return <i32>messageOf(window, sequence) + BLOCK_PAYLOAD;
}

export function sendMessageLength(window: usize, sequence: i32): i32 {
  return load<i32>(messageOf(window, sequence), MESSAGE_LENGTH);
}

export function sendMessageFlags(window: usize, sequence: i32): i32 {
  return load<i32>(messageOf(window, sequence), MESSAGE_FLAGS);
}

export function sendSetMessageFlags(window: usize, sequence: i32, flags: i32): void {
  store<i32>(messageOf(window, sequence), flags, MESSAGE_FLAGS);
}

export function sendMarkSent(window: usize, sequence: i32, nowMs: f64): void {
  const message = messageOf(window, sequence);
  const state = load<i32>(message, MESSAGE_STATE);
  if (state == STATE_UNSENT) {
    assert(sequence == load<i32>(window, SEND_NEXT_UNSENT));
    store<i32>(window, sequenceAdd(sequence, 1), SEND_NEXT_UNSENT);
  } else {
    unlink(window + listOf(state), message);
  }
  store<i32>(message, STATE_IN_FLIGHT, MESSAGE_STATE);
  append(window + SEND_IN_FLIGHT, message);
  const transmissions = load<i32>(message, MESSAGE_TRANSMISSIONS);
  if (transmissions < TRANSMISSIONS_LIMIT) store<i32>(message, transmissions + 1, MESSAGE_TRANSMISSIONS);
  store<f64>(message, nowMs, MESSAGE_SENT_AT_MS);
}

export function sendMarkLost(window: usize, sequence: i32): void {
  const message = messageOf(window, sequence);
  const state = load<i32>(message, MESSAGE_STATE);
  if (state == STATE_LOST) return;
  assert(state == STATE_IN_FLIGHT);
  unlink(window + SEND_IN_FLIGHT, message);
  store<i32>(message, STATE_LOST, MESSAGE_STATE);
  append(window + SEND_LOST, message);
}

export function sendTransmissions(window: usize, sequence: i32): i32 {
  return load<i32>(messageOf(window, sequence), MESSAGE_TRANSMISSIONS);
}

export function sendSentAtMs(window: usize, sequence: i32): f64 {
  return load<f64>(messageOf(window, sequence), MESSAGE_SENT_AT_MS);
}

export function sendOldestSent(window: usize): i32 {
  return sequenceOf(<usize>load<u32>(window + SEND_IN_FLIGHT, LIST_FIRST));
}

export function sendSentAfter(window: usize, sequence: i32): i32 {
  const message = messageOf(window, sequence);
  if (load<i32>(message, MESSAGE_STATE) != STATE_IN_FLIGHT) return -2;
  return sequenceOf(<usize>load<u32>(message, MESSAGE_AFTER));
}

export function sendFirstLost(window: usize): i32 {
  return sequenceOf(<usize>load<u32>(window + SEND_LOST, LIST_FIRST));
}

export function sendAcknowledge(window: usize, ack: i32): i32 {
  checkWindow(window);
  const base = load<i32>(window, SEND_BASE);
  const count = (ack - base + 1) & 0xffff;
  if (count > ((load<i32>(window, SEND_NEXT_UNSENT) - base) & 0xffff)) return -1;
  freeFirst(window, count);
  return count;
}

export function sendRelease(window: usize): void {
  checkWindow(window);
  freeFirst(window, load<i32>(window, SEND_HELD));
  poolFree(window, KIND_SEND_WINDOW);
}

/** Free the `count` oldest messages, in whatever state. */
function freeFirst(window: usize, count: i32): void {
  let sequence = load<i32>(window, SEND_BASE);
  for (let freed = 0; freed < count; freed++) {
    const message = messageOf(window, sequence);
    const state = load<i32>(message, MESSAGE_STATE);
    if (state != STATE_UNSENT) unlink(window + listOf(state), message);
    indexRemove(window, sequence);
    poolFree(message, KIND_MESSAGE);
    sequence = sequenceAdd(sequence, 1);
  }
  store<i32>(window, sequence, SEND_BASE);
  store<i32>(window, load<i32>(window, SEND_HELD) - count, SEND_HELD);
}

// @ts-ignore: decorator
@inline
function checkWindow(window: usize): void {
  assert(load<i32>(window, BLOCK_KIND) == KIND_SEND_WINDOW);
}

function messageOf(window: usize, sequence: i32): usize {
  checkWindow(window);
  const message = indexLookup(window, sequence);
  assert(message != 0 && load<i32>(message, MESSAGE_SEQUENCE) == sequence);
  return message;
}

function sequenceOf(message: usize): i32 {
  return message == 0 ? -1 : load<i32>(message, MESSAGE_SEQUENCE);
}

/** Where in a window the list for that state lies. */
function listOf(state: i32): usize {
  return state == STATE_LOST ? SEND_LOST : SEND_IN_FLIGHT;
}

function append(list: usize, message: usize): void {
  const last = <usize>load<u32>(list, LIST_LAST);
  store<u32>(message, <u32>last, MESSAGE_BEFORE);
  store<u32>(message, 0, MESSAGE_AFTER);
  store<u32>(last == 0 ? list + LIST_FIRST : last + MESSAGE_AFTER, <u32>message);
  store<u32>(list, <u32>message, LIST_LAST);
  store<i32>(list, load<i32>(list, LIST_COUNT) + 1, LIST_COUNT);
}

function unlink(list: usize, message: usize): void {
  const before = <usize>load<u32>(message, MESSAGE_BEFORE);
  const after = <usize>load<u32>(message, MESSAGE_AFTER);
  store<u32>(before == 0 ? list + LIST_FIRST : before + MESSAGE_AFTER, <u32>after);
  store<u32>(after == 0 ? list + LIST_LAST : after + MESSAGE_BEFORE, <u32>before);
  store<i32>(list, load<i32>(list, LIST_COUNT) - 1, LIST_COUNT);
}
