import { highestAhead } from "./arrivals";
import { coefficientsStart, nextCoefficient } from "./coefficients";
import {
  addColumn,
  addRow,
  choosePivot,
  coefficient,
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
} from "./equations";
import { freeBlock } from "./kept";
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
} from "./memory";
import { poolAllocate, poolFree } from "./pool";
import { IN_ORDER, OUT_OF_ORDER, receiveAccept } from "./receive-window";
import { sequenceAdd, sequenceDistance } from "./sequence";
import { addSymbol, SYMBOL_HEADER_BYTES } from "./symbol";
import { indexLookup } from "./window-index";

// Decoders: online Gaussian elimination within bounds. A call costs at most 80 multiply-adds of a symbol.
// What each does: src/decoder.ts. Owner of RECOVERED_RECORD.

// The values of RepairOutcome in src/decoder.ts.
const STORED: i32 = 0;
const RECOVERED: i32 = 1;
const REDUNDANT: i32 = 2;
const TOO_OLD: i32 = 3;
const TOO_FAR: i32 = 4;
const TOO_WIDE: i32 = 5;
const CONTRADICTORY: i32 = 6;
const NO_SLOT: i32 = 7;

const REPAIR_MESSAGES: i32 = 64;
const MESSAGE_BYTES: i32 = 1024;
const FLAG_SHUTDOWN: i32 = 0x01;

/** What `find` says of messages that are not in the window: no address has these values. */
const GONE: usize = 1;
const BEYOND: usize = 2;

export function decoderCreate(window: usize): usize {
  assert(load<i32>(window, BLOCK_KIND) == KIND_RECEIVE_WINDOW);
  return freeBlock() ? createDecoder(window) : 0;
}

export function decoderAddRepair(
  decoder: usize,
  first: i32,
  count: i32,
  seed: i32,
  offset: usize,
  length: i32,
): i32 {
  begin(decoder);
  // Before messages are looked up: making room may cost those that are kept.
  if (!freeBlock()) return NO_SLOT;
  const fault = survey(decoder, first, count, length);
  if (fault == CONTRADICTORY) dropContradiction(decoder);
  if (fault != STORED) return fault;
  while (columnsNeeded(decoder, first, count) > DECODER_SIZE) removeOldestRow(decoder);
  const row = poolAllocate(KIND_EQUATION);
  fill(decoder, row, first, count, seed, offset, length);
  reduceByAll(decoder, row);
  if (choosePivot(decoder, row)) {
    addRow(decoder, row);
    return settle(decoder);
  }
  const holds = isZero(row);
  poolFree(row, KIND_EQUATION);
  if (holds) return REDUNDANT;
  dropContradiction(decoder);
  return CONTRADICTORY;
}

export function decoderHandleArrival(decoder: usize, sequence: i32): i32 {
  begin(decoder);
  const column = columnOf(decoder, sequence);
  if (column == -1) return 0;
  const message = find(decoder, sequence);
  if (message == 0) return 0;
  if (message == GONE || message == BEYOND) {
    forgetUnknown(decoder, sequence);
    return 0;
  }
  let freed = -1;
  for (let index = 0; index < rowCount(decoder); index++) {
    const row = rowAt(decoder, index);
    const factor = coefficient(row, column);
    if (factor == 0) continue;
    if (symbolLength(message) > load<i32>(row, EQUATION_LENGTH)) {
      dropContradiction(decoder);
      return 0;
    }
    subtract(row, message, factor);
    store<u8>(row + column, 0);
    if (load<i32>(row, EQUATION_PIVOT) == column) freed = index;
  }
  freeColumn(decoder, column);
  if (freed != -1 && !repivot(decoder, freed)) return 0;
  settle(decoder);
  return load<i32>(RECOVERED_RECORD, RECOVERED_COUNT);
}

export function decoderMissingRank(decoder: usize): i32 {
  checkDecoder(decoder);
  const window = <usize>load<u32>(decoder, DECODER_WINDOW);
  const highest = load<i32>(window, RECEIVE_HIGHEST);
  let missing = highestAhead(window) + 1 - load<i32>(window, RECEIVE_HELD);
  for (let column = 0; column < DECODER_SIZE; column++) {
    const sequence = columnAt(decoder, column);
    if (sequence != -1 && sequenceDistance(sequence, highest) > 0) missing++;
  }
  return missing - rowCount(decoder);
}

export function decoderRelease(decoder: usize): void {
  checkDecoder(decoder);
  releaseDecoder(decoder);
}

function checkDecoder(decoder: usize): void {
  assert(load<i32>(decoder, BLOCK_KIND) == KIND_DECODER);
}

function begin(decoder: usize): void {
  checkDecoder(decoder);
  store<i32>(RECOVERED_RECORD, 0, RECOVERED_COUNT);
}

/**
 * The block of a message that is held or kept; 0 if it is unknown, GONE if it is known no more, BEYOND if it is too far
 * ahead.
 */
function find(decoder: usize, sequence: i32): usize {
  const window = <usize>load<u32>(decoder, DECODER_WINDOW);
  const ahead = sequenceDistance(sequence, load<i32>(window, RECEIVE_TAKEN));
  if (ahead < -load<i32>(window, RECEIVE_KEPT)) return GONE;
  if (ahead <= highestAhead(window)) return indexLookup(window, sequence);
  return ahead < load<i32>(window, WINDOW_MESSAGES_LIMIT) ? 0 : BEYOND;
}

/** STORED if the repair may become an equation, else why not. */
function survey(decoder: usize, first: i32, count: i32, length: i32): i32 {
  if (count > REPAIR_MESSAGES) return TOO_WIDE;
  let unknown = 0;
  for (let index = 0; index < count; index++) {
    const message = find(decoder, sequenceAdd(first, index));
    if (message == GONE) return TOO_OLD;
    if (message == BEYOND) return TOO_FAR;
    if (message == 0) unknown++;
    else if (symbolLength(message) > length) return CONTRADICTORY;
  }
  if (unknown > DECODER_SIZE) return TOO_WIDE;
  return unknown == 0 ? REDUNDANT : STORED;
}

/** Columns in use and those that the repair would add. */
function columnsNeeded(decoder: usize, first: i32, count: i32): i32 {
  let needed = load<i32>(decoder, DECODER_COLUMNS);
  for (let index = 0; index < count; index++) {
    const sequence = sequenceAdd(first, index);
    if (find(decoder, sequence) == 0 && columnOf(decoder, sequence) == -1) needed++;
  }
  return needed;
}

/** Make an equation of the repair: what is known goes into the symbol, the rest into the coefficients. */
function fill(decoder: usize, row: usize, first: i32, count: i32, seed: i32, offset: usize, length: i32): void {
  const symbol = row + BLOCK_PAYLOAD;
  memory.fill(row, 0, DECODER_SIZE);
  memory.copy(symbol, offset, length);
  memory.fill(symbol + length, 0, paddedLength(length) - length);
  store<i32>(row, length, EQUATION_LENGTH);
  coefficientsStart(seed);
  for (let index = 0; index < count; index++) {
    const sequence = sequenceAdd(first, index);
    const factor = nextCoefficient();
    const message = find(decoder, sequence);
    if (message != 0) {
      subtract(row, message, factor);
      continue;
    }
    let column = columnOf(decoder, sequence);
    if (column == -1) column = addColumn(decoder, sequence);
    store<u8>(row + column, factor);
  }
}

/** Take `factor` times a message out of an equation's symbol. */
function subtract(row: usize, message: usize, factor: i32): void {
  const ownFlags = load<i32>(message, MESSAGE_FLAGS) & FLAG_SHUTDOWN;
  const length = load<i32>(message, MESSAGE_LENGTH);
  addSymbol(row + BLOCK_PAYLOAD, message + BLOCK_PAYLOAD, length, ownFlags, factor);
}

/**
 * The equation's pivot became known: find it another, or drop it if nothing is left. False if that shows a
 * contradiction.
 */
function repivot(decoder: usize, index: i32): bool {
  const row = rowAt(decoder, index);
  if (choosePivot(decoder, row)) return true;
  if (!isZero(row)) {
    dropContradiction(decoder);
    return false;
  }
  removeRow(decoder, index);
  return true;
}

/** Move every message that is determined into the receive window. */
function settle(decoder: usize): i32 {
  let outcome = STORED;
  for (let index = rowCount(decoder) - 1; index >= 0; index--) {
    const row = rowAt(decoder, index);
    if (!isSolved(row)) continue;
    if (!isMessage(row)) {
      dropContradiction(decoder);
      return CONTRADICTORY;
    }
    const column = load<i32>(row, EQUATION_PIVOT);
    const sequence = columnAt(decoder, column);
    // Its block goes back first, so that there is one for the message; the bytes stay until they are copied.
    removeRow(decoder, index);
    freeColumn(decoder, column);
    if (deliver(decoder, row, sequence)) outcome = RECOVERED;
    else if (outcome == STORED) outcome = NO_SLOT;
  }
  return outcome;
}

function deliver(decoder: usize, row: usize, sequence: i32): bool {
  const symbol = row + BLOCK_PAYLOAD;
  const window = <usize>load<u32>(decoder, DECODER_WINDOW);
  const flags = load<u8>(symbol);
  const arrival = receiveAccept(window, sequence, symbol + SYMBOL_HEADER_BYTES, messageLength(row), flags);
  if (arrival != IN_ORDER && arrival != OUT_OF_ORDER) return false;
  const count = load<i32>(RECOVERED_RECORD, RECOVERED_COUNT);
  store<i32>(RECOVERED_RECORD + 4 * count, sequence, RECOVERED_NUMBERS);
  store<i32>(RECOVERED_RECORD, count + 1, RECOVERED_COUNT);
  return true;
}

/** Bytes of a message's symbol. */
function symbolLength(message: usize): i32 {
  return SYMBOL_HEADER_BYTES + load<i32>(message, MESSAGE_LENGTH);
}

/** What the symbol says is the length of the message in it. */
function messageLength(row: usize): i32 {
  return load<u16>(row, BLOCK_PAYLOAD + 1);
}

/** The symbol may be that of a message: flags and length are possible, and nothing but zeros follows. */
function isMessage(row: usize): bool {
  const symbol = row + BLOCK_PAYLOAD;
  const end = symbol + <usize>load<i32>(row, EQUATION_LENGTH);
  if ((load<u8>(symbol) & ~FLAG_SHUTDOWN) != 0) return false;
  const length = messageLength(row);
  const padding = symbol + SYMBOL_HEADER_BYTES + length;
  if (length > MESSAGE_BYTES || padding > end) return false;
  for (let at = padding; at < end; at++) if (load<u8>(at) != 0) return false;
  return true;
}
