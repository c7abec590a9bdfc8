import { RECEIVE_HIGHEST, RECEIVE_TAKEN } from "./memory";
import { sequenceDistance } from "./sequence";
import { indexLookup } from "./window-index";

// What of a receive window has arrived. Numbers are given as their distance ahead of `taken`.

/** How far the highest number that has arrived is ahead of `taken`; -1 if none is. */
// @ts-ignore: decorator
@inline
export function highestAhead(window: usize): i32 {
  return sequenceDistance(load<i32>(window, RECEIVE_HIGHEST), load<i32>(window, RECEIVE_TAKEN));
}

/**
 * Everything behind `taken` has arrived; up to the highest number, what the index has; nothing beyond, where entries
 * may be those of kept messages.
 */
// @ts-ignore: decorator
@inline
export function hasArrived(window: usize, ahead: i32): bool {
  if (ahead < 0) return true;
  if (ahead > highestAhead(window)) return false;
  return indexLookup(window, load<i32>(window, RECEIVE_TAKEN) + ahead) != 0;
}
