import { MAX_PORT } from "@meshstream/msp";
import { type Fault, fault } from "./fault.ts";

/** Services of a node, by MDP port (docs/wire.md W1). */
export const ServicePort = {
  KEY_MAPPING: 1,
  LINK_STATE: 2,
  ECHO: 7,
  TRACE: 8,
  SERVICE_DISCOVERY: 11,
} as const;

/** The first port that is no service of a node (docs/wire.md W1). */
export const LOWEST_FREE_PORT = 256;

/** The port header before the payload of an MDP message (docs/wire.md W3). */
export interface Ports {
  readonly kind: "ports";
  readonly source: number;
  readonly destination: number;
  /** Offset just past the header. */
  readonly end: number;
}

/** Read the port header at `offset`, which must end at or before `end`. Never throws (docs/wire.md W3). */
export function parsePorts(bytes: Uint8Array, offset: number, end: number): Ports | Fault {
  const first = parseNumber(bytes, offset, end);
  if (typeof first !== "number") return first;
  const afterFirst = numberEnd(bytes, offset);
  const destination = Math.floor(first / 2);
  if (destination > MAX_PORT) return fault("ports-range");
  if (first % 2 === 1) return { kind: "ports", source: destination, destination, end: afterFirst };
  const source = parseNumber(bytes, afterFirst, end);
  if (typeof source !== "number") return source;
  if (source > MAX_PORT) return fault("ports-range");
  return { kind: "ports", source, destination, end: numberEnd(bytes, afterFirst) };
}

/** Bytes that {@link encodePorts} writes: 1..10. */
export function portsBytes(source: number, destination: number): number {
  const first = numberBytes(2 * destination);
  return source === destination ? first : first + numberBytes(source);
}

/** Write the port header at `offset`; ports 0..4294967295. Returns the offset just past it. */
export function encodePorts(out: Uint8Array, offset: number, source: number, destination: number): number {
  if (source === destination) return encodeNumber(out, offset, 2 * destination + 1);
  return encodeNumber(out, encodeNumber(out, offset, 2 * destination), source);
}

// Little-endian base 128. Numbers reach 2^33, beyond the reach of bit operators: hence the arithmetic.
function parseNumber(bytes: Uint8Array, offset: number, end: number): number | Fault {
  let value = 0;
  let scale = 1;
  for (let at = offset; at < offset + MAX_NUMBER_BYTES; at++) {
    if (at >= end) return fault("ports-truncated");
    const byte = bytes[at]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
  return fault("ports-range");
}

/** End of a number that {@link parseNumber} has accepted. */
function numberEnd(bytes: Uint8Array, offset: number): number {
  let at = offset;
  while (bytes[at]! >= 0x80) at++;
  return at + 1;
}

function numberBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

function encodeNumber(out: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest >= 128) {
    out[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  out[at++] = rest;
  return at;
}

const MAX_NUMBER_BYTES = 5;
