import { MESSAGE_BYTES } from "../core.ts";
import { DECODER_UNKNOWNS, RepairOutcome } from "../decoder.ts";
import type { DecoderHandle, DecoderKernel, WindowHandle } from "../kernel.ts";
import {
  BLOCK_KIND,
  BLOCK_PAYLOAD,
  DECODER_COLUMNS,
  DECODER_SIZE,
  DECODER_WINDOW,
  EQUATION_LENGTH,
  EQUATION_PIVOT,
  KIND_DECODER,
  KIND_EQUATION,
  KIND_RECEIVE_WINDOW,
  MESSAGE_FLAGS,
  MESSAGE_LENGTH,
  RECEIVE_HELD,
  RECEIVE_HIGHEST,
  RECEIVE_KEPT,
  RECEIVE_TAKEN,
  RECOVERED_COUNT,
  RECOVERED_NUMBERS,
  RECOVERED_RECORD,
  WINDOW_MESSAGES_LIMIT,
} from "../memory-map.ts";
import { PacketFlag, REPAIR_MESSAGES, SYMBOL_HEADER_BYTES } from "../packet.ts";
import { Arrival } from "../receive-window.ts";
import { type SequenceNumber, sequenceAdd, sequenceDistance } from "../sequence.ts";
import { highestAhead } from "./arrivals.ts";
import { TinyMt32 } from "./coefficients.ts";
import {
  addColumn,
  addRow,
  choosePivot,
  columnAt,
  columnOf,
  createDecoder,
  dropContradiction,
  forgetUnknown,
  freeColumn,
  isSolved,
  isZero,
  paddedLength,
  reduceByAll,
  releaseDecoder,
  removeOldestRow,
  removeRow,
  rowAt,
  rowCount,
} from "./equations.ts";
import { freeBlock } from "./kept.ts";
import { invariant, type Pool } from "./pool.ts";
import type { TsReceiveWindows } from "./receive-window.ts";
import { addSymbol } from "./symbol.ts";
import { indexLookup } from "./window-index.ts";

/** Decoders: online Gaussian elimination within bounds. A call costs at most 80 multiply-adds of a symbol. */
export class TsDecoders implements DecoderKernel {
  readonly #pool: Pool;
  readonly #windows: TsReceiveWindows;
  readonly #coefficients = new TinyMt32();

  constructor(pool: Pool, windows: TsReceiveWindows) {
    this.#pool = pool;
    this.#windows = windows;
  }

  create(window: WindowHandle): DecoderHandle {
    invariant(this.#pool.load(window + BLOCK_KIND) === KIND_RECEIVE_WINDOW);
    return freeBlock(this.#pool) ? createDecoder(this.#pool, window) : 0;
  }

  addRepair(
    decoder: DecoderHandle,
    first: SequenceNumber,
    count: number,
    seed: number,
    offset: number,
    length: number,
  ): RepairOutcome {
    const pool = this.#pool;
    this.#begin(decoder);
    // Before messages are looked up: making room may cost those that are kept.
    if (!freeBlock(pool)) return RepairOutcome.NO_SLOT;
    const fault = this.#survey(decoder, first, count, length);
    if (fault === RepairOutcome.CONTRADICTORY) dropContradiction(pool, decoder);
    if (fault !== RepairOutcome.STORED) return fault;
    while (this.#columnsNeeded(decoder, first, count) > DECODER_UNKNOWNS) removeOldestRow(pool, decoder);
    const row = pool.allocate(KIND_EQUATION);
    this.#fill(decoder, row, first, count, seed, offset, length);
    reduceByAll(pool, decoder, row);
    if (choosePivot(pool, decoder, row)) {
      addRow(pool, decoder, row);
      return this.#settle(decoder);
    }
    const holds = isZero(pool, row);
    pool.free(row, KIND_EQUATION);
    if (holds) return RepairOutcome.REDUNDANT;
    dropContradiction(pool, decoder);
    return RepairOutcome.CONTRADICTORY;
  }

  handleArrival(decoder: DecoderHandle, sequence: SequenceNumber): number {
    const pool = this.#pool;
    this.#begin(decoder);
    const column = columnOf(pool, decoder, sequence);
    if (column === -1) return 0;
    const message = this.#find(decoder, sequence);
    if (message === 0) return 0;
    if (message < 0) {
      forgetUnknown(pool, decoder, sequence);
      return 0;
    }
    let freed = -1;
    for (let index = 0; index < rowCount(pool, decoder); index += 1) {
      const row = rowAt(pool, decoder, index);
      const factor = pool.bytes[row + column] as number;
      if (factor === 0) continue;
      if (symbolLength(pool, message) > pool.load(row + EQUATION_LENGTH)) {
        dropContradiction(pool, decoder);
        return 0;
      }
      this.#subtract(row, message, factor);
      pool.bytes[row + column] = 0;
      if (pool.load(row + EQUATION_PIVOT) === column) freed = index;
    }
    freeColumn(pool, decoder, column);
    if (freed !== -1 && !this.#repivot(decoder, freed)) return 0;
    this.#settle(decoder);
    return pool.load(RECOVERED_RECORD + RECOVERED_COUNT);
  }

  missingRank(decoder: DecoderHandle): number {
    const pool = this.#pool;
    this.#checkDecoder(decoder);
    const window = pool.load(decoder + DECODER_WINDOW);
    const highest = pool.load(window + RECEIVE_HIGHEST);
    let missing = highestAhead(pool, window) + 1 - pool.load(window + RECEIVE_HELD);
    for (let column = 0; column < DECODER_SIZE; column += 1) {
      const sequence = columnAt(pool, decoder, column);
      if (sequence !== -1 && sequenceDistance(sequence, highest) > 0) missing += 1;
    }
    return missing - rowCount(pool, decoder);
  }

  release(decoder: DecoderHandle): void {
    this.#checkDecoder(decoder);
    releaseDecoder(this.#pool, decoder);
  }

  #checkDecoder(decoder: DecoderHandle): void {
    invariant(this.#pool.load(decoder + BLOCK_KIND) === KIND_DECODER);
  }

  #begin(decoder: DecoderHandle): void {
    this.#checkDecoder(decoder);
    this.#pool.store(RECOVERED_RECORD + RECOVERED_COUNT, 0);
  }

  /**
   * The block of a message that is held or kept; 0 if it is unknown, GONE if it is known no more, BEYOND if it is too
   * far ahead.
   */
  #find(decoder: DecoderHandle, sequence: SequenceNumber): number {
    const pool = this.#pool;
    const window = pool.load(decoder + DECODER_WINDOW);
    const ahead = sequenceDistance(sequence, pool.load(window + RECEIVE_TAKEN));
    if (ahead < -pool.load(window + RECEIVE_KEPT)) return GONE;
    if (ahead <= highestAhead(pool, window)) return indexLookup(pool, window, sequence);
    return ahead < pool.load(window + WINDOW_MESSAGES_LIMIT) ? 0 : BEYOND;
  }

  /** STORED if the repair may become an equation, else why not. */
  #survey(decoder: DecoderHandle, first: SequenceNumber, count: number, length: number): RepairOutcome {
    if (count > REPAIR_MESSAGES) return RepairOutcome.TOO_WIDE;
    let unknown = 0;
    for (let index = 0; index < count; index += 1) {
      const message = this.#find(decoder, sequenceAdd(first, index));
      if (message === GONE) return RepairOutcome.TOO_OLD;
      if (message === BEYOND) return RepairOutcome.AHEAD;
      if (message === 0) unknown += 1;
      else if (symbolLength(this.#pool, message) > length) return RepairOutcome.CONTRADICTORY;
    }
    if (unknown > DECODER_UNKNOWNS) return RepairOutcome.TOO_WIDE;
    return unknown === 0 ? RepairOutcome.REDUNDANT : RepairOutcome.STORED;
  }

  /** Columns in use and those that the repair would add. */
  #columnsNeeded(decoder: DecoderHandle, first: SequenceNumber, count: number): number {
    let needed = this.#pool.load(decoder + DECODER_COLUMNS);
    for (let index = 0; index < count; index += 1) {
      const sequence = sequenceAdd(first, index);
      const isUnknown = this.#find(decoder, sequence) === 0;
      if (isUnknown && columnOf(this.#pool, decoder, sequence) === -1) needed += 1;
    }
    return needed;
  }

  /** Make an equation of the repair: what is known goes into the symbol, the rest into the coefficients. */
  #fill(
    decoder: DecoderHandle,
    row: number,
    first: SequenceNumber,
    count: number,
    seed: number,
    offset: number,
    length: number,
  ): void {
    const pool = this.#pool;
    const symbol = row + BLOCK_PAYLOAD;
    pool.bytes.fill(0, row, row + DECODER_SIZE);
    pool.bytes.copyWithin(symbol, offset, offset + length);
    pool.bytes.fill(0, symbol + length, symbol + paddedLength(length));
    pool.store(row + EQUATION_LENGTH, length);
    this.#coefficients.start(seed);
    for (let index = 0; index < count; index += 1) {
      const sequence = sequenceAdd(first, index);
      const factor = this.#coefficients.nextCoefficient();
      const message = this.#find(decoder, sequence);
      if (message !== 0) {
        this.#subtract(row, message, factor);
        continue;
      }
      const known = columnOf(pool, decoder, sequence);
      pool.bytes[row + (known === -1 ? addColumn(pool, decoder, sequence) : known)] = factor;
    }
  }

  /** Take `factor` times a message out of an equation's symbol. */
  #subtract(row: number, message: number, factor: number): void {
    const pool = this.#pool;
    const ownFlags = pool.load(message + MESSAGE_FLAGS) & PacketFlag.SHUTDOWN;
    addSymbol(
      pool.bytes,
      row + BLOCK_PAYLOAD,
      message + BLOCK_PAYLOAD,
      pool.load(message + MESSAGE_LENGTH),
      ownFlags,
      factor,
    );
  }

  /**
   * The equation's pivot became known: find it another, or drop it if nothing is left. False if that shows a
   * contradiction.
   */
  #repivot(decoder: DecoderHandle, index: number): boolean {
    const pool = this.#pool;
    const row = rowAt(pool, decoder, index);
    if (choosePivot(pool, decoder, row)) return true;
    if (!isZero(pool, row)) {
      dropContradiction(pool, decoder);
      return false;
    }
    removeRow(pool, decoder, index);
    return true;
  }

  /** Move every message that is determined into the receive window. */
  #settle(decoder: DecoderHandle): RepairOutcome {
    const pool = this.#pool;
    let outcome: RepairOutcome = RepairOutcome.STORED;
    for (let index = rowCount(pool, decoder) - 1; index >= 0; index -= 1) {
      const row = rowAt(pool, decoder, index);
      if (!isSolved(pool, row)) continue;
      if (!isMessage(pool, row)) {
        dropContradiction(pool, decoder);
        return RepairOutcome.CONTRADICTORY;
      }
      const column = pool.load(row + EQUATION_PIVOT);
      const sequence = columnAt(pool, decoder, column);
      // Its block goes back first, so that there is one for the message; the bytes stay until they are copied.
      removeRow(pool, decoder, index);
      freeColumn(pool, decoder, column);
      if (this.#deliver(decoder, row, sequence)) outcome = RepairOutcome.RECOVERED;
      else if (outcome === RepairOutcome.STORED) outcome = RepairOutcome.NO_SLOT;
    }
    return outcome;
  }

  #deliver(decoder: DecoderHandle, row: number, sequence: SequenceNumber): boolean {
    const pool = this.#pool;
    const symbol = row + BLOCK_PAYLOAD;
    const flags = pool.bytes[symbol] as number;
    const window = pool.load(decoder + DECODER_WINDOW);
    const length = messageLength(pool, row);
    const arrival = this.#windows.accept(window, sequence, symbol + SYMBOL_HEADER_BYTES, length, flags);
    if (arrival !== Arrival.IN_ORDER && arrival !== Arrival.OUT_OF_ORDER) return false;
    const count = pool.load(RECOVERED_RECORD + RECOVERED_COUNT);
    pool.store(RECOVERED_RECORD + RECOVERED_NUMBERS + 4 * count, sequence);
    pool.store(RECOVERED_RECORD + RECOVERED_COUNT, count + 1);
    return true;
  }
}

/** What `#find` says of messages that are not in the window: no address has these values. */
const GONE = -1;
const BEYOND = -2;

/** Bytes of a message's symbol. */
function symbolLength(pool: Pool, message: number): number {
  return SYMBOL_HEADER_BYTES + pool.load(message + MESSAGE_LENGTH);
}

/** What the symbol says is the length of the message in it. */
function messageLength(pool: Pool, row: number): number {
  const at = row + BLOCK_PAYLOAD + 1;
  return (pool.bytes[at] as number) | ((pool.bytes[at + 1] as number) << 8);
}

/** The symbol may be that of a message: flags and length are possible, and nothing but zeros follows. */
function isMessage(pool: Pool, row: number): boolean {
  const symbol = row + BLOCK_PAYLOAD;
  const end = symbol + pool.load(row + EQUATION_LENGTH);
  if (((pool.bytes[symbol] as number) & ~PacketFlag.SHUTDOWN) !== 0) return false;
  const length = messageLength(pool, row);
  const padding = symbol + SYMBOL_HEADER_BYTES + length;
  if (length > MESSAGE_BYTES || padding > end) return false;
  for (let at = padding; at < end; at += 1) if (pool.bytes[at] !== 0) return false;
  return true;
}
