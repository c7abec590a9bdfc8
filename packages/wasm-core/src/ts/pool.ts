import {
  BLOCK_BYTES,
  BLOCK_KIND,
  FREE_NEXT,
  KIND_FREE,
  POOL_END,
  POOL_FREE_COUNT,
  POOL_FREE_HEAD,
  POOL_FRONTIER,
  POOL_RECORD,
  POOL_SLOT_COUNT,
  POOL_START,
} from "../memory-map.ts";

/** Guards the memory's invariants: the twin of the asserts that stay in the wasm module. */
export function invariant(holds: boolean): asserts holds {
  if (!holds) throw new Error("the core's memory was used wrongly: a block is not what it should be");
}

/** The memory of one core and its pool of blocks. Addresses are in bytes; `words` is indexed by address >> 2. */
export class Pool {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly doubles: Float64Array;

  constructor(buffer: ArrayBuffer, slotCount: number) {
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
    this.store(POOL_RECORD + POOL_FRONTIER, POOL_START);
    this.store(POOL_RECORD + POOL_END, POOL_START + slotCount * BLOCK_BYTES);
    this.store(POOL_RECORD + POOL_FREE_COUNT, slotCount);
    this.store(POOL_RECORD + POOL_SLOT_COUNT, slotCount);
  }

  load(address: number): number {
    return this.words[address >> 2] as number;
  }

  store(address: number, value: number): void {
    this.words[address >> 2] = value;
  }

  freeCount(): number {
    return this.load(POOL_RECORD + POOL_FREE_COUNT);
  }

  /**
   * Take a block for `kind`; the caller has seen that there is a free one. Its bytes are whatever they were.
   * Blocks given back are used first, and only then those never touched, so that an idle core commits no memory.
   */
  allocate(kind: number): number {
    const head = this.load(POOL_RECORD + POOL_FREE_HEAD);
    let block = head;
    if (head !== 0) {
      this.store(POOL_RECORD + POOL_FREE_HEAD, this.load(head + FREE_NEXT));
    } else {
      block = this.load(POOL_RECORD + POOL_FRONTIER);
      invariant(block < this.load(POOL_RECORD + POOL_END));
      this.store(POOL_RECORD + POOL_FRONTIER, block + BLOCK_BYTES);
    }
    invariant(this.load(block + BLOCK_KIND) === KIND_FREE);
    this.store(block + BLOCK_KIND, kind);
    this.store(POOL_RECORD + POOL_FREE_COUNT, this.freeCount() - 1);
    return block;
  }

  /** Give back a block that is in use as `kind`. Its bytes stay until it is used again. */
  free(block: number, kind: number): void {
    invariant(this.load(block + BLOCK_KIND) === kind);
    this.store(block + BLOCK_KIND, KIND_FREE);
    this.store(block + FREE_NEXT, this.load(POOL_RECORD + POOL_FREE_HEAD));
    this.store(POOL_RECORD + POOL_FREE_HEAD, block);
    this.store(POOL_RECORD + POOL_FREE_COUNT, this.freeCount() + 1);
  }
}
