import type { SendWindowKernel, WindowHandle } from "../kernel.ts";
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
} from "../memory-map.ts";
import { type SequenceNumber, sequenceAdd, sequenceDistance } from "../sequence.ts";
import { freeBlock, reclaimKept } from "./kept.ts";
import { listAppend, listUnlink } from "./list.ts";
import { invariant, type Pool } from "./pool.ts";
import { blocksNeeded, createWindow, indexInsert, indexLookup, indexRemove } from "./window-index.ts";

/** Send windows. All is O(1), but what src/send-window.ts names as more, and `release`: O(messages freed). */
export class TsSendWindows implements SendWindowKernel {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  create(limit: number): WindowHandle {
    const pool = this.#pool;
    if (!freeBlock(pool)) return 0;
    const window = createWindow(pool, KIND_SEND_WINDOW, limit);
    this.#setTime(window + SEND_MISSING_SENT_AT_MS, Number.POSITIVE_INFINITY);
    return window;
  }

  push(window: WindowHandle, length: number): number {
    const pool = this.#pool;
    this.#checkWindow(window);
    const held = pool.load(window + SEND_HELD);
    if (held >= pool.load(window + WINDOW_MESSAGES_LIMIT)) return -1;
    const sequence = pool.load(window + SEND_NEXT);
    while (pool.freeCount() < blocksNeeded(pool, window, sequence)) if (!reclaimKept(pool)) return -1;
    const message = pool.allocate(KIND_MESSAGE);
    pool.store(message + MESSAGE_SEQUENCE, sequence);
    pool.store(message + MESSAGE_LENGTH, length);
    pool.store(message + MESSAGE_FLAGS, 0);
    pool.store(message + MESSAGE_STATE, STATE_UNSENT);
    pool.store(message + MESSAGE_TRANSMISSIONS, 0);
    this.#setTime(message + MESSAGE_SENT_AT_MS, 0);
    indexInsert(pool, window, sequence, message);
    pool.store(window + SEND_NEXT, sequenceAdd(sequence, 1));
    pool.store(window + SEND_HELD, held + 1);
    return message + BLOCK_PAYLOAD;
  }

  messageOffset(window: WindowHandle, sequence: SequenceNumber): number {
    return this.#message(window, sequence) + BLOCK_PAYLOAD;
  }

  messageLength(window: WindowHandle, sequence: SequenceNumber): number {
    return this.#pool.load(this.#message(window, sequence) + MESSAGE_LENGTH);
  }

  messageFlags(window: WindowHandle, sequence: SequenceNumber): number {
    return this.#pool.load(this.#message(window, sequence) + MESSAGE_FLAGS);
  }

  setMessageFlags(window: WindowHandle, sequence: SequenceNumber, flags: number): void {
    this.#pool.store(this.#message(window, sequence) + MESSAGE_FLAGS, flags);
  }

  markSent(window: WindowHandle, sequence: SequenceNumber, nowMs: number): number {
    const pool = this.#pool;
    const message = this.#message(window, sequence);
    const state = pool.load(message + MESSAGE_STATE);
    if (state === STATE_ARRIVED) return 0;
    if (pool.load(window + SEND_IN_FLIGHT + LIST_COUNT) === 0) {
      // Rates are measured from here on: nothing was on its way.
      this.#setTime(window + SEND_DELIVERED_AT_MS, nowMs);
      this.#setTime(window + SEND_FIRST_SENT_AT_MS, nowMs);
    }
    if (state === STATE_UNSENT) {
      invariant(sequence === pool.load(window + SEND_NEXT_UNSENT));
      pool.store(window + SEND_NEXT_UNSENT, sequenceAdd(sequence, 1));
    } else {
      listUnlink(pool, window + listOf(state), message);
    }
    pool.store(message + MESSAGE_STATE, STATE_IN_FLIGHT);
    listAppend(pool, window + SEND_IN_FLIGHT, message);
    const transmissions = pool.load(message + MESSAGE_TRANSMISSIONS);
    if (transmissions < TRANSMISSIONS_LIMIT) pool.store(message + MESSAGE_TRANSMISSIONS, transmissions + 1);
    this.#setTime(message + MESSAGE_SENT_AT_MS, nowMs);
    pool.store(message + MESSAGE_PRIOR_DELIVERED, this.#time(window + SEND_DELIVERED));
    this.#setTime(message + MESSAGE_PRIOR_DELIVERED_AT_MS, this.#time(window + SEND_DELIVERED_AT_MS));
    this.#setTime(message + MESSAGE_PRIOR_FIRST_SENT_AT_MS, this.#time(window + SEND_FIRST_SENT_AT_MS));
    const isAppLimited = this.#time(window + SEND_APP_LIMITED_UNTIL) !== 0;
    pool.store(message + MESSAGE_MARKS, isAppLimited ? MARK_APP_LIMITED : 0);
    return 1;
  }

  markLost(window: WindowHandle, sequence: SequenceNumber): number {
    const pool = this.#pool;
    const message = this.#message(window, sequence);
    const state = pool.load(message + MESSAGE_STATE);
    if (state === STATE_LOST) return 1;
    if (state === STATE_ARRIVED) return 0;
    invariant(state === STATE_IN_FLIGHT);
    this.#lose(window, message);
    return 1;
  }

  markMissing(
    window: WindowHandle,
    arrived: SequenceNumber,
    base: SequenceNumber,
    offset: number,
    length: number,
    sentBeforeMs: number,
  ): number {
    this.#checkWindow(window);
    this.#setTime(window + SEND_MISSING_SENT_AT_MS, Number.POSITIVE_INFINITY);
    let count = this.#miss(window, sequenceAdd(arrived, 1), sentBeforeMs);
    for (let index = 0; index < length; index += 1) {
      let holes = ~(this.#pool.bytes[offset + index] as number) & 0xff;
      for (let sequence = base + 8 * index; holes !== 0; sequence += 1) {
        if ((holes & 1) !== 0) count += this.#miss(window, sequence & 0xffff, sentBeforeMs);
        holes >>= 1;
      }
    }
    return count;
  }

  markOverdue(window: WindowHandle, sentBeforeMs: number): number {
    const pool = this.#pool;
    this.#checkWindow(window);
    this.#setTime(window + SEND_MISSING_SENT_AT_MS, Number.POSITIVE_INFINITY);
    let count = 0;
    let message = pool.load(window + SEND_IN_FLIGHT + LIST_FIRST);
    while (message !== 0) {
      const after = pool.load(message + MESSAGE_AFTER);
      if ((pool.load(message + MESSAGE_MARKS) & MARK_MISSING) !== 0) {
        const sentAtMs = this.#time(message + MESSAGE_SENT_AT_MS);
        if (sentAtMs >= sentBeforeMs) {
          this.#setTime(window + SEND_MISSING_SENT_AT_MS, sentAtMs);
          break;
        }
        this.#lose(window, message);
        count += 1;
      }
      message = after;
    }
    return count;
  }

  transmissions(window: WindowHandle, sequence: SequenceNumber): number {
    return this.#pool.load(this.#message(window, sequence) + MESSAGE_TRANSMISSIONS);
  }

  sentAtMs(window: WindowHandle, sequence: SequenceNumber): number {
    return this.#time(this.#message(window, sequence) + MESSAGE_SENT_AT_MS);
  }

  oldestSent(window: WindowHandle): number {
    return this.#sequenceOf(this.#pool.load(window + SEND_IN_FLIGHT + LIST_FIRST));
  }

  sentAfter(window: WindowHandle, sequence: SequenceNumber): number {
    const message = this.#message(window, sequence);
    if (this.#pool.load(message + MESSAGE_STATE) !== STATE_IN_FLIGHT) return -2;
    return this.#sequenceOf(this.#pool.load(message + MESSAGE_AFTER));
  }

  firstLost(window: WindowHandle): number {
    return this.#sequenceOf(this.#pool.load(window + SEND_LOST + LIST_FIRST));
  }

  isArrived(window: WindowHandle, sequence: SequenceNumber): boolean {
    return this.#pool.load(this.#message(window, sequence) + MESSAGE_STATE) === STATE_ARRIVED;
  }

  beginSample(window: WindowHandle, nowMs: number): void {
    const pool = this.#pool;
    this.#checkWindow(window);
    pool.bytes.fill(0, SAMPLE_RECORD, SAMPLE_RECORD + SAMPLE_BYTES);
    pool.store(SAMPLE_RECORD + SAMPLE_WINDOW, window);
    pool.store(SAMPLE_RECORD + SAMPLE_NEWEST, -1);
    this.#setTime(window + SEND_NOW_MS, nowMs);
  }

  markAppLimited(window: WindowHandle): void {
    this.#checkWindow(window);
    const inFlight = this.#pool.load(window + SEND_IN_FLIGHT + LIST_COUNT);
    // Not 0, which says that the sender is not limited.
    const until = Math.max(this.#time(window + SEND_DELIVERED) + inFlight, 1);
    this.#setTime(window + SEND_APP_LIMITED_UNTIL, until);
  }

  arriveThrough(window: WindowHandle, arrived: SequenceNumber): number {
    this.#checkWindow(window);
    const base = this.#pool.load(window + SEND_BASE);
    const count = (arrived - base + 1) & 0xffff;
    return count > this.#sentCount(window) ? -1 : this.#arriveFirst(window, count);
  }

  arriveBitmap(window: WindowHandle, base: SequenceNumber, offset: number, length: number): number {
    const pool = this.#pool;
    this.#checkWindow(window);
    const first = pool.load(window + SEND_BASE);
    const sentCount = this.#sentCount(window);
    let count = 0;
    for (let index = 0; index < length; index += 1) {
      let bits = pool.bytes[offset + index] as number;
      for (let sequence = base + 8 * index; bits !== 0; sequence += 1) {
        if ((bits & 1) !== 0 && ((sequence - first) & 0xffff) < sentCount) {
          count += this.#arrive(window, this.#message(window, sequence & 0xffff));
        }
        bits >>= 1;
      }
    }
    return count;
  }

  acknowledge(window: WindowHandle, ack: SequenceNumber): number {
    const pool = this.#pool;
    this.#checkWindow(window);
    const count = (ack - pool.load(window + SEND_BASE) + 1) & 0xffff;
    if (count > this.#sentCount(window)) return -1;
    this.#arriveFirst(window, count);
    this.#freeFirst(window, count);
    return count;
  }

  release(window: WindowHandle): void {
    this.#checkWindow(window);
    const pool = this.#pool;
    this.#freeFirst(window, pool.load(window + SEND_HELD));
    if (pool.load(SAMPLE_RECORD + SAMPLE_WINDOW) === window) pool.store(SAMPLE_RECORD + SAMPLE_WINDOW, 0);
    pool.free(window, KIND_SEND_WINDOW);
  }

  /** Messages held that were ever sent. */
  #sentCount(window: WindowHandle): number {
    return (this.#pool.load(window + SEND_NEXT_UNSENT) - this.#pool.load(window + SEND_BASE)) & 0xffff;
  }

  /** Free the `count` oldest messages, in whatever state. */
  #freeFirst(window: WindowHandle, count: number): void {
    const pool = this.#pool;
    let sequence = pool.load(window + SEND_BASE);
    for (let freed = 0; freed < count; freed += 1) {
      const message = this.#message(window, sequence);
      const state = pool.load(message + MESSAGE_STATE);
      if (state === STATE_ARRIVED)
        pool.store(window + SEND_ARRIVED_COUNT, pool.load(window + SEND_ARRIVED_COUNT) - 1);
      else if (state !== STATE_UNSENT) listUnlink(pool, window + listOf(state), message);
      indexRemove(pool, window, sequence);
      pool.free(message, KIND_MESSAGE);
      sequence = sequenceAdd(sequence, 1);
    }
    pool.store(window + SEND_BASE, sequence);
    pool.store(window + SEND_HELD, pool.load(window + SEND_HELD) - count);
  }

  /** The `count` oldest messages, all sent, have arrived. Returns how many were not known to have. */
  #arriveFirst(window: WindowHandle, count: number): number {
    const pool = this.#pool;
    const base = pool.load(window + SEND_BASE);
    let fresh = 0;
    for (let at = (pool.load(window + SEND_ARRIVED) - base) & 0xffff; at < count; at += 1) {
      fresh += this.#arrive(window, this.#message(window, sequenceAdd(base, at)));
      pool.store(window + SEND_ARRIVED, sequenceAdd(base, at + 1));
    }
    return fresh;
  }

  /** A message that was sent has arrived. Returns 0 if that was known, else 1. */
  #arrive(window: WindowHandle, message: number): number {
    const pool = this.#pool;
    const state = pool.load(message + MESSAGE_STATE);
    if (state === STATE_ARRIVED) return 0;
    listUnlink(pool, window + listOf(state), message);
    pool.store(message + MESSAGE_STATE, STATE_ARRIVED);
    pool.store(window + SEND_ARRIVED_COUNT, pool.load(window + SEND_ARRIVED_COUNT) + 1);
    const delivered = this.#time(window + SEND_DELIVERED) + 1;
    this.#setTime(window + SEND_DELIVERED, delivered);
    this.#setTime(window + SEND_DELIVERED_AT_MS, this.#time(window + SEND_NOW_MS));
    if (delivered > this.#time(window + SEND_APP_LIMITED_UNTIL)) {
      this.#setTime(window + SEND_APP_LIMITED_UNTIL, 0);
    }
    if (pool.load(SAMPLE_RECORD + SAMPLE_WINDOW) === window) this.#sample(window, message, state);
    return 1;
  }

  /** Enter a message that has just arrived, from `state`, into the sample. */
  #sample(window: WindowHandle, message: number, state: number): void {
    const pool = this.#pool;
    const count = (address: number) => pool.store(address, pool.load(address) + 1);
    count(SAMPLE_RECORD + SAMPLE_ARRIVED_COUNT);
    if (state === STATE_LOST) count(SAMPLE_RECORD + SAMPLE_ARRIVED_LOST_COUNT);
    const sequence = pool.load(message + MESSAGE_SEQUENCE);
    const sentAtMs = this.#time(message + MESSAGE_SENT_AT_MS);
    const newest = pool.load(SAMPLE_RECORD + SAMPLE_NEWEST);
    const newestSentAtMs = this.#time(SAMPLE_RECORD + SAMPLE_NEWEST_SENT_AT_MS);
    const isNewest =
      newest === -1 ||
      sentAtMs > newestSentAtMs ||
      (sentAtMs === newestSentAtMs && sequenceDistance(sequence, newest) > 0);
    if (!isNewest) return;
    pool.store(SAMPLE_RECORD + SAMPLE_NEWEST, sequence);
    this.#setTime(SAMPLE_RECORD + SAMPLE_NEWEST_SENT_AT_MS, sentAtMs);
    pool.store(SAMPLE_RECORD + SAMPLE_NEWEST_TRANSMISSIONS, pool.load(message + MESSAGE_TRANSMISSIONS));
    pool.store(SAMPLE_RECORD + SAMPLE_IS_APP_LIMITED, pool.load(message + MESSAGE_MARKS) & MARK_APP_LIMITED);
    const delivered = this.#time(window + SEND_DELIVERED);
    const since = (delivered - pool.load(message + MESSAGE_PRIOR_DELIVERED)) >>> 0;
    const priorAtMs = this.#time(message + MESSAGE_PRIOR_DELIVERED_AT_MS);
    const firstSentAtMs = this.#time(message + MESSAGE_PRIOR_FIRST_SENT_AT_MS);
    this.#setTime(SAMPLE_RECORD + SAMPLE_PRIOR_DELIVERED, delivered - since);
    this.#setTime(SAMPLE_RECORD + SAMPLE_PRIOR_DELIVERED_AT_MS, priorAtMs);
    this.#setTime(SAMPLE_RECORD + SAMPLE_SEND_ELAPSED_MS, sentAtMs - firstSentAtMs);
    this.#setTime(SAMPLE_RECORD + SAMPLE_ACK_ELAPSED_MS, this.#time(window + SEND_NOW_MS) - priorAtMs);
    this.#setTime(window + SEND_FIRST_SENT_AT_MS, sentAtMs);
  }

  /** A report says that message `sequence` is missing. Returns 1 if it is declared lost. */
  #miss(window: WindowHandle, sequence: SequenceNumber, sentBeforeMs: number): number {
    const pool = this.#pool;
    if (((sequence - pool.load(window + SEND_BASE)) & 0xffff) >= this.#sentCount(window)) return 0;
    const message = this.#message(window, sequence);
    if (pool.load(message + MESSAGE_STATE) !== STATE_IN_FLIGHT) return 0;
    const sentAtMs = this.#time(message + MESSAGE_SENT_AT_MS);
    if (sentAtMs < sentBeforeMs) {
      this.#lose(window, message);
      return 1;
    }
    pool.store(message + MESSAGE_MARKS, pool.load(message + MESSAGE_MARKS) | MARK_MISSING);
    if (sentAtMs < this.#time(window + SEND_MISSING_SENT_AT_MS)) {
      this.#setTime(window + SEND_MISSING_SENT_AT_MS, sentAtMs);
    }
    return 0;
  }

  /** Move a message in flight to the lost list. */
  #lose(window: WindowHandle, message: number): void {
    listUnlink(this.#pool, window + SEND_IN_FLIGHT, message);
    this.#pool.store(message + MESSAGE_STATE, STATE_LOST);
    listAppend(this.#pool, window + SEND_LOST, message);
  }

  #time(address: number): number {
    return this.#pool.doubles[address >> 3] as number;
  }

  #setTime(address: number, value: number): void {
    this.#pool.doubles[address >> 3] = value;
  }

  #checkWindow(window: WindowHandle): void {
    invariant(this.#pool.load(window + BLOCK_KIND) === KIND_SEND_WINDOW);
  }

  #message(window: WindowHandle, sequence: SequenceNumber): number {
    this.#checkWindow(window);
    const message = indexLookup(this.#pool, window, sequence);
    invariant(this.#pool.load(message + MESSAGE_SEQUENCE) === sequence && message !== 0);
    return message;
  }

  #sequenceOf(message: number): number {
    return message === 0 ? -1 : this.#pool.load(message + MESSAGE_SEQUENCE);
  }
}

/** Where in a window the list for that state lies. */
function listOf(state: number): number {
  return state === STATE_LOST ? SEND_LOST : SEND_IN_FLIGHT;
}
