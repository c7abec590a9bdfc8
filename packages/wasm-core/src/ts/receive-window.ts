import type { ReceiveWindowKernel, WindowHandle } from "../kernel.ts";
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
} from "../memory-map.ts";
import { Arrival } from "../receive-window.ts";
import { type SequenceNumber, sequenceAdd, sequenceDistance } from "../sequence.ts";
import { hasArrived, highestAhead } from "./arrivals.ts";
import { forgetUnknown, releaseDecoder } from "./equations.ts";
import { dropOldestKept, freeBlock, reclaimKept } from "./kept.ts";
import { listAppend } from "./list.ts";
import { invariant, type Pool } from "./pool.ts";
import { blocksNeeded, createWindow, indexInsert, indexLookup, indexRemove } from "./window-index.ts";

/** Receive windows. `accept` is O(1) and the messages that it puts in order; `release` is O(limit). */
export class TsReceiveWindows implements ReceiveWindowKernel {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  create(limit: number): WindowHandle {
    const pool = this.#pool;
    if (!freeBlock(pool)) return 0;
    const window = createWindow(pool, KIND_RECEIVE_WINDOW, limit);
    pool.store(window + RECEIVE_HIGHEST, 0xffff);
    return window;
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
    const isHighest = ahead > highestAhead(pool, window);
    if (isHighest) this.#makeWay(window, ahead);
    else if (indexLookup(pool, window, sequence) !== 0) return Arrival.DUPLICATE;
    while (pool.freeCount() < blocksNeeded(pool, window, sequence)) {
      if (!reclaimKept(pool)) return Arrival.NO_SLOT;
    }
    const message = pool.allocate(KIND_MESSAGE);
    pool.store(message + MESSAGE_SEQUENCE, sequence);
    pool.store(message + MESSAGE_LENGTH, length);
    pool.store(message + MESSAGE_FLAGS, flags);
    pool.store(message + MESSAGE_WINDOW, window);
    pool.bytes.copyWithin(message + BLOCK_PAYLOAD, offset, offset + length);
    indexInsert(pool, window, sequence, message);
    pool.store(window + RECEIVE_HELD, pool.load(window + RECEIVE_HELD) + 1);
    if (isHighest) pool.store(window + RECEIVE_HIGHEST, sequence);
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
    const pool = this.#pool;
    const message = this.#front(window);
    const taken = pool.load(window + RECEIVE_TAKEN);
    const decoder = pool.load(window + RECEIVE_DECODER);
    if (decoder !== 0) forgetUnknown(pool, decoder, taken);
    pool.store(window + RECEIVE_HELD, pool.load(window + RECEIVE_HELD) - 1);
    pool.store(window + RECEIVE_TAKEN, sequenceAdd(taken, 1));
    pool.store(window + RECEIVE_KEPT, pool.load(window + RECEIVE_KEPT) + 1);
    listAppend(pool, POOL_RECORD + POOL_KEPT, message);
    this.#trimKept(window);
  }

  hasArrived(window: WindowHandle, sequence: SequenceNumber): boolean {
    const pool = this.#pool;
    this.#checkWindow(window);
    return hasArrived(pool, window, sequenceDistance(sequence, pool.load(window + RECEIVE_TAKEN)));
  }

  writeBitmap(window: WindowHandle, base: SequenceNumber, offset: number, maxBytes: number): number {
    const pool = this.#pool;
    this.#checkWindow(window);
    let ahead = sequenceDistance(base, pool.load(window + RECEIVE_TAKEN));
    const highest = highestAhead(pool, window);
    let length = 0;
    for (let index = 0; index < maxBytes && ahead <= highest; index += 1) {
      let byte = 0;
      for (let bit = 1; bit < 256; bit <<= 1) {
        if (hasArrived(pool, window, ahead)) byte |= bit;
        ahead += 1;
      }
      pool.bytes[offset + index] = byte;
      if (byte !== 0) length = index + 1;
    }
    return length;
  }

  keepTaken(window: WindowHandle, count: number): void {
    this.#checkWindow(window);
    this.#pool.store(window + RECEIVE_KEEP, count);
    this.#trimKept(window);
  }

  release(window: WindowHandle): void {
    const pool = this.#pool;
    this.#checkWindow(window);
    const decoder = pool.load(window + RECEIVE_DECODER);
    if (decoder !== 0) releaseDecoder(pool, decoder);
    while (pool.load(window + RECEIVE_KEPT) > 0) dropOldestKept(pool, window);
    let sequence = pool.load(window + RECEIVE_TAKEN);
    while (pool.load(window + RECEIVE_HELD) > 0) {
      const message = indexLookup(pool, window, sequence);
      if (message !== 0) {
        indexRemove(pool, window, sequence);
        pool.free(message, KIND_MESSAGE);
        pool.store(window + RECEIVE_HELD, pool.load(window + RECEIVE_HELD) - 1);
      }
      sequence = sequenceAdd(sequence, 1);
    }
    pool.free(window, KIND_RECEIVE_WINDOW);
  }

  /** Move `arrived` over what is there. */
  #advance(window: WindowHandle): void {
    const pool = this.#pool;
    const highest = pool.load(window + RECEIVE_HIGHEST);
    let arrived = pool.load(window + RECEIVE_ARRIVED);
    do {
      arrived = sequenceAdd(arrived, 1);
    } while (sequenceDistance(arrived, highest) <= 0 && indexLookup(pool, window, arrived) !== 0);
    pool.store(window + RECEIVE_ARRIVED, arrived);
  }

  /** Give up kept messages whose index entries the numbers up to `ahead` beyond `taken` need. */
  #makeWay(window: WindowHandle, ahead: number): void {
    const pool = this.#pool;
    const mask = pool.load(window + WINDOW_INDEX_MASK);
    while (pool.load(window + RECEIVE_KEPT) > 0 && ahead + pool.load(window + RECEIVE_KEPT) > mask) {
      dropOldestKept(pool, window);
    }
  }

  #trimKept(window: WindowHandle): void {
    const pool = this.#pool;
    while (pool.load(window + RECEIVE_KEPT) > pool.load(window + RECEIVE_KEEP)) dropOldestKept(pool, window);
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
