import {
  BLOCK_BYTES,
  BLOCK_KIND,
  FIELD_PRODUCTS,
  FREE_NEXT,
  KIND_FREE,
  MODULE_DATA,
  POOL_END,
  POOL_FREE_COUNT,
  POOL_FREE_HEAD,
  POOL_FRONTIER,
  POOL_RECORD,
  POOL_SLOT_COUNT,
  POOL_START,
} from "./memory";

// The pool of blocks. Owner of POOL_RECORD (64 bytes) and of every free block (1280 bytes each).

/** Lay out the pool: `slotCount` blocks from POOL_START on. Once, after memory has been grown to hold them. */
export function poolInitialise(slotCount: i32): void {
  assert(load<i32>(POOL_RECORD, POOL_SLOT_COUNT) == 0);
  assert(<i32>__heap_base >= MODULE_DATA && <i32>__heap_base <= FIELD_PRODUCTS);
  const end: u64 = <u64>POOL_START + <u64>slotCount * BLOCK_BYTES;
  assert(slotCount > 0 && end <= (<u64>memory.size() << 16) && end <= <u64>i32.MAX_VALUE);
  store<i32>(POOL_RECORD, POOL_START, POOL_FRONTIER);
  store<i32>(POOL_RECORD, <i32>end, POOL_END);
  store<i32>(POOL_RECORD, slotCount, POOL_FREE_COUNT);
  store<i32>(POOL_RECORD, slotCount, POOL_SLOT_COUNT);
}

export function poolFreeCount(): i32 {
  return load<i32>(POOL_RECORD, POOL_FREE_COUNT);
}

/**
 * Take a block for `kind`; the caller has seen that there is a free one. Its bytes are whatever they were.
 * Blocks given back are used first, and only then those never touched, so that an idle core commits no memory.
 */
export function poolAllocate(kind: i32): usize {
  let block = <usize>load<u32>(POOL_RECORD, POOL_FREE_HEAD);
  if (block != 0) {
    store<u32>(POOL_RECORD, load<u32>(block, FREE_NEXT), POOL_FREE_HEAD);
  } else {
    block = <usize>load<u32>(POOL_RECORD, POOL_FRONTIER);
    assert(block < <usize>load<u32>(POOL_RECORD, POOL_END));
    store<u32>(POOL_RECORD, <u32>block + BLOCK_BYTES, POOL_FRONTIER);
  }
  assert(load<i32>(block, BLOCK_KIND) == KIND_FREE);
  store<i32>(block, kind, BLOCK_KIND);
  store<i32>(POOL_RECORD, poolFreeCount() - 1, POOL_FREE_COUNT);
  return block;
}

/** Give back a block that is in use as `kind`. Its bytes stay until it is used again. */
export function poolFree(block: usize, kind: i32): void {
  assert(load<i32>(block, BLOCK_KIND) == kind);
  store<i32>(block, KIND_FREE, BLOCK_KIND);
  store<u32>(block, load<u32>(POOL_RECORD, POOL_FREE_HEAD), FREE_NEXT);
  store<u32>(POOL_RECORD, <u32>block, POOL_FREE_HEAD);
  store<i32>(POOL_RECORD, poolFreeCount() + 1, POOL_FREE_COUNT);
}
