import { SYMBOL_HEADER_BYTES } from "../packet.ts";
import { multiply, multiplyAdd } from "./field.ts";

/**
 * Add `factor` times a message's symbol, which is its own flags, its length in two bytes and its bytes (docs/wire.md
 * W13), to the symbol at `target`, which is at least as long.
 */
export function addSymbol(
  bytes: Uint8Array,
  target: number,
  message: number,
  length: number,
  ownFlags: number,
  factor: number,
): void {
  const add = (at: number, value: number) => {
    bytes[at] = (bytes[at] as number) ^ multiply(factor, value);
  };
  add(target, ownFlags);
  add(target + 1, length & 0xff);
  add(target + 2, length >> 8);
  multiplyAdd(bytes, target + SYMBOL_HEADER_BYTES, message, length, factor);
}
