import { RECEIVE_HIGHEST, RECEIVE_TAKEN } from "../memory-map.ts";
import { sequenceDistance } from "../sequence.ts";
import type { Pool } from "./pool.ts";
import { indexLookup } from "./window-index.ts";

// What of a receive window has arrived. Numbers are given as their distance ahead of `taken`.

/** How far the highest number that has arrived is ahead of `taken`; -1 if none is. */
export function highestAhead(pool: Pool, window: number): number {
  return sequenceDistance(pool.load(window + RECEIVE_HIGHEST), pool.load(window + RECEIVE_TAKEN));
}

/**
 * Everything behind `taken` has arrived; up to the highest number, what the index has; nothing beyond, where entries
 * may be those of kept messages.
 */
export function hasArrived(pool: Pool, window: number, ahead: number): boolean {
  if (ahead < 0) return true;
  if (ahead > highestAhead(pool, window)) return false;
  return indexLookup(pool, window, pool.load(window + RECEIVE_TAKEN) + ahead) !== 0;
}
