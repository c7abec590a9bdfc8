import { INBOUND_MESSAGE_BYTES } from "../core.ts";
import type { SequenceNumber } from "../sequence.ts";

// Misuse is a caller's mistake, never the network's: it throws a RangeError at the call, the same on both engines.

/** Throws a RangeError unless `value` is a whole number from `low` to `high` (within 32 bits). */
export function checkWhole(name: string, value: number, low: number, high: number): void {
  if ((value | 0) !== value || value < low || value > high) {
    throw new RangeError(`${name} must be a whole number from ${low} to ${high}, not ${value}`);
  }
}

/** A flag byte: 0..255. */
export function checkFlags(flags: number): void {
  checkWhole("flags", flags, 0, 0xff);
}

/** A number on the wire: 0..65535. */
export function checkWireNumber(name: string, value: SequenceNumber): void {
  checkWhole(name, value, 0, 0xffff);
}

/** A measure that saturates on the wire: any number from 0 on. */
export function checkMeasure(name: string, value: number): void {
  if (typeof value !== "number" || !(value >= 0))
    throw new RangeError(`${name} must be a number from 0 on, not ${value}`);
}

/** A time in milliseconds: any number but NaN. */
export function checkTime(name: string, value: number): void {
  if (typeof value !== "number" || Number.isNaN(value))
    throw new RangeError(`${name} must be a number, not ${value}`);
}

/** A message's length: 0..1195. */
export function checkMessageLength(length: number): void {
  checkWhole("message length", length, 0, INBOUND_MESSAGE_BYTES);
}

/** Throws a RangeError unless `length` bytes at `offset` lie within [low, high). */
export function checkStretch(name: string, offset: number, length: number, low: number, high: number): void {
  if ((offset | 0) !== offset || offset < low || offset > high - length) {
    throw new RangeError(
      `${name}: ${length} bytes at ${offset} must lie within bytes ${low} to ${high} of the memory`,
    );
  }
}

/** A released window was used. */
export function throwReleased(): never {
  throw new RangeError("this window was released");
}
