import {
  BLOCK_BYTES,
  BLOCK_KIND,
  BLOCK_PAYLOAD,
  INDEX_PAGE_BITS,
  INDEX_PAGE_BYTES,
  INDEX_PAGE_ENTRIES,
  KIND_INDEX_PAGE,
  PAGE_USED_COUNT,
  WINDOW_FIRST_PAGE,
  WINDOW_INDEX_MASK,
  WINDOW_MESSAGES_LIMIT,
  WINDOW_PAGE_TABLE,
} from "../memory-map.ts";
import type { Pool } from "./pool.ts";

// The index of a window: from sequence number to the block of the message. A ring of 256 to 8192 entries in pages of
// 256; the first page lies in the window's own block, each other is taken from the pool for its first entry and
// given back with its last.

/** Take a block of `kind` for a window of at most `limit` messages and clear it; the pool has one. */
export function createWindow(pool: Pool, kind: number, limit: number): number {
  const window = pool.allocate(kind);
  pool.bytes.fill(0, window, window + BLOCK_BYTES);
  pool.store(window + BLOCK_KIND, kind);
  let size = INDEX_PAGE_ENTRIES;
  while (size < limit) size <<= 1;
  pool.store(window + WINDOW_INDEX_MASK, size - 1);
  pool.store(window + WINDOW_MESSAGES_LIMIT, limit);
  pool.store(window + WINDOW_PAGE_TABLE, window + WINDOW_FIRST_PAGE);
  return window;
}

/** The block of a message, or 0 if the window holds none under that number. */
export function indexLookup(pool: Pool, window: number, sequence: number): number {
  const position = sequence & pool.load(window + WINDOW_INDEX_MASK);
  const entries = pool.load(window + WINDOW_PAGE_TABLE + ((position >> INDEX_PAGE_BITS) << 2));
  if (entries === 0) return 0;
  return pool.load(entries + ((position & (INDEX_PAGE_ENTRIES - 1)) << 2));
}

/** Blocks that a new message takes from the pool: its own, and a page of the index if that is missing. */
export function blocksNeeded(pool: Pool, window: number, sequence: number): number {
  const position = sequence & pool.load(window + WINDOW_INDEX_MASK);
  return pool.load(window + WINDOW_PAGE_TABLE + ((position >> INDEX_PAGE_BITS) << 2)) === 0 ? 2 : 1;
}

/** Enter a message. The entry is empty, and the pool has a block for the page if that is missing. */
export function indexInsert(pool: Pool, window: number, sequence: number, message: number): void {
  const position = sequence & pool.load(window + WINDOW_INDEX_MASK);
  const page = position >> INDEX_PAGE_BITS;
  let entries = pool.load(window + WINDOW_PAGE_TABLE + (page << 2));
  if (entries === 0) {
    const block = pool.allocate(KIND_INDEX_PAGE);
    entries = block + BLOCK_PAYLOAD;
    pool.store(block + PAGE_USED_COUNT, 0);
    pool.bytes.fill(0, entries, entries + INDEX_PAGE_BYTES);
    pool.store(window + WINDOW_PAGE_TABLE + (page << 2), entries);
  }
  pool.store(entries + ((position & (INDEX_PAGE_ENTRIES - 1)) << 2), message);
  if (page !== 0) {
    const used = entries - BLOCK_PAYLOAD + PAGE_USED_COUNT;
    pool.store(used, pool.load(used) + 1);
  }
}

/** Take a message out of the index; its page goes back to the pool if that was the last entry. */
export function indexRemove(pool: Pool, window: number, sequence: number): void {
  const position = sequence & pool.load(window + WINDOW_INDEX_MASK);
  const page = position >> INDEX_PAGE_BITS;
  const entries = pool.load(window + WINDOW_PAGE_TABLE + (page << 2));
  pool.store(entries + ((position & (INDEX_PAGE_ENTRIES - 1)) << 2), 0);
  if (page === 0) return;
  const block = entries - BLOCK_PAYLOAD;
  const used = pool.load(block + PAGE_USED_COUNT) - 1;
  pool.store(block + PAGE_USED_COUNT, used);
  if (used !== 0) return;
  pool.store(window + WINDOW_PAGE_TABLE + (page << 2), 0);
  pool.free(block, KIND_INDEX_PAGE);
}
