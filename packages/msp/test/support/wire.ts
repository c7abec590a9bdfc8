import type { Pair, PairTransport } from "./pair.ts";

// The reading and writing of MSP packets here is by hand (docs/wire.md W2), so that it does not believe the code under test.

export const SHUTDOWN = 0x01;
export const ACK = 0x02;
export const FIRST = 0x04;
export const STOP = 0x08;
export const EXTENSION = 0x80;

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
  /** The type of a packet with the flag EXTENSION (docs/wire.md W13.1): 0..7; 0 without it. */
  readonly type: number;
  readonly isExtendedAck: boolean;
  readonly isRepair: boolean;
  readonly isUnknownType: boolean;
  /** The fields of an extended acknowledgement; undefined in any other packet. */
  readonly report: Report | undefined;
}

/** An extended acknowledgement, by hand (docs/wire.md W13.6). */
export interface Report {
  readonly arrived: number;
  readonly version: number;
  readonly capabilities: number;
  readonly window: number;
  readonly delayUs: number;
  /** Undefined if it is not valid. */
  readonly echo: number | undefined;
  readonly transmission: number;
  readonly missingRank: number;
  readonly train: number;
  readonly spreadUs: number;
  readonly recovered: number;
  readonly base: number;
  /** The numbers that the bitmap says have arrived. */
  readonly bits: readonly number[];
}

function parseReport(bytes: Uint8Array): Report {
  const word = (at: number) => bytes[at]! | (bytes[at + 1]! << 8);
  const base = word(19);
  const bits: number[] = [];
  for (let i = 0; i < (bytes.length - 22) * 8; i += 1) {
    if (((bytes[22 + (i >> 3)]! >> (i & 7)) & 1) === 1) bits.push((base + i) & 0xffff);
  }
  return {
    arrived: word(3),
    version: bytes[5]! & 0x0f,
    capabilities: bytes[5]! & 0xf0,
    window: word(6),
    delayUs: word(8) * 16,
    echo: (bytes[12]! & 0x80) === 0 ? undefined : word(10),
    transmission: bytes[12]! & 3,
    missingRank: bytes[13]!,
    train: bytes[14]!,
    spreadUs: word(15) * 16,
    recovered: word(17),
    base,
    bits,
  };
}

export function parse(bytes: Uint8Array, atMs = 0, from: "a" | "b" = "a"): Packet {
  const flags = bytes[0] ?? 0;
  const type = (flags & EXTENSION) === 0 ? 0 : (flags >> 4) & 7;
  const isData = bytes.length >= 5 && type < 4;
  return {
    atMs,
    from,
    bytes,
    flags,
    isFirst: (flags & FIRST) !== 0,
    isShutdown: (flags & SHUTDOWN) !== 0,
    isStop: bytes.length === 1 && (flags & STOP) !== 0,
    isData,
    ack: bytes.length >= 3 && (flags & ACK) !== 0 ? bytes[1]! | (bytes[2]! << 8) : undefined,
    sequence: isData ? bytes[3]! | (bytes[4]! << 8) : undefined,
    message: isData ? bytes.subarray(5) : new Uint8Array(0),
    type,
    isExtendedAck: type === 4,
    isRepair: type === 5,
    isUnknownType: type > 5,
    report: type === 4 ? parseReport(bytes) : undefined,
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

/** Four bytes: what opens a connection for who speaks the extension (docs/wire.md W13.3). */
export const openingPacket = (ack?: number): Uint8Array =>
  Uint8Array.of(...ackPacket(ack, EXTENSION | FIRST), 0);

/** An extended acknowledgement (docs/wire.md W13.6). `ack` undefined: nothing has come yet. */
export function extendedAckPacket(fields: {
  ack?: number;
  arrived?: number;
  coding?: boolean;
  window?: number;
  echo?: number;
  transmission?: number;
  base?: number;
  bitmap?: readonly number[];
}): Uint8Array {
  const { ack, arrived = ack ?? 0xffff, coding = true, window = 128, echo, transmission = 0 } = fields;
  const { base = arrived + 2, bitmap = [] } = fields;
  const word = (value: number) => [value & 0xff, (value >> 8) & 0xff];
  return Uint8Array.from([
    EXTENSION | 0x40 | (ack === undefined ? 0 : ACK),
    ...word(ack ?? 0xffff),
    ...word(arrived),
    coding ? 0x11 : 0x01,
    ...word(window),
    ...word(0),
    ...word(echo ?? 0),
    echo === undefined ? 0 : 0x80 | transmission,
    0,
    0,
    ...word(0),
    ...word(0),
    ...word(base),
    0,
    ...bitmap,
  ]);
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
