import type { SequenceNumber } from "./sequence.ts";

/** What the bytes of an MSP packet mean (docs/wire.md W2, W13); those named FAULT_ are faults. */
export const PacketKind = {
  /** No bytes at all. */
  FAULT_EMPTY: 0,
  /** More message bytes than {@link INBOUND_MESSAGE_BYTES}. */
  FAULT_OVERSIZE: 1,
  /** Length 1 with STOP set: the connection is gone. */
  STOP: 2,
  /** Length 1 or 2 that is not a STOP: carries nothing but its flags. */
  NOTHING: 3,
  /** Length 3 or 4: an acknowledgement or a keep-alive. */
  ACK: 4,
  /** Length 5 or more: a message, of no bytes if the length is 5. */
  DATA: 5,
  /** Says in full what has arrived: see {@link DecodedPacket.extendedAck} (docs/wire.md W13). */
  EXTENDED_ACK: 6,
  /** A combination of messages: see {@link DecodedPacket.repair} (docs/wire.md W13). */
  REPAIR: 7,
  /** EXTENSION is set, and the type is none that is defined, or its fields are cut short, too long or out of range. */
  FAULT_EXTENSION: 8,
} as const;
export type PacketKind = (typeof PacketKind)[keyof typeof PacketKind];

/** Flag bits of an MSP packet (docs/wire.md W2); EXTENSION: the sender speaks the extension (W13). */
export const PacketFlag = { SHUTDOWN: 0x01, ACK: 0x02, FIRST: 0x04, STOP: 0x08, EXTENSION: 0x80 } as const;

/**
 * The type of a packet with {@link PacketFlag.EXTENSION}: its flags >> TYPE_SHIFT & 7 (docs/wire.md W13). 0..3 are
 * packets of W2; of a data packet it is the transmission: 0 the first, 1 the second, 2 the third, 3 a later one.
 */
export const PacketType = { TRANSMISSION_LIMIT: 3, EXTENDED_ACK: 4, REPAIR: 5 } as const;

/** Where in the flag byte the {@link PacketType} begins. */
export const TYPE_SHIFT = 4;

/** Bytes of an extended acknowledgement before its bitmap. */
export const EXTENDED_ACK_BYTES = 22;

/** Most bytes of an extended acknowledgement's bitmap: 512 messages. */
export const BITMAP_BYTES = 64;

/** Bytes of a repair before its symbol. */
export const REPAIR_HEADER_BYTES = 8;

/** Bytes of a symbol before the message's: its own flags, its length. */
export const SYMBOL_HEADER_BYTES = 3;

/** Most bytes of a symbol. */
export const SYMBOL_BYTES = 1027;

/**
 * Most messages that a repair may say it covers (docs/wire.md W13). Neither side here uses more than
 * {@link REPAIR_MESSAGES}.
 */
export const REPAIR_COUNT_LIMIT = 128;

/**
 * Most messages that {@link Core.encodeRepair} combines and a {@link Decoder} takes: what bounds the work for a packet.
 */
export const REPAIR_MESSAGES = 64;

/**
 * The fields of an extended acknowledgement beyond flags and ack (docs/wire.md W13). One and the same object of the
 * caller's may be filled again and again for {@link Core.encodeExtendedAck}; the decoder fills one of its own.
 */
export interface ExtendedAck {
  /** Highest number up to which everything has arrived: 0..65535; 65535 at first. */
  arrived: SequenceNumber;
  /** 0..15, at present 1. */
  version: number;
  /** 0..15: bit 0 says "I decode repairs" (bit 4 of the byte on the wire); the rest 0 when sent, to be ignored. */
  capabilities: number;
  /** Messages beyond ack that will be accepted: 0..65535. */
  window: number;
  /**
   * From the arrival of the echoed packet to the sending of this one, in microseconds, sent in steps of 16 rounded
   * down, saturating at 1 048 560.
   */
  ackDelayUs: number;
  /** The data packet that arrived last: its number, or -1 for none yet. */
  echoSequence: SequenceNumber | -1;
  /** Its transmission: 0..3. */
  echoTransmission: number;
  /** Equations that are still needed to fill all holes: sent as at most 255. */
  missingRank: number;
  /** Number >> 3, low 8 bits, of the last aligned group of 8 first transmissions that arrived whole and in a row. */
  train: number;
  /**
   * From its first arrival to its last, in microseconds, in steps of 16 rounded down, saturating at 1 048 560; 0: there
   * was none yet.
   */
  trainSpreadUs: number;
  /** Messages recovered by decoding, modulo 65536. */
  recovered: number;
  /** The number that the bitmap's first bit is about. */
  bitmapBase: SequenceNumber;
  /** Bytes of the bitmap, 0..64. Written behind the other fields by {@link ReceiveWindow.writeBitmap} beforehand. */
  bitmapLength: number;
}

/** {@link ExtendedAck}, decoded. */
export interface DecodedExtendedAck extends Readonly<ExtendedAck> {
  /** Where in {@link Core.bytes} the bitmap begins. */
  readonly bitmapOffset: number;
}

/** The fields of a repair beyond flags and ack (docs/wire.md W13). */
export interface DecodedRepair {
  /** The first message that it combines. */
  readonly first: SequenceNumber;
  /** How many it combines: 1..128. */
  readonly count: number;
  /** Seed of the coefficients: 0..65535. */
  readonly seed: number;
  /** Where in {@link Core.bytes} the symbol begins, and its bytes: 3..1027. */
  readonly symbolOffset: number;
  readonly symbolLength: number;
}

/** A decoded packet. The codec fills one and the same object at every call: read it before the next. */
export interface DecodedPacket {
  readonly kind: PacketKind;
  /** The whole flag byte, unknown bits included. 0 for FAULT_EMPTY. */
  readonly flags: number;
  /** 0..65535; 65535 where the packet carries none. Valid only if {@link PacketFlag.ACK} is set. */
  readonly ack: SequenceNumber;
  /** 0..65535, of a DATA packet; else 0. */
  readonly sequence: SequenceNumber;
  /** Offset of the message in {@link Core.bytes}, of a DATA packet; else 0. */
  readonly messageOffset: number;
  /** Bytes of the message; 0 unless DATA. */
  readonly messageLength: number;
  /** {@link PacketFlag.EXTENSION} is set: the sender speaks the extension. */
  readonly isExtended: boolean;
  /**
   * Which transmission of its message a DATA packet is, if it is extended: 0 the first .. 3 the fourth or later; else
   * 0.
   */
  readonly transmission: number;
  /** Filled if `kind` is EXTENDED_ACK; else what it was. The same object at every call. */
  readonly extendedAck: DecodedExtendedAck;
  /** Filled if `kind` is REPAIR; else what it was. The same object at every call. */
  readonly repair: DecodedRepair;
}
