import { inverse, multiplyAdd } from "./field";
import {
  BLOCK_BYTES,
  BLOCK_KIND,
  BLOCK_PAYLOAD,
  DECODER_COLUMN_TABLE,
  DECODER_COLUMNS,
  DECODER_CONTRADICTIONS,
  DECODER_ROW_TABLE,
  DECODER_ROWS,
  DECODER_SIZE,
  DECODER_WINDOW,
  EQUATION_LENGTH,
  EQUATION_PIVOT,
  KIND_DECODER,
  KIND_EQUATION,
  RECEIVE_DECODER,
} from "./memory";
import { poolAllocate, poolFree } from "./pool";

// What a decoder stores: equations over up to 16 unknown messages, as a matrix in reduced row echelon form. Each
// equation (row) has a pivot, the column in which it alone has a coefficient, which is 1. So a message is determined by
// the equations exactly if it is the only unknown of one of them. Owner of one block (1280 bytes) for each decoder and
// one for each equation.

/** A decoder for a window that has none; the pool has a block. */
export function createDecoder(window: usize): usize {
  assert(load<u32>(window, RECEIVE_DECODER) == 0);
  const decoder = poolAllocate(KIND_DECODER);
  memory.fill(decoder, 0, BLOCK_BYTES);
  store<i32>(decoder, KIND_DECODER, BLOCK_KIND);
  store<u32>(decoder, <u32>window, DECODER_WINDOW);
  for (let column = 0; column < DECODER_SIZE; column++) setColumn(decoder, column, -1);
  store<u32>(window, <u32>decoder, RECEIVE_DECODER);
  return decoder;
}

/** Give back the blocks of a decoder and of its equations. */
export function releaseDecoder(decoder: usize): void {
  store<u32>(<usize>load<u32>(decoder, DECODER_WINDOW), 0, RECEIVE_DECODER);
  while (rowCount(decoder) > 0) removeRow(decoder, 0);
  poolFree(decoder, KIND_DECODER);
}

export function rowCount(decoder: usize): i32 {
  return load<i32>(decoder, DECODER_ROWS);
}

export function rowAt(decoder: usize, index: i32): usize {
  return <usize>load<u32>(decoder + 4 * <usize>index, DECODER_ROW_TABLE);
}

/** The number of the message that a column stands for, or -1. */
export function columnAt(decoder: usize, column: i32): i32 {
  return load<i32>(decoder + 4 * <usize>column, DECODER_COLUMN_TABLE);
}

/** The column of a message that is unknown, or -1. */
export function columnOf(decoder: usize, sequence: i32): i32 {
  for (let column = 0; column < DECODER_SIZE; column++) {
    if (columnAt(decoder, column) == sequence) return column;
  }
  return -1;
}

/** A column for a message that has none; there is one to be had. */
export function addColumn(decoder: usize, sequence: i32): i32 {
  const column = columnOf(decoder, -1);
  assert(column != -1);
  setColumn(decoder, column, sequence);
  store<i32>(decoder, load<i32>(decoder, DECODER_COLUMNS) + 1, DECODER_COLUMNS);
  return column;
}

/** No equation has a coefficient in this column any more. */
export function freeColumn(decoder: usize, column: i32): void {
  setColumn(decoder, column, -1);
  store<i32>(decoder, load<i32>(decoder, DECODER_COLUMNS) - 1, DECODER_COLUMNS);
}

/** Append an equation, whose block is filled and reduced. */
export function addRow(decoder: usize, row: usize): void {
  const count = rowCount(decoder);
  assert(count < DECODER_SIZE);
  setRow(decoder, count, row);
  store<i32>(decoder, count + 1, DECODER_ROWS);
}

/** Drop an equation; the columns stay. */
export function removeRow(decoder: usize, index: i32): void {
  poolFree(rowAt(decoder, index), KIND_EQUATION);
  const count = rowCount(decoder) - 1;
  for (let next = index; next < count; next++) setRow(decoder, next, rowAt(decoder, next + 1));
  store<i32>(decoder, count, DECODER_ROWS);
}

/** Drop the oldest equation, and the columns that no other needs. */
export function removeOldestRow(decoder: usize): void {
  removeRow(decoder, 0);
  freeUnusedColumns(decoder);
}

/** A message is gone, and will not be known: drop the equations that need it. */
export function forgetUnknown(decoder: usize, sequence: i32): void {
  if (rowCount(decoder) == 0) return;
  const column = columnOf(decoder, sequence);
  if (column == -1) return;
  for (let index = rowCount(decoder) - 1; index >= 0; index--) {
    if (coefficient(rowAt(decoder, index), column) != 0) removeRow(decoder, index);
  }
  freeUnusedColumns(decoder);
}

/** A contradiction was found: nobody can say which equation is wrong, so all go. */
export function dropContradiction(decoder: usize): void {
  while (rowCount(decoder) > 0) removeRow(decoder, rowCount(decoder) - 1);
  freeUnusedColumns(decoder);
  store<i32>(decoder, load<i32>(decoder, DECODER_CONTRADICTIONS) + 1, DECODER_CONTRADICTIONS);
}

/** Take the pivots of all stored equations out of `row`, which is none of them. */
export function reduceByAll(decoder: usize, row: usize): void {
  for (let index = 0; index < rowCount(decoder); index++) {
    const stored = rowAt(decoder, index);
    addMultiple(row, stored, coefficient(row, load<i32>(stored, EQUATION_PIVOT)));
  }
}

/** Give `row` a pivot and take that column out of all other equations. False if it has no coefficient left. */
export function choosePivot(decoder: usize, row: usize): bool {
  let column = 0;
  while (column < DECODER_SIZE && coefficient(row, column) == 0) column++;
  if (column == DECODER_SIZE) return false;
  store<i32>(row, column, EQUATION_PIVOT);
  // The row plus (f + 1) times itself is f times the row.
  addMultiple(row, row, inverse(coefficient(row, column)) ^ 1);
  for (let index = 0; index < rowCount(decoder); index++) {
    const other = rowAt(decoder, index);
    if (other != row) addMultiple(other, row, coefficient(other, column));
  }
  return true;
}

/** The symbol is all zero: an equation without unknowns holds. */
export function isZero(row: usize): bool {
  const end = row + <usize>paddedLength(load<i32>(row, EQUATION_LENGTH));
  for (let at = row; at < end; at += 16) {
    if (v128.any_true(v128.load(at, BLOCK_PAYLOAD))) return false;
  }
  return true;
}

/** True if the pivot is the only unknown of the equation: the symbol then is that message's. */
export function isSolved(row: usize): bool {
  for (let column = 0; column < DECODER_SIZE; column++) {
    if (column != load<i32>(row, EQUATION_PIVOT) && coefficient(row, column) != 0) return false;
  }
  return true;
}

/** Symbols are stored with zeros up to a multiple of 16 bytes, in which they are worked on. */
export function paddedLength(length: i32): i32 {
  return (length + 15) & ~15;
}

export function coefficient(row: usize, column: i32): i32 {
  return load<u8>(row + column);
}

/** Add `factor` times equation `source` to equation `target`, which becomes as long as the longer. */
function addMultiple(target: usize, source: usize, factor: i32): void {
  if (factor == 0) return;
  const length = load<i32>(source, EQUATION_LENGTH);
  const targetLength = load<i32>(target, EQUATION_LENGTH);
  if (targetLength < length) {
    memory.fill(target + BLOCK_PAYLOAD + targetLength, 0, paddedLength(length) - targetLength);
    store<i32>(target, length, EQUATION_LENGTH);
  }
  multiplyAdd(target, source, DECODER_SIZE, factor);
  multiplyAdd(target + BLOCK_PAYLOAD, source + BLOCK_PAYLOAD, paddedLength(length), factor);
}

function freeUnusedColumns(decoder: usize): void {
  for (let column = 0; column < DECODER_SIZE; column++) {
    if (columnAt(decoder, column) == -1) continue;
    let isUsed = false;
    for (let index = 0; index < rowCount(decoder); index++) {
      if (coefficient(rowAt(decoder, index), column) != 0) isUsed = true;
    }
    if (!isUsed) freeColumn(decoder, column);
  }
}

function setColumn(decoder: usize, column: i32, sequence: i32): void {
  store<i32>(decoder + 4 * <usize>column, sequence, DECODER_COLUMN_TABLE);
}

function setRow(decoder: usize, index: i32, row: usize): void {
  store<u32>(decoder + 4 * <usize>index, <u32>row, DECODER_ROW_TABLE);
}
