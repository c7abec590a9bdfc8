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
} from "./memory";
import { poolAllocate, poolFree } from "./pool";

// The index of a window: from sequence number to the block of the message. A ring of 256 to 8192 entries in pages of
// 256 (1024 bytes each); the first page lies in the window's own block, each other is a block taken from the pool for
// its first entry and given back with its last. Owner of both: the window.

/** Take a block of `kind` for a window of at most `limit` messages and clear it; the pool has one. */
export function createWindow(kind: i32, limit: i32): usize {
  const window = poolAllocate(kind);
  memory.fill(window, 0, BLOCK_BYTES);
  store<i32>(window, kind, BLOCK_KIND);
  let size = INDEX_PAGE_ENTRIES;
  while (size < limit) size <<= 1;
  store<i32>(window, size - 1, WINDOW_INDEX_MASK);
  store<i32>(window, limit, WINDOW_MESSAGES_LIMIT);
  store<u32>(window, <u32>window + WINDOW_FIRST_PAGE, WINDOW_PAGE_TABLE);
  return window;
}

/** The block of a message, or 0 if the window holds none under that number. */
// @ts-ignore: decorator
@inline
export function indexLookup(window: usize, sequence: i32): usize {
  const position = sequence & load<i32>(window, WINDOW_INDEX_MASK);
  const entries = <usize>load<u32>(pageSlot(window, position), WINDOW_PAGE_TABLE);
  if (entries == 0) return 0;
  return <usize>load<u32>(entry(entries, position));
}

/** Blocks that a new message takes from the pool: its own, and a page of the index if that is missing. */
export function blocksNeeded(window: usize, sequence: i32): i32 {
  const position = sequence & load<i32>(window, WINDOW_INDEX_MASK);
  return load<u32>(pageSlot(window, position), WINDOW_PAGE_TABLE) == 0 ? 2 : 1;
}

/** Enter a message. The entry is empty, and the pool has a block for the page if that is missing. */
export function indexInsert(window: usize, sequence: i32, message: usize): void {
  const position = sequence & load<i32>(window, WINDOW_INDEX_MASK);
  const slot = pageSlot(window, position);
  let entries = <usize>load<u32>(slot, WINDOW_PAGE_TABLE);
  if (entries == 0) {
    const block = poolAllocate(KIND_INDEX_PAGE);
    entries = block + BLOCK_PAYLOAD;
    store<i32>(block, 0, PAGE_USED_COUNT);
    memory.fill(entries, 0, INDEX_PAGE_BYTES);
    store<u32>(slot, <u32>entries, WINDOW_PAGE_TABLE);
  }
  store<u32>(entry(entries, position), <u32>message);
  if (position >= INDEX_PAGE_ENTRIES) {
    const block = entries - BLOCK_PAYLOAD;
    store<i32>(block, load<i32>(block, PAGE_USED_COUNT) + 1, PAGE_USED_COUNT);
  }
}

/** Take a message out of the index; its page goes back to the pool if that was the last entry. */
export function indexRemove(window: usize, sequence: i32): void {
  const position = sequence & load<i32>(window, WINDOW_INDEX_MASK);
  const slot = pageSlot(window, position);
  const entries = <usize>load<u32>(slot, WINDOW_PAGE_TABLE);
  store<u32>(entry(entries, position), 0);
  if (position < INDEX_PAGE_ENTRIES) return;
  const block = entries - BLOCK_PAYLOAD;
  const used = load<i32>(block, PAGE_USED_COUNT) - 1;
  store<i32>(block, used, PAGE_USED_COUNT);
  if (used != 0) return;
  store<u32>(slot, 0, WINDOW_PAGE_TABLE);
  poolFree(block, KIND_INDEX_PAGE);
}

/** The window's address moved on by the page's place in the page table. */
// @ts-ignore: decorator
@inline
function pageSlot(window: usize, position: i32): usize {
  return window + ((<usize>position >> INDEX_PAGE_BITS) << 2);
}

/** Where in its page the entry for `position` lies. */
// @ts-ignore: decorator
@inline
function entry(entries: usize, position: i32): usize {
  return entries + ((<usize>position & (INDEX_PAGE_ENTRIES - 1)) << 2);
}
