import {
  BLOCK_KIND,
  BLOCK_PAYLOAD,
  KIND_MESSAGE,
  KIND_SEND_WINDOW,
  LIST_COUNT,
  LIST_FIRST,
  MARK_APP_LIMITED,
  MARK_MISSING,
  MESSAGE_AFTER,
  MESSAGE_FLAGS,
  MESSAGE_LENGTH,
  MESSAGE_MARKS,
  MESSAGE_PRIOR_DELIVERED,
  MESSAGE_PRIOR_DELIVERED_AT_MS,
  MESSAGE_PRIOR_FIRST_SENT_AT_MS,
  MESSAGE_SENT_AT_MS,
  MESSAGE_SEQUENCE,
  MESSAGE_STATE,
  MESSAGE_TRANSMISSIONS,
  SAMPLE_ACK_ELAPSED_MS,
  SAMPLE_ARRIVED_COUNT,
  SAMPLE_ARRIVED_LOST_COUNT,
  SAMPLE_BYTES,
  SAMPLE_IS_APP_LIMITED,
  SAMPLE_NEWEST,
  SAMPLE_NEWEST_SENT_AT_MS,
  SAMPLE_NEWEST_TRANSMISSIONS,
  SAMPLE_PRIOR_DELIVERED,
  SAMPLE_PRIOR_DELIVERED_AT_MS,
  SAMPLE_RECORD,
  SAMPLE_SEND_ELAPSED_MS,
  SAMPLE_WINDOW,
  SEND_APP_LIMITED_UNTIL,
  SEND_ARRIVED,
  SEND_ARRIVED_COUNT,
  SEND_BASE,
  SEND_DELIVERED,
  SEND_DELIVERED_AT_MS,
  SEND_FIRST_SENT_AT_MS,
  SEND_HELD,
  SEND_IN_FLIGHT,
  SEND_LOST,
  SEND_MISSING_SENT_AT_MS,
  SEND_NEXT,
  SEND_NEXT_UNSENT,
  SEND_NOW_MS,
  STATE_ARRIVED,
  STATE_IN_FLIGHT,
  STATE_LOST,
  STATE_UNSENT,
  TRANSMISSIONS_LIMIT,
  WINDOW_MESSAGES_LIMIT,
} from "./memory";
import { freeBlock, reclaimKept } from "./kept";
import { listAppend, listUnlink } from "./list";
import { poolAllocate, poolFree, poolFreeCount } from "./pool";
import { sequenceAdd, sequenceDistance } from "./sequence";
import { blocksNeeded, createWindow, indexInsert, indexLookup, indexRemove } from "./window-index";

// Send windows. Owner of one block (1280 bytes) for each, its index pages, and one block for each message held.
// All is O(1), but what src/send-window.ts names as more, and `sendRelease`: O(messages freed). What each does: there.

export function sendCreate(limit: i32): usize {
  if (!freeBlock()) return 0;
  const window = createWindow(KIND_SEND_WINDOW, limit);
  store<f64>(window, Infinity, SEND_MISSING_SENT_AT_MS);
  return window;
}

export function sendPush(window: usize, length: i32): i32 {
  checkWindow(window);
  const held = load<i32>(window, SEND_HELD);
  if (held >= load<i32>(window, WINDOW_MESSAGES_LIMIT)) return -1;
  const sequence = load<i32>(window, SEND_NEXT);
  while (poolFreeCount() < blocksNeeded(window, sequence)) if (!reclaimKept()) return -1;
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

export function sendMarkSent(window: usize, sequence: i32, nowMs: f64): i32 {
  const message = messageOf(window, sequence);
  const state = load<i32>(message, MESSAGE_STATE);
  if (state == STATE_ARRIVED) return 0;
  if (load<i32>(window + SEND_IN_FLIGHT, LIST_COUNT) == 0) {
    // Rates are measured from here on: nothing was on its way.
    store<f64>(window, nowMs, SEND_DELIVERED_AT_MS);
    store<f64>(window, nowMs, SEND_FIRST_SENT_AT_MS);
  }
  if (state == STATE_UNSENT) {
    assert(sequence == load<i32>(window, SEND_NEXT_UNSENT));
    store<i32>(window, sequenceAdd(sequence, 1), SEND_NEXT_UNSENT);
  } else {
    listUnlink(window + listOf(state), message);
  }
  store<i32>(message, STATE_IN_FLIGHT, MESSAGE_STATE);
  listAppend(window + SEND_IN_FLIGHT, message);
  const transmissions = load<i32>(message, MESSAGE_TRANSMISSIONS);
  if (transmissions < TRANSMISSIONS_LIMIT) store<i32>(message, transmissions + 1, MESSAGE_TRANSMISSIONS);
  store<f64>(message, nowMs, MESSAGE_SENT_AT_MS);
  store<u32>(message, <u32>(<u64>load<f64>(window, SEND_DELIVERED)), MESSAGE_PRIOR_DELIVERED);
  store<f64>(message, load<f64>(window, SEND_DELIVERED_AT_MS), MESSAGE_PRIOR_DELIVERED_AT_MS);
  store<f64>(message, load<f64>(window, SEND_FIRST_SENT_AT_MS), MESSAGE_PRIOR_FIRST_SENT_AT_MS);
  const isAppLimited = load<f64>(window, SEND_APP_LIMITED_UNTIL) != 0;
  store<i32>(message, isAppLimited ? MARK_APP_LIMITED : 0, MESSAGE_MARKS);
  return 1;
}

export function sendMarkLost(window: usize, sequence: i32): i32 {
  const message = messageOf(window, sequence);
  const state = load<i32>(message, MESSAGE_STATE);
  if (state == STATE_LOST) return 1;
  if (state == STATE_ARRIVED) return 0;
  assert(state == STATE_IN_FLIGHT);
  lose(window, message);
  return 1;
}

export function sendMarkMissing(
  window: usize,
  arrived: i32,
  base: i32,
  offset: usize,
  length: i32,
  sentBeforeMs: f64,
): i32 {
  checkWindow(window);
  store<f64>(window, Infinity, SEND_MISSING_SENT_AT_MS);
  let count = miss(window, sequenceAdd(arrived, 1), sentBeforeMs);
  for (let index = 0; index < length; index++) {
    let holes = ~(<i32>load<u8>(offset + index)) & 0xff;
    for (let sequence = base + 8 * index; holes != 0; sequence++) {
      if ((holes & 1) != 0) count += miss(window, sequence & 0xffff, sentBeforeMs);
      holes >>= 1;
    }
  }
  return count;
}

export function sendMarkOverdue(window: usize, sentBeforeMs: f64): i32 {
  checkWindow(window);
  store<f64>(window, Infinity, SEND_MISSING_SENT_AT_MS);
  let count = 0;
  let message = <usize>load<u32>(window + SEND_IN_FLIGHT, LIST_FIRST);
  while (message != 0) {
    const after = <usize>load<u32>(message, MESSAGE_AFTER);
    if ((load<i32>(message, MESSAGE_MARKS) & MARK_MISSING) != 0) {
      const sentAtMs = load<f64>(message, MESSAGE_SENT_AT_MS);
      if (sentAtMs >= sentBeforeMs) {
        store<f64>(window, sentAtMs, SEND_MISSING_SENT_AT_MS);
        break;
      }
      lose(window, message);
      count++;
    }
    message = after;
  }
  return count;
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

export function sendIsArrived(window: usize, sequence: i32): i32 {
  return load<i32>(messageOf(window, sequence), MESSAGE_STATE) == STATE_ARRIVED ? 1 : 0;
}

export function sendBeginSample(window: usize, nowMs: f64): void {
  checkWindow(window);
  memory.fill(SAMPLE_RECORD, 0, SAMPLE_BYTES);
  store<u32>(SAMPLE_RECORD, <u32>window, SAMPLE_WINDOW);
  store<i32>(SAMPLE_RECORD, -1, SAMPLE_NEWEST);
  store<f64>(window, nowMs, SEND_NOW_MS);
}

export function sendMarkAppLimited(window: usize): void {
  checkWindow(window);
  const inFlight = load<i32>(window + SEND_IN_FLIGHT, LIST_COUNT);
  // Not 0, which says that the sender is not limited.
  const until = max<f64>(load<f64>(window, SEND_DELIVERED) + <f64>inFlight, 1);
  store<f64>(window, until, SEND_APP_LIMITED_UNTIL);
}

export function sendArriveThrough(window: usize, arrived: i32): i32 {
  checkWindow(window);
  const count = (arrived - load<i32>(window, SEND_BASE) + 1) & 0xffff;
  return count > sentCount(window) ? -1 : arriveFirst(window, count);
}

export function sendArriveBitmap(window: usize, base: i32, offset: usize, length: i32): i32 {
  checkWindow(window);
  const first = load<i32>(window, SEND_BASE);
  const sent = sentCount(window);
  let count = 0;
  for (let index = 0; index < length; index++) {
    let bits = <i32>load<u8>(offset + index);
    for (let sequence = base + 8 * index; bits != 0; sequence++) {
      if ((bits & 1) != 0 && ((sequence - first) & 0xffff) < sent) {
        count += arrive(window, messageOf(window, sequence & 0xffff));
      }
      bits >>= 1;
    }
  }
  return count;
}

export function sendAcknowledge(window: usize, ack: i32): i32 {
  checkWindow(window);
  const count = (ack - load<i32>(window, SEND_BASE) + 1) & 0xffff;
  if (count > sentCount(window)) return -1;
  arriveFirst(window, count);
  freeFirst(window, count);
  return count;
}

export function sendRelease(window: usize): void {
  checkWindow(window);
  freeFirst(window, load<i32>(window, SEND_HELD));
  if (load<u32>(SAMPLE_RECORD, SAMPLE_WINDOW) == <u32>window) store<u32>(SAMPLE_RECORD, 0, SAMPLE_WINDOW);
  poolFree(window, KIND_SEND_WINDOW);
}

/** Messages held that were ever sent. */
// @ts-ignore: decorator
@inline
function sentCount(window: usize): i32 {
  return (load<i32>(window, SEND_NEXT_UNSENT) - load<i32>(window, SEND_BASE)) & 0xffff;
}

/** Free the `count` oldest messages, in whatever state. */
function freeFirst(window: usize, count: i32): void {
  let sequence = load<i32>(window, SEND_BASE);
  for (let freed = 0; freed < count; freed++) {
    const message = messageOf(window, sequence);
    const state = load<i32>(message, MESSAGE_STATE);
    if (state == STATE_ARRIVED) store<i32>(window, load<i32>(window, SEND_ARRIVED_COUNT) - 1, SEND_ARRIVED_COUNT);
    else if (state != STATE_UNSENT) listUnlink(window + listOf(state), message);
    indexRemove(window, sequence);
    poolFree(message, KIND_MESSAGE);
    sequence = sequenceAdd(sequence, 1);
  }
  store<i32>(window, sequence, SEND_BASE);
  store<i32>(window, load<i32>(window, SEND_HELD) - count, SEND_HELD);
}

/** The `count` oldest messages, all sent, have arrived. Returns how many were not known to have. */
function arriveFirst(window: usize, count: i32): i32 {
  const base = load<i32>(window, SEND_BASE);
  let fresh = 0;
  for (let at = (load<i32>(window, SEND_ARRIVED) - base) & 0xffff; at < count; at++) {
    fresh += arrive(window, messageOf(window, sequenceAdd(base, at)));
    store<i32>(window, sequenceAdd(base, at + 1), SEND_ARRIVED);
  }
  return fresh;
}

/** A message that was sent has arrived. Returns 0 if that was known, else 1. */
function arrive(window: usize, message: usize): i32 {
  const state = load<i32>(message, MESSAGE_STATE);
  if (state == STATE_ARRIVED) return 0;
  listUnlink(window + listOf(state), message);
  store<i32>(message, STATE_ARRIVED, MESSAGE_STATE);
  store<i32>(window, load<i32>(window, SEND_ARRIVED_COUNT) + 1, SEND_ARRIVED_COUNT);
  const delivered = load<f64>(window, SEND_DELIVERED) + 1;
  store<f64>(window, delivered, SEND_DELIVERED);
  store<f64>(window, load<f64>(window, SEND_NOW_MS), SEND_DELIVERED_AT_MS);
  if (delivered > load<f64>(window, SEND_APP_LIMITED_UNTIL)) store<f64>(window, 0, SEND_APP_LIMITED_UNTIL);
  if (load<u32>(SAMPLE_RECORD, SAMPLE_WINDOW) == <u32>window) sample(window, message, state);
  return 1;
}

/** Enter a message that has just arrived, from `state`, into the sample. */
function sample(window: usize, message: usize, state: i32): void {
  countUp(SAMPLE_RECORD + SAMPLE_ARRIVED_COUNT);
  if (state == STATE_LOST) countUp(SAMPLE_RECORD + SAMPLE_ARRIVED_LOST_COUNT);
  const sequence = load<i32>(message, MESSAGE_SEQUENCE);
  const sentAtMs = load<f64>(message, MESSAGE_SENT_AT_MS);
  const newest = load<i32>(SAMPLE_RECORD, SAMPLE_NEWEST);
  const newestSentAtMs = load<f64>(SAMPLE_RECORD, SAMPLE_NEWEST_SENT_AT_MS);
  const isNewest =
    newest == -1 ||
    sentAtMs > newestSentAtMs ||
    (sentAtMs == newestSentAtMs && sequenceDistance(sequence, newest) > 0);
  if (!isNewest) return;
  store<i32>(SAMPLE_RECORD, sequence, SAMPLE_NEWEST);
  store<f64>(SAMPLE_RECORD, sentAtMs, SAMPLE_NEWEST_SENT_AT_MS);
  store<i32>(SAMPLE_RECORD, load<i32>(message, MESSAGE_TRANSMISSIONS), SAMPLE_NEWEST_TRANSMISSIONS);
  store<i32>(SAMPLE_RECORD, load<i32>(message, MESSAGE_MARKS) & MARK_APP_LIMITED, SAMPLE_IS_APP_LIMITED);
  const delivered = load<f64>(window, SEND_DELIVERED);
  const since = <u32>(<u64>delivered) - load<u32>(message, MESSAGE_PRIOR_DELIVERED);
  const priorAtMs = load<f64>(message, MESSAGE_PRIOR_DELIVERED_AT_MS);
  store<f64>(SAMPLE_RECORD, delivered - <f64>since, SAMPLE_PRIOR_DELIVERED);
  store<f64>(SAMPLE_RECORD, priorAtMs, SAMPLE_PRIOR_DELIVERED_AT_MS);
  store<f64>(SAMPLE_RECORD, sentAtMs - load<f64>(message, MESSAGE_PRIOR_FIRST_SENT_AT_MS), SAMPLE_SEND_ELAPSED_MS);
  store<f64>(SAMPLE_RECORD, load<f64>(window, SEND_NOW_MS) - priorAtMs, SAMPLE_ACK_ELAPSED_MS);
  store<f64>(window, sentAtMs, SEND_FIRST_SENT_AT_MS);
}

/** A report says that message `sequence` is missing. Returns 1 if it is declared lost. */
function miss(window: usize, sequence: i32, sentBeforeMs: f64): i32 {
  if (((sequence - load<i32>(window, SEND_BASE)) & 0xffff) >= sentCount(window)) return 0;
  const message = messageOf(window, sequence);
  if (load<i32>(message, MESSAGE_STATE) != STATE_IN_FLIGHT) return 0;
  const sentAtMs = load<f64>(message, MESSAGE_SENT_AT_MS);
  if (sentAtMs < sentBeforeMs) {
    lose(window, message);
    return 1;
  }
  store<i32>(message, load<i32>(message, MESSAGE_MARKS) | MARK_MISSING, MESSAGE_MARKS);
  if (sentAtMs < load<f64>(window, SEND_MISSING_SENT_AT_MS)) {
    store<f64>(window, sentAtMs, SEND_MISSING_SENT_AT_MS);
  }
  return 0;
}

/** Move a message in flight to the lost list. */
function lose(window: usize, message: usize): void {
  listUnlink(window + SEND_IN_FLIGHT, message);
  store<i32>(message, STATE_LOST, MESSAGE_STATE);
  listAppend(window + SEND_LOST, message);
}

function countUp(address: usize): void {
  store<i32>(address, load<i32>(address) + 1);
}

// @ts-ignore: decorator
@inline
function checkWindow(window: usize): void {
  assert(load<i32>(window, BLOCK_KIND) == KIND_SEND_WINDOW);
}

/** The block of a message that the window holds. */
// @ts-ignore: decorator
@inline
export function messageOf(window: usize, sequence: i32): usize {
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
