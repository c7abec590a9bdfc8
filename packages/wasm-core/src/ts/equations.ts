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
} from "../memory-map.ts";
import type { SequenceNumber } from "../sequence.ts";
import { inverse, multiplyAdd } from "./field.ts";
import { invariant, type Pool } from "./pool.ts";

// What a decoder stores: equations over up to 16 unknown messages, as a matrix in reduced row echelon form. Each
// equation (row) has a pivot, the column in which it alone has a coefficient, which is 1. So a message is determined by
// the equations exactly if it is the only unknown of one of them.

/** A decoder for a window that has none; the pool has a block. */
export function createDecoder(pool: Pool, window: number): number {
  invariant(pool.load(window + RECEIVE_DECODER) === 0);
  const decoder = pool.allocate(KIND_DECODER);
  pool.bytes.fill(0, decoder, decoder + BLOCK_BYTES);
  pool.store(decoder + BLOCK_KIND, KIND_DECODER);
  pool.store(decoder + DECODER_WINDOW, window);
  for (let column = 0; column < DECODER_SIZE; column += 1) setColumn(pool, decoder, column, -1);
  pool.store(window + RECEIVE_DECODER, decoder);
  return decoder;
}

/** Give back the blocks of a decoder and of its equations. */
export function releaseDecoder(pool: Pool, decoder: number): void {
  pool.store(pool.load(decoder + DECODER_WINDOW) + RECEIVE_DECODER, 0);
  while (rowCount(pool, decoder) > 0) removeRow(pool, decoder, 0);
  pool.free(decoder, KIND_DECODER);
}

export function rowCount(pool: Pool, decoder: number): number {
  return pool.load(decoder + DECODER_ROWS);
}

export function rowAt(pool: Pool, decoder: number, index: number): number {
  return pool.load(decoder + DECODER_ROW_TABLE + 4 * index);
}

/** The number of the message that a column stands for, or -1. */
export function columnAt(pool: Pool, decoder: number, column: number): number {
  return pool.load(decoder + DECODER_COLUMN_TABLE + 4 * column);
}

/** The column of a message that is unknown, or -1. */
export function columnOf(pool: Pool, decoder: number, sequence: SequenceNumber): number {
  for (let column = 0; column < DECODER_SIZE; column += 1) {
    if (columnAt(pool, decoder, column) === sequence) return column;
  }
  return -1;
}

/** A column for a message that has none; there is one to be had. */
export function addColumn(pool: Pool, decoder: number, sequence: SequenceNumber): number {
  const column = columnOf(pool, decoder, -1);
  invariant(column !== -1);
  setColumn(pool, decoder, column, sequence);
  pool.store(decoder + DECODER_COLUMNS, pool.load(decoder + DECODER_COLUMNS) + 1);
  return column;
}

/** No equation has a coefficient in this column any more. */
export function freeColumn(pool: Pool, decoder: number, column: number): void {
  setColumn(pool, decoder, column, -1);
  pool.store(decoder + DECODER_COLUMNS, pool.load(decoder + DECODER_COLUMNS) - 1);
}

/** Append an equation, whose block is filled and reduced. */
export function addRow(pool: Pool, decoder: number, row: number): void {
  const count = rowCount(pool, decoder);
  invariant(count < DECODER_SIZE);
  pool.store(decoder + DECODER_ROW_TABLE + 4 * count, row);
  pool.store(decoder + DECODER_ROWS, count + 1);
}

/** Drop an equation; the columns stay. */
export function removeRow(pool: Pool, decoder: number, index: number): void {
  pool.free(rowAt(pool, decoder, index), KIND_EQUATION);
  const count = rowCount(pool, decoder) - 1;
  for (let next = index; next < count; next += 1) {
    pool.store(decoder + DECODER_ROW_TABLE + 4 * next, rowAt(pool, decoder, next + 1));
  }
  pool.store(decoder + DECODER_ROWS, count);
}

/** Drop the oldest equation, and the columns that no other needs. */
export function removeOldestRow(pool: Pool, decoder: number): void {
  removeRow(pool, decoder, 0);
  freeUnusedColumns(pool, decoder);
}

/** A message is gone, and will not be known: drop the equations that need it. */
export function forgetUnknown(pool: Pool, decoder: number, sequence: SequenceNumber): void {
  if (rowCount(pool, decoder) === 0) return;
  const column = columnOf(pool, decoder, sequence);
  if (column === -1) return;
  for (let index = rowCount(pool, decoder) - 1; index >= 0; index -= 1) {
    if (pool.bytes[rowAt(pool, decoder, index) + column] !== 0) removeRow(pool, decoder, index);
  }
  freeUnusedColumns(pool, decoder);
}

/** A contradiction was found: nobody can say which equation is wrong, so all go. */
export function dropContradiction(pool: Pool, decoder: number): void {
  while (rowCount(pool, decoder) > 0) removeRow(pool, decoder, rowCount(pool, decoder) - 1);
  freeUnusedColumns(pool, decoder);
  pool.store(decoder + DECODER_CONTRADICTIONS, pool.load(decoder + DECODER_CONTRADICTIONS) + 1);
}

/** Take the pivots of all stored equations out of `row`, which is none of them. */
export function reduceByAll(pool: Pool, decoder: number, row: number): void {
  for (let index = 0; index < rowCount(pool, decoder); index += 1) {
    const stored = rowAt(pool, decoder, index);
    addMultiple(pool, row, stored, coefficient(pool, row, pool.load(stored + EQUATION_PIVOT)));
  }
}

/**
 * Give `row` a pivot and take that column out of all other equations. False if it has no coefficient left.
 */
export function choosePivot(pool: Pool, decoder: number, row: number): boolean {
  let column = 0;
  while (column < DECODER_SIZE && coefficient(pool, row, column) === 0) column += 1;
  if (column === DECODER_SIZE) return false;
  pool.store(row + EQUATION_PIVOT, column);
  // The row plus (f + 1) times itself is f times the row.
  addMultiple(pool, row, row, inverse(coefficient(pool, row, column)) ^ 1);
  for (let index = 0; index < rowCount(pool, decoder); index += 1) {
    const other = rowAt(pool, decoder, index);
    if (other !== row) addMultiple(pool, other, row, coefficient(pool, other, column));
  }
  return true;
}

/** The symbol is all zero: an equation without unknowns holds. */
export function isZero(pool: Pool, row: number): boolean {
  const start = (row + BLOCK_PAYLOAD) >> 2;
  const end = start + (paddedLength(pool.load(row + EQUATION_LENGTH)) >> 2);
  for (let index = start; index < end; index += 1) if (pool.words[index] !== 0) return false;
  return true;
}

/** True if the pivot is the only unknown of the equation: the symbol then is that message's. */
export function isSolved(pool: Pool, row: number): boolean {
  for (let column = 0; column < DECODER_SIZE; column += 1) {
    if (column !== pool.load(row + EQUATION_PIVOT) && coefficient(pool, row, column) !== 0) return false;
  }
  return true;
}

/** Symbols are stored with zeros up to a multiple of 16 bytes, which is what the wasm engine works in. */
export function paddedLength(length: number): number {
  return (length + 15) & ~15;
}

function coefficient(pool: Pool, row: number, column: number): number {
  return pool.bytes[row + column] as number;
}

/** Add `factor` times equation `source` to equation `target`, which becomes as long as the longer. */
function addMultiple(pool: Pool, target: number, source: number, factor: number): void {
  if (factor === 0) return;
  const length = pool.load(source + EQUATION_LENGTH);
  const targetLength = pool.load(target + EQUATION_LENGTH);
  if (targetLength < length) {
    const symbol = target + BLOCK_PAYLOAD;
    pool.bytes.fill(0, symbol + targetLength, symbol + paddedLength(length));
    pool.store(target + EQUATION_LENGTH, length);
  }
  multiplyAdd(pool.bytes, target, source, DECODER_SIZE, factor);
  const padded = paddedLength(length);
  multiplyAdd(pool.bytes, target + BLOCK_PAYLOAD, source + BLOCK_PAYLOAD, padded, factor);
}

function freeUnusedColumns(pool: Pool, decoder: number): void {
  for (let column = 0; column < DECODER_SIZE; column += 1) {
    if (columnAt(pool, decoder, column) === -1) continue;
    let isUsed = false;
    for (let index = 0; index < rowCount(pool, decoder); index += 1) {
      if (coefficient(pool, rowAt(pool, decoder, index), column) !== 0) isUsed = true;
    }
    if (!isUsed) freeColumn(pool, decoder, column);
  }
}

function setColumn(pool: Pool, decoder: number, column: number, sequence: number): void {
  pool.store(decoder + DECODER_COLUMN_TABLE + 4 * column, sequence);
}
