import {
  KIND_MESSAGE,
  LIST_FIRST,
  MESSAGE_WINDOW,
  POOL_KEPT,
  POOL_RECORD,
  RECEIVE_KEPT,
  RECEIVE_TAKEN,
} from "../memory-map.ts";
import { sequenceAdd } from "../sequence.ts";
import { listUnlink } from "./list.ts";
import type { Pool } from "./pool.ts";
import { indexLookup, indexRemove } from "./window-index.ts";

// Messages that receive windows keep after they were taken: they use slots that nobody else needs.

/** Give up the oldest kept message of a window that keeps one. */
export function dropOldestKept(pool: Pool, window: number): void {
  const kept = pool.load(window + RECEIVE_KEPT);
  const sequence = sequenceAdd(pool.load(window + RECEIVE_TAKEN), -kept);
  const message = indexLookup(pool, window, sequence);
  listUnlink(pool, POOL_RECORD + POOL_KEPT, message);
  indexRemove(pool, window, sequence);
  pool.free(message, KIND_MESSAGE);
  pool.store(window + RECEIVE_KEPT, kept - 1);
}

/** Give up the message kept longest, of whatever window: that is its window's oldest. False if none is kept. */
export function reclaimKept(pool: Pool): boolean {
  const message = pool.load(POOL_RECORD + POOL_KEPT + LIST_FIRST);
  if (message === 0) return false;
  dropOldestKept(pool, pool.load(message + MESSAGE_WINDOW));
  return true;
}

/** True if the pool has a free block, made free if need be. */
export function freeBlock(pool: Pool): boolean {
  return pool.freeCount() > 0 || reclaimKept(pool);
}
