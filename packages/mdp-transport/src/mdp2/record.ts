import { SID_BYTES } from "@meshstream/msp";

/** Bytes of a record before its payload (docs/wire.md W10). */
export const RECORD_HEADER_BYTES = 2 * (SID_BYTES + 4) + 3;

/** Flag bits of a record (docs/wire.md W10). */
export const RecordFlag = {
  NOT_CIPHERED: 0x01,
  NOT_SIGNED: 0x02,
  BIND: 0x04,
  CLOSE: 0x08,
  ERROR: 0x10,
  REUSE: 0x20,
} as const;

/** One end of a record. */
export interface RecordAddress {
  /** {@link SID_BYTES} bytes, or one of {@link SID_ANY} and {@link SID_BROADCAST}. Of a parsed record: a view of it. */
  readonly sid: Uint8Array;
  /** 0..4294967295. */
  readonly port: number;
}

/** What a record says, apart from its payload. Queue and TTL 0 mean the node's default. */
export interface RecordHeader {
  readonly local: RecordAddress;
  readonly remote: RecordAddress;
  /** {@link RecordFlag} bits. */
  readonly flags: number;
  /** 0..255. */
  readonly queue?: number;
  /** 0..255. */
  readonly ttl?: number;
}

/** A parsed record: what it asks for or carries. Its SIDs and payload are views of the bytes that were parsed. */
export interface MdpRecord extends RecordHeader {
  /** ERROR set: "error", whatever was refused; else BIND or CLOSE; else "data". */
  readonly kind: "bind" | "close" | "error" | "data";
  readonly queue: number;
  readonly ttl: number;
  readonly payload: Uint8Array;
}

/** Why bytes are no record. */
export type RecordFaultReason =
  /** Fewer than {@link RECORD_HEADER_BYTES}. */
  | "record-short"
  /** BIND and CLOSE together. */
  | "record-contradiction";

export interface RecordFault {
  readonly kind: "fault";
  readonly reason: RecordFaultReason;
}

/** The SID "any": the primary identity in a bind, the node itself as the remote end (docs/wire.md W1). Do not write to it. */
export const SID_ANY: Uint8Array = new Uint8Array(SID_BYTES);

/** The SID "all": every identity in a bind (docs/wire.md W1). Do not write to it. */
export const SID_BROADCAST: Uint8Array = new Uint8Array(SID_BYTES).fill(0xff);

/** Whether this machine's own byte order, in which a daemon writes ports (docs/wire.md W10), is little-endian. */
export const HOST_LITTLE_ENDIAN: boolean = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/**
 * The bytes of one record: {@link RECORD_HEADER_BYTES}, then the payload (docs/wire.md W10).
 * With `prefixBytes`, so many unwritten bytes stand before it.
 *
 * @example socket.send(encodeRecord({ local: { sid: SID_ANY, port: 0 }, remote: { sid: SID_ANY, port: 0 }, flags: RecordFlag.BIND }));
 */
export function encodeRecord(
  header: RecordHeader,
  payload: Uint8Array = EMPTY,
  prefixBytes = 0,
  littleEndian: boolean = HOST_LITTLE_ENDIAN,
): Uint8Array {
  const bytes = new Uint8Array(prefixBytes + RECORD_HEADER_BYTES + payload.length);
  writeRecordHeader(bytes, prefixBytes, header, littleEndian);
  bytes.set(payload, prefixBytes + RECORD_HEADER_BYTES);
  return bytes;
}

/** Write the {@link RECORD_HEADER_BYTES} bytes before a payload at `offset`, for one that already stands behind them. */
export function writeRecordHeader(
  bytes: Uint8Array,
  offset: number,
  header: RecordHeader,
  littleEndian: boolean = HOST_LITTLE_ENDIAN,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, RECORD_HEADER_BYTES);
  bytes.set(header.local.sid, offset + Offset.LOCAL_SID);
  view.setUint32(Offset.LOCAL_PORT, header.local.port, littleEndian);
  bytes.set(header.remote.sid, offset + Offset.REMOTE_SID);
  view.setUint32(Offset.REMOTE_PORT, header.remote.port, littleEndian);
  view.setUint8(Offset.FLAGS, header.flags);
  view.setUint8(Offset.QUEUE, header.queue ?? 0);
  view.setUint8(Offset.TTL, header.ttl ?? 0);
}

/**
 * What `bytes` (the whole record, no prefix) mean, or why they mean nothing. Never throws. Undefined flag bits are ignored.
 */
export function parseRecord(
  bytes: Uint8Array,
  littleEndian: boolean = HOST_LITTLE_ENDIAN,
): MdpRecord | RecordFault {
  if (bytes.length < RECORD_HEADER_BYTES) return SHORT;
  const view = new DataView(bytes.buffer, bytes.byteOffset, RECORD_HEADER_BYTES);
  const flags = view.getUint8(Offset.FLAGS);
  const verb = flags & (RecordFlag.BIND | RecordFlag.CLOSE);
  if (verb === (RecordFlag.BIND | RecordFlag.CLOSE)) return CONTRADICTION;
  return {
    kind: (flags & RecordFlag.ERROR) !== 0 ? "error" : (KIND_OF_VERB[verb] ?? "data"),
    local: {
      sid: bytes.subarray(Offset.LOCAL_SID, Offset.LOCAL_SID + SID_BYTES),
      port: view.getUint32(Offset.LOCAL_PORT, littleEndian),
    },
    remote: {
      sid: bytes.subarray(Offset.REMOTE_SID, Offset.REMOTE_SID + SID_BYTES),
      port: view.getUint32(Offset.REMOTE_PORT, littleEndian),
    },
    flags,
    queue: view.getUint8(Offset.QUEUE),
    ttl: view.getUint8(Offset.TTL),
    payload: bytes.subarray(RECORD_HEADER_BYTES),
  };
}

/** Whether a SID of a record is {@link SID_ANY}. */
export function isAny(sid: Uint8Array): boolean {
  return sid.every((byte) => byte === 0);
}

/** Whether a SID of a record is {@link SID_BROADCAST}. */
export function isBroadcast(sid: Uint8Array): boolean {
  return sid.every((byte) => byte === 0xff);
}

const Offset = {
  LOCAL_SID: 0,
  LOCAL_PORT: SID_BYTES,
  REMOTE_SID: SID_BYTES + 4,
  REMOTE_PORT: 2 * SID_BYTES + 4,
  FLAGS: 2 * (SID_BYTES + 4),
  QUEUE: 2 * (SID_BYTES + 4) + 1,
  TTL: 2 * (SID_BYTES + 4) + 2,
} as const;

const KIND_OF_VERB: { readonly [verb: number]: "bind" | "close" } = {
  [RecordFlag.BIND]: "bind",
  [RecordFlag.CLOSE]: "close",
};

const EMPTY = new Uint8Array(0);
const SHORT: RecordFault = Object.freeze({ kind: "fault", reason: "record-short" });
const CONTRADICTION: RecordFault = Object.freeze({ kind: "fault", reason: "record-contradiction" });
