import {
  type AddressToWrite,
  addressBytes,
  encodeAddress,
  parseAddress,
  type WireAddress,
} from "./address.ts";
import { Encapsulation } from "./envelope.ts";
import { type Fault, fault } from "./fault.ts";

/** Flags of a frame (docs/wire.md W5). */
export const FrameFlag = {
  SENDER_SAME: 0x01,
  BROADCAST: 0x02,
  ONE_HOP: 0x04,
  CIPHERED: 0x10,
  SIGNED: 0x20,
  ACK_SOON: 0x40,
  LEGACY_TYPE: 0x80,
} as const;

/** Types of a frame with LEGACY_TYPE (docs/wire.md W5). */
export const FrameType = { SELF_ANNOUNCE_ACK: 0x20, RHIZOME_ADVERT: 0x50, EXPLAIN: 0x60 } as const;

/** Queues of a frame, the highest first (docs/wire.md W5). */
export const Queue = { VOICE: 0, MANAGEMENT: 1, VIDEO: 2, ORDINARY: 3 } as const;

/** TTL of a new frame. */
export const DEFAULT_TTL = 31;

/** Bytes of the random id of a broadcast that goes further than one hop. */
export const BROADCAST_ID_BYTES = 8;

/** A frame found in a packet (docs/wire.md W5). Offsets are into the buffer that was parsed. */
export interface Frame {
  readonly kind: "frame";
  /** The whole flag byte. */
  readonly flags: number;
  /** Absent with SENDER_SAME: then the transmitter is the source. */
  readonly source: WireAddress | undefined;
  /** Absent with BROADCAST. */
  readonly destination: WireAddress | undefined;
  /** Absent with BROADCAST or ONE_HOP. */
  readonly nextHop: WireAddress | undefined;
  /** Offset of the 8-byte broadcast id; -1 unless BROADCAST without ONE_HOP. */
  readonly broadcastIdOffset: number;
  /** 0..31; 0 with ONE_HOP. */
  readonly ttl: number;
  /** 0..3, the queue; {@link Queue.ORDINARY} with ONE_HOP. */
  readonly queue: number;
  /** {@link FrameType}; -1 without LEGACY_TYPE. */
  readonly type: number;
  /** Frame sequence number, 0..255; -1 in a packet of version 0. */
  readonly sequence: number;
  readonly payloadOffset: number;
  readonly payloadLength: number;
  /** Offset just past the frame. */
  readonly end: number;
}

/** What to write at the head of a frame. The flags decide which of the fields are written. */
export interface FrameToWrite {
  readonly flags: number;
  readonly source?: AddressToWrite | undefined;
  readonly destination?: AddressToWrite | undefined;
  readonly nextHop?: AddressToWrite | undefined;
  readonly broadcastId?: Uint8Array | undefined;
  readonly ttl?: number;
  readonly queue?: number;
  readonly type?: number;
  /** -1 in a packet of version 0. */
  readonly sequence: number;
}

/** Read the frame at `offset` of a packet that ends at `end`. Never throws (docs/wire.md W5). */
export function parseFrame(
  bytes: Uint8Array,
  offset: number,
  end: number,
  version: number,
  encapsulation: number,
): Frame | Fault {
  if (offset >= end) return fault("frame-truncated");
  const flags = bytes[offset]!;
  const oneHop = (flags & FrameFlag.ONE_HOP) !== 0;
  const broadcast = (flags & FrameFlag.BROADCAST) !== 0;
  let at = offset + 1;

  let source: WireAddress | undefined;
  if ((flags & FrameFlag.SENDER_SAME) === 0) {
    const address = parseAddress(bytes, at, end);
    if (address.kind === "fault") return address;
    source = address;
    at = address.end;
  }
  let destination: WireAddress | undefined;
  let nextHop: WireAddress | undefined;
  if (!broadcast) {
    const address = parseAddress(bytes, at, end);
    if (address.kind === "fault") return address;
    destination = address;
    at = address.end;
    if (!oneHop) {
      const hop = parseAddress(bytes, at, end);
      if (hop.kind === "fault") return hop;
      nextHop = hop;
      at = hop.end;
    }
  }

  // From here on every field has a fixed size: one check covers them all.
  const idOffset = broadcast && !oneHop ? at : -1;
  const ttlOffset = at + (idOffset < 0 ? 0 : BROADCAST_ID_BYTES);
  const typeOffset = ttlOffset + (oneHop ? 0 : 1);
  const sequenceOffset = typeOffset + (flags & FrameFlag.LEGACY_TYPE ? 1 : 0);
  const lengthOffset = sequenceOffset + (version >= 1 ? 1 : 0);
  const payloadOffset = lengthOffset + (encapsulation === Encapsulation.MANY ? 2 : 0);
  if (payloadOffset > end) return fault("frame-truncated");
  const payloadLength =
    encapsulation === Encapsulation.MANY
      ? (bytes[lengthOffset]! << 8) | bytes[lengthOffset + 1]!
      : end - payloadOffset;
  if (payloadOffset + payloadLength > end) return fault("frame-payload-truncated");
  const ttlByte = oneHop ? Queue.ORDINARY << 5 : bytes[ttlOffset]!;
  return {
    kind: "frame",
    flags,
    source,
    destination,
    nextHop,
    broadcastIdOffset: idOffset,
    ttl: ttlByte & 0x1f,
    queue: (ttlByte >> 5) & 0x03,
    type: flags & FrameFlag.LEGACY_TYPE ? bytes[typeOffset]! : -1,
    sequence: version >= 1 ? bytes[sequenceOffset]! : -1,
    payloadOffset,
    payloadLength,
    end: payloadOffset + payloadLength,
  };
}

/** Bytes that {@link encodeFrameHead} writes. */
export function frameHeadBytes(frame: FrameToWrite, encapsulation: number): number {
  const { flags } = frame;
  const oneHop = (flags & FrameFlag.ONE_HOP) !== 0;
  const broadcast = (flags & FrameFlag.BROADCAST) !== 0;
  let bytes = 1;
  if ((flags & FrameFlag.SENDER_SAME) === 0) bytes += addressBytes(frame.source!);
  if (!broadcast) bytes += addressBytes(frame.destination!);
  if (!broadcast && !oneHop) bytes += addressBytes(frame.nextHop!);
  if (broadcast && !oneHop) bytes += BROADCAST_ID_BYTES;
  if (!oneHop) bytes += 1;
  if (flags & FrameFlag.LEGACY_TYPE) bytes += 1;
  if (frame.sequence >= 0) bytes += 1;
  if (encapsulation === Encapsulation.MANY) bytes += 2;
  return bytes;
}

/** Write a frame up to its payload of `payloadLength` (0..65535) bytes. Returns the offset of the payload. */
export function encodeFrameHead(
  out: Uint8Array,
  offset: number,
  frame: FrameToWrite,
  encapsulation: number,
  payloadLength: number,
): number {
  const { flags } = frame;
  const oneHop = (flags & FrameFlag.ONE_HOP) !== 0;
  const broadcast = (flags & FrameFlag.BROADCAST) !== 0;
  let at = offset;
  out[at++] = flags;
  if ((flags & FrameFlag.SENDER_SAME) === 0) at = encodeAddress(out, at, frame.source!);
  if (!broadcast) at = encodeAddress(out, at, frame.destination!);
  if (!broadcast && !oneHop) at = encodeAddress(out, at, frame.nextHop!);
  if (broadcast && !oneHop) {
    out.set(frame.broadcastId!, at);
    at += BROADCAST_ID_BYTES;
  }
  if (!oneHop) out[at++] = ((frame.queue ?? Queue.ORDINARY) << 5) | (frame.ttl ?? DEFAULT_TTL);
  if (flags & FrameFlag.LEGACY_TYPE) out[at++] = frame.type!;
  if (frame.sequence >= 0) out[at++] = frame.sequence;
  if (encapsulation === Encapsulation.MANY) {
    out[at++] = payloadLength >> 8;
    out[at++] = payloadLength & 0xff;
  }
  return at;
}
