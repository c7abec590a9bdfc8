import type { ReceiveWindowKernel, WindowHandle } from "../kernel.ts";
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
} from "../memory-map.ts";
import { Arrival } from "../receive-window.ts";
import { type SequenceNumber, sequenceAdd, sequenceDistance } from "../sequence.ts";
import { invariant, type Pool } from "./pool.ts";
import { blocksNeeded, createWindow, indexInsert, indexLookup, indexRemove } from "./window-index.ts";

/** Receive windows. `accept` is O(1) and the messages that it puts in order; `release` is O(limit). */
export class TsReceiveWindows implements ReceiveWindowKernel {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  create(limit: number): WindowHandle {
    return createWindow(this.#pool, KIND_RECEIVE_WINDOW, limit);
  }

  accept(
    window: WindowHandle,
    sequence: SequenceNumber,
    offset: number,
    length: number,
    flags: number,
  ): Arrival {
    const pool = this.#pool;
    this.#checkWindow(window);
    const ahead = sequenceDistance(sequence, pool.load(window + RECEIVE_TAKEN));
    if (ahead < 0) return Arrival.DUPLICATE;
    if (ahead >= pool.load(window + WINDOW_MESSAGES_LIMIT)) return Arrival.AHEAD;
    if (indexLookup(pool, window, sequence) !== 0) return Arrival.DUPLICATE;
    if (pool.freeCount() < blocksNeeded(pool, window, sequence)) return Arrival.NO_SLOT;
    const message = pool.allocate(KIND_MESSAGE);
    pool.store(message + MESSAGE_SEQUENCE, sequence);
    pool.store(message + MESSAGE_LENGTH, length);
    pool.store(message + MESSAGE_FLAGS, flags);
    pool.bytes.copyWithin(message + BLOCK_PAYLOAD, offset, offset + length);
    indexInsert(pool, window, sequence, message);
    pool.store(window + RECEIVE_HELD, pool.load(window + RECEIVE_HELD) + 1);
    if (sequence !== pool.load(window + RECEIVE_ARRIVED)) return Arrival.OUT_OF_ORDER;
    this.#advance(window);
    return Arrival.IN_ORDER;
  }

  frontOffset(window: WindowHandle): number {
    return this.#front(window) + BLOCK_PAYLOAD;
  }

  frontLength(window: WindowHandle): number {
    return this.#pool.load(this.#front(window) + MESSAGE_LENGTH);
  }

  frontFlags(window: WindowHandle): number {
    return this.#pool.load(this.#front(window) + MESSAGE_FLAGS);
  }

  take(window: WindowHandle): void {
    const message = this.#front(window);
    const taken = this.#pool.load(window + RECEIVE_TAKEN);
    this.#drop(window, taken, message);
    this.#pool.store(window + RECEIVE_TAKEN, sequenceAdd(taken, 1));
  }

  release(window: WindowHandle): void {
    const pool = this.#pool;
    this.#checkWindow(window);
    let sequence = pool.load(window + RECEIVE_TAKEN);
    while (pool.load(window + RECEIVE_HELD) > 0) {
      const message = indexLookup(pool, window, sequence);
      if (message !== 0) this.#drop(window, sequence, message);
      sequence = sequenceAdd(sequence, 1);
    }
    pool.free(window, KIND_RECEIVE_WINDOW);
  }

  /**
   * Move `arrived` over what is there, at most to the window's end: if the window is as large as its index, the entry
   * found there would be that of `taken`, one lap behind.
   */
  #advance(window: WindowHandle): void {
    const pool = this.#pool;
    const taken = pool.load(window + RECEIVE_TAKEN);
    const limit = pool.load(window + WINDOW_MESSAGES_LIMIT);
    let arrived = pool.load(window + RECEIVE_ARRIVED);
    do {
      arrived = sequenceAdd(arrived, 1);
    } while (sequenceDistance(arrived, taken) < limit && indexLookup(pool, window, arrived) !== 0);
    pool.store(window + RECEIVE_ARRIVED, arrived);
  }

  #drop(window: WindowHandle, sequence: SequenceNumber, message: number): void {
    const pool = this.#pool;
    indexRemove(pool, window, sequence);
    pool.free(message, KIND_MESSAGE);
    pool.store(window + RECEIVE_HELD, pool.load(window + RECEIVE_HELD) - 1);
  }

  #checkWindow(window: WindowHandle): void {
    invariant(this.#pool.load(window + BLOCK_KIND) === KIND_RECEIVE_WINDOW);
  }

  #front(window: WindowHandle): number {
    this.#checkWindow(window);
    const taken = this.#pool.load(window + RECEIVE_TAKEN);
    const message = indexLookup(this.#pool, window, taken);
    invariant(this.#pool.load(message + MESSAGE_SEQUENCE) === taken && message !== 0);
    return message;
  }
}
