import { multiply, multiplyAdd } from "./field";

export const SYMBOL_HEADER_BYTES: i32 = 3;

/**
 * Add `factor` times a message's symbol, which is its own flags, its length in two bytes and its bytes (docs/wire.md
 * W13), to the symbol at `target`, which is at least as long.
 */
export function addSymbol(target: usize, message: usize, length: i32, ownFlags: i32, factor: i32): void {
  store<u8>(target, load<u8>(target) ^ multiply(factor, ownFlags));
  store<u8>(target, load<u8>(target, 1) ^ multiply(factor, length & 0xff), 1);
  store<u8>(target, load<u8>(target, 2) ^ multiply(factor, length >> 8), 2);
  multiplyAdd(target + SYMBOL_HEADER_BYTES, message, length, factor);
}
