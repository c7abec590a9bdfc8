import {
  KIND_MESSAGE,
  LIST_FIRST,
  MESSAGE_WINDOW,
  POOL_KEPT,
  POOL_RECORD,
  RECEIVE_KEPT,
  RECEIVE_TAKEN,
} from "./memory";
import { listUnlink } from "./list";
import { poolFree, poolFreeCount } from "./pool";
import { sequenceAdd } from "./sequence";
import { indexLookup, indexRemove } from "./window-index";

// Messages that receive windows keep after they were taken: they use slots that nobody else needs.

/** Give up the oldest kept message of a window that keeps one. */
export function dropOldestKept(window: usize): void {
  const kept = load<i32>(window, RECEIVE_KEPT);
  const sequence = sequenceAdd(load<i32>(window, RECEIVE_TAKEN), -kept);
  const message = indexLookup(window, sequence);
  listUnlink(POOL_RECORD + POOL_KEPT, message);
  indexRemove(window, sequence);
  poolFree(message, KIND_MESSAGE);
  store<i32>(window, kept - 1, RECEIVE_KEPT);
}

/** Give up the message kept longest, of whatever window: that is its window's oldest. False if none is kept. */
export function reclaimKept(): bool {
  const message = <usize>load<u32>(POOL_RECORD + POOL_KEPT, LIST_FIRST);
  if (message == 0) return false;
  dropOldestKept(<usize>load<u32>(message, MESSAGE_WINDOW));
  return true;
}

/** True if the pool has a free block, made free if need be. */
export function freeBlock(): bool {
  return poolFreeCount() > 0 || reclaimKept();
}
