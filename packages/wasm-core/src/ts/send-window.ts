import type { SendWindowKernel, WindowHandle } from "../kernel.ts";
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
} from "../memory-map.ts";
import { type SequenceNumber, sequenceAdd } from "../sequence.ts";
import { invariant, type Pool } from "./pool.ts";
import { blocksNeeded, createWindow, indexInsert, indexLookup, indexRemove } from "./window-index.ts";

/** Send windows. All is O(1), but `acknowledge` and `release`: O(messages freed). */
export class TsSendWindows implements SendWindowKernel {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  create(limit: number): WindowHandle {
    return createWindow(this.#pool, KIND_SEND_WINDOW, limit);
  }

  push(window: WindowHandle, length: number): number {
    const pool = this.#pool;
    this.#checkWindow(window);
    const held = pool.load(window + SEND_HELD);
    if (held >= pool.load(window + WINDOW_MESSAGES_LIMIT)) return -1;
    const sequence = pool.load(window + SEND_NEXT);
    if (pool.freeCount() < blocksNeeded(pool, window, sequence)) return -1;
    const message = pool.allocate(KIND_MESSAGE);
    pool.store(message + MESSAGE_SEQUENCE, sequence);
    pool.store(message + MESSAGE_LENGTH, length);
    pool.store(message + MESSAGE_FLAGS, 0);
    pool.store(message + MESSAGE_STATE, STATE_UNSENT);
    pool.store(message + MESSAGE_TRANSMISSIONS, 0);
    pool.doubles[(message + MESSAGE_SENT_AT_MS) >> 3] = 0;
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

  markSent(window: WindowHandle, sequence: SequenceNumber, nowMs: number): void {
    const pool = this.#pool;
    const message = this.#message(window, sequence);
    const state = pool.load(message + MESSAGE_STATE);
    if (state === STATE_UNSENT) {
      invariant(sequence === pool.load(window + SEND_NEXT_UNSENT));
      pool.store(window + SEND_NEXT_UNSENT, sequenceAdd(sequence, 1));
    } else {
      this.#unlink(window + listOf(state), message);
    }
    pool.store(message + MESSAGE_STATE, STATE_IN_FLIGHT);
    this.#append(window + SEND_IN_FLIGHT, message);
    const transmissions = pool.load(message + MESSAGE_TRANSMISSIONS);
    if (transmissions < TRANSMISSIONS_LIMIT) pool.store(message + MESSAGE_TRANSMISSIONS, transmissions + 1);
    pool.doubles[(message + MESSAGE_SENT_AT_MS) >> 3] = nowMs;
  }

  markLost(window: WindowHandle, sequence: SequenceNumber): void {
    const pool = this.#pool;
    const message = this.#message(window, sequence);
    const state = pool.load(message + MESSAGE_STATE);
    if (state === STATE_LOST) return;
    invariant(state === STATE_IN_FLIGHT);
    this.#unlink(window + SEND_IN_FLIGHT, message);
    pool.store(message + MESSAGE_STATE, STATE_LOST);
    this.#append(window + SEND_LOST, message);
  }

  transmissions(window: WindowHandle, sequence: SequenceNumber): number {
    return this.#pool.load(this.#message(window, sequence) + MESSAGE_TRANSMISSIONS);
  }

  sentAtMs(window: WindowHandle, sequence: SequenceNumber): number {
    return this.#pool.doubles[(this.#message(window, sequence) + MESSAGE_SENT_AT_MS) >> 3] as number;
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

  acknowledge(window: WindowHandle, ack: SequenceNumber): number {
    const pool = this.#pool;
    this.#checkWindow(window);
    const base = pool.load(window + SEND_BASE);
    const count = (ack - base + 1) & 0xffff;
    if (count > ((pool.load(window + SEND_NEXT_UNSENT) - base) & 0xffff)) return -1;
    this.#freeFirst(window, count);
    return count;
  }

  release(window: WindowHandle): void {
    this.#checkWindow(window);
    this.#freeFirst(window, this.#pool.load(window + SEND_HELD));
    this.#pool.free(window, KIND_SEND_WINDOW);
  }

  /** Free the `count` oldest messages, in whatever state. */
  #freeFirst(window: WindowHandle, count: number): void {
    const pool = this.#pool;
    let sequence = pool.load(window + SEND_BASE);
    for (let freed = 0; freed < count; freed += 1) {
      const message = this.#message(window, sequence);
      const state = pool.load(message + MESSAGE_STATE);
      if (state !== STATE_UNSENT) this.#unlink(window + listOf(state), message);
      indexRemove(pool, window, sequence);
      pool.free(message, KIND_MESSAGE);
      sequence = sequenceAdd(sequence, 1);
    }
    pool.store(window + SEND_BASE, sequence);
    pool.store(window + SEND_HELD, pool.load(window + SEND_HELD) - count);
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

  #append(list: number, message: number): void {
    const pool = this.#pool;
    const last = pool.load(list + LIST_LAST);
    pool.store(message + MESSAGE_BEFORE, last);
    pool.store(message + MESSAGE_AFTER, 0);
    pool.store(last === 0 ? list + LIST_FIRST : last + MESSAGE_AFTER, message);
    pool.store(list + LIST_LAST, message);
    pool.store(list + LIST_COUNT, pool.load(list + LIST_COUNT) + 1);
  }

  #unlink(list: number, message: number): void {
    const pool = this.#pool;
    const before = pool.load(message + MESSAGE_BEFORE);
    const after = pool.load(message + MESSAGE_AFTER);
    pool.store(before === 0 ? list + LIST_FIRST : before + MESSAGE_AFTER, after);
    pool.store(after === 0 ? list + LIST_LAST : after + MESSAGE_BEFORE, before);
    pool.store(list + LIST_COUNT, pool.load(list + LIST_COUNT) - 1);
  }
}

/** Where in a window the list for that state lies. */
function listOf(state: number): number {
  return state === STATE_LOST ? SEND_LOST : SEND_IN_FLIGHT;
}
