import type { Pair, PairTransport } from "./pair.ts";

// The reading and writing of MSP packets here is by hand (docs/wire.md W2), so that it does not believe the code under test.

export const SHUTDOWN = 0x01;
export const ACK = 0x02;
export const FIRST = 0x04;
export const STOP = 0x08;

/** One MSP packet as it was seen. */
export interface Packet {
  readonly atMs: number;
  /** Which end sent it. */
  readonly from: "a" | "b";
  readonly bytes: Uint8Array;
  readonly flags: number;
  readonly isFirst: boolean;
  readonly isShutdown: boolean;
  /** One byte with STOP. */
  readonly isStop: boolean;
  /** Five bytes or more: it carries a message, perhaps of no bytes. */
  readonly isData: boolean;
  /** The acknowledgement, or undefined if the flag is not set. */
  readonly ack: number | undefined;
  /** The number of the message; undefined if there is none. */
  readonly sequence: number | undefined;
  readonly message: Uint8Array;
}

export function parse(bytes: Uint8Array, atMs = 0, from: "a" | "b" = "a"): Packet {
  const flags = bytes[0] ?? 0;
  return {
    atMs,
    from,
    bytes,
    flags,
    isFirst: (flags & FIRST) !== 0,
    isShutdown: (flags & SHUTDOWN) !== 0,
    isStop: bytes.length === 1 && (flags & STOP) !== 0,
    isData: bytes.length >= 5,
    ack: bytes.length >= 3 && (flags & ACK) !== 0 ? bytes[1]! | (bytes[2]! << 8) : undefined,
    sequence: bytes.length >= 5 ? bytes[3]! | (bytes[4]! << 8) : undefined,
    message: bytes.subarray(5),
  };
}

/** A packet with a message; `ack` undefined leaves the flag away. */
export function dataPacket(
  sequence: number,
  message: Uint8Array,
  { flags = 0, ack }: { flags?: number; ack?: number } = {},
): Uint8Array {
  const number = ack ?? 0xffff;
  return Uint8Array.from([
    flags | (ack === undefined ? 0 : ACK),
    number & 0xff,
    number >> 8,
    sequence & 0xff,
    sequence >> 8,
    ...message,
  ]);
}

/** Three bytes: an acknowledgement, or a keep-alive without one. */
export function ackPacket(ack: number | undefined, flags = 0): Uint8Array {
  const number = ack ?? 0xffff;
  return Uint8Array.from([flags | (ack === undefined ? 0 : ACK), number & 0xff, number >> 8]);
}

export const stopPacket = (): Uint8Array => Uint8Array.of(STOP);

/**
 * Every packet that leaves either end from now on, in order, whether or not it arrives. `drop` may take packets out;
 * it is asked once for each, in order.
 */
export function watch(pair: Pair, drop: (packet: Packet) => boolean = () => false): Packet[] {
  const seen: Packet[] = [];
  const tap = (transport: PairTransport, from: "a" | "b") => {
    const before = transport.filter;
    transport.filter = (bytes) => {
      const packet = parse(bytes, pair.clock.now(), from);
      seen.push(packet);
      return drop(packet) ? undefined : before(bytes);
    };
  };
  tap(pair.a, "a");
  tap(pair.b, "b");
  return seen;
}
