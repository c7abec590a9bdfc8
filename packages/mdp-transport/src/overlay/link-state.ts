import { type AddressToWrite, encodeAddress, parseAddress, type WireAddress } from "./address.ts";
import { type Fault, fault } from "./fault.ts";

/** Flags of a link-state record (docs/wire.md W8). */
export const RecordFlag = {
  INTERFACE: 0x01,
  NO_PATH: 0x02,
  BROADCAST_LINK: 0x04,
  UNICAST_LINK: 0x08,
  ACK: 0x10,
  DROP_RATE: 0x20,
} as const;

/** Drop rate of a link that is as good as none; also said where there is no path (docs/wire.md W8). */
export const DROP_RATE_VERY_POOR = 32;

/** A link-state record: the state of one link, or the last hop of one path (docs/wire.md W8). */
export interface LinkRecord {
  readonly kind: "record";
  /** Bytes, its length byte included. */
  readonly length: number;
  /** The whole flag byte. */
  readonly flags: number;
  readonly receiver: WireAddress;
  /** 0..255. */
  readonly version: number;
  /** Absent with NO_PATH. */
  readonly transmitter: WireAddress | undefined;
  /** The transmitter's interface, 0..255; -1 without INTERFACE. */
  readonly interfaceNumber: number;
  /** Latest packet sequence number heard, 0..255; -1 without ACK. */
  readonly ackSequence: number;
  /** The 32 packets before it, unsigned, bit 0 = ackSequence - 1; 0 without ACK. */
  readonly ackMask: number;
  /** -1 without DROP_RATE. */
  readonly dropRate: number;
  /** Offset just past the record, unknown trailing fields skipped. */
  readonly end: number;
}

/** What to write as a record; the flags ACK, INTERFACE, DROP_RATE and NO_PATH follow from the fields. */
export interface LinkRecordToWrite {
  /** Only UNICAST_LINK and BROADCAST_LINK count here. */
  readonly flags: number;
  readonly receiver: AddressToWrite;
  readonly version: number;
  readonly transmitter?: AddressToWrite | undefined;
  readonly interfaceNumber?: number;
  readonly ackSequence?: number;
  readonly ackMask?: number;
  readonly dropRate?: number;
}

/** Read the record at `offset`; it must end at or before `end`. Never throws (docs/wire.md W8). */
export function parseLinkRecord(bytes: Uint8Array, offset: number, end: number): LinkRecord | Fault {
  if (offset >= end) return fault("record-truncated");
  const length = bytes[offset]!;
  if (length < SHORTEST_BYTES) return fault("record-length");
  const recordEnd = offset + length;
  if (recordEnd > end) return fault("record-truncated");
  const flags = bytes[offset + 1]!;
  const receiver = parseAddress(bytes, offset + 2, recordEnd);
  if (receiver.kind === "fault") return receiver;
  if (receiver.end >= recordEnd) return fault("record-length");
  let at = receiver.end + 1;
  let transmitter: WireAddress | undefined;
  if ((flags & RecordFlag.NO_PATH) === 0) {
    const address = parseAddress(bytes, at, recordEnd);
    if (address.kind === "fault") return address;
    transmitter = address;
    at = address.end;
  }
  // From here on every field has a fixed size: one check covers them all.
  const ackOffset = at + (flags & RecordFlag.INTERFACE ? 1 : 0);
  const dropOffset = ackOffset + (flags & RecordFlag.ACK ? ACK_BYTES : 0);
  const fieldsEnd = dropOffset + (flags & RecordFlag.DROP_RATE ? 1 : 0);
  if (fieldsEnd > recordEnd) return fault("record-length");
  return {
    kind: "record",
    length,
    flags,
    receiver,
    version: bytes[receiver.end]!,
    transmitter,
    interfaceNumber: flags & RecordFlag.INTERFACE ? bytes[at]! : -1,
    ackSequence: flags & RecordFlag.ACK ? bytes[ackOffset]! : -1,
    ackMask: flags & RecordFlag.ACK ? readMask(bytes, ackOffset + 1) : 0,
    dropRate: flags & RecordFlag.DROP_RATE ? bytes[dropOffset]! : -1,
    end: recordEnd,
  };
}

/** Write a record at `offset`: at most 76 bytes. Returns the offset just past it. */
export function encodeLinkRecord(out: Uint8Array, offset: number, record: LinkRecordToWrite): number {
  const { interfaceNumber = -1, ackSequence = -1, ackMask = 0, dropRate = -1 } = record;
  let at = encodeAddress(out, offset + 2, record.receiver);
  out[at++] = record.version;
  if (record.transmitter !== undefined) at = encodeAddress(out, at, record.transmitter);
  if (interfaceNumber >= 0) out[at++] = interfaceNumber;
  if (ackSequence >= 0) {
    out[at++] = ackSequence;
    for (let shift = 24; shift >= 0; shift -= 8) out[at++] = (ackMask >>> shift) & 0xff;
  }
  if (dropRate >= 0) out[at++] = dropRate;
  out[offset] = at - offset;
  out[offset + 1] =
    (record.flags & (RecordFlag.UNICAST_LINK | RecordFlag.BROADCAST_LINK)) |
    (record.transmitter === undefined ? RecordFlag.NO_PATH : 0) |
    (interfaceNumber >= 0 ? RecordFlag.INTERFACE : 0) |
    (ackSequence >= 0 ? RecordFlag.ACK : 0) |
    (dropRate >= 0 ? RecordFlag.DROP_RATE : 0);
  return at;
}

function readMask(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>>
    0
  );
}

/** Most bytes of a record that {@link encodeLinkRecord} writes. */
export const MAX_RECORD_BYTES = 76;

// Length, flags, the shortest receiver, version.
const SHORTEST_BYTES = 4;

// Sequence number and mask.
const ACK_BYTES = 5;
