import {
  type AddressToWrite,
  addressBytes,
  encodeAddress,
  parseAddress,
  type WireAddress,
} from "./address.ts";
import { type Fault, fault } from "./fault.ts";

/** Flags of an overlay packet (docs/wire.md W4). */
export const EnvelopeFlag = { UNICAST: 0x01, INTERFACE: 0x02, SEQUENCE: 0x04 } as const;

/** How frames lie in an overlay packet (docs/wire.md W4). */
export const Encapsulation = {
  /** Any number of frames, each with its length. */
  MANY: 1,
  /** One frame, to the end of the packet. */
  SINGLE: 2,
} as const;

/** The head of an overlay packet: one UDP datagram between neighbours (docs/wire.md W4). */
export interface Envelope {
  readonly kind: "envelope";
  /** 0 or 1; from 1 on every frame has a frame sequence number. */
  readonly version: number;
  /** {@link Encapsulation}. */
  readonly encapsulation: number;
  readonly transmitter: WireAddress;
  /** The whole flag byte, unknown bits included. */
  readonly flags: number;
  /** The transmitter's number of the interface, 0..255; 0 where the packet says nothing. */
  readonly interfaceNumber: number;
  /** Packet sequence number, 0..255; -1 where the packet has none. */
  readonly sequence: number;
  /** Offset of the first frame. */
  readonly framesOffset: number;
}

/** What to write at the head of a packet. */
export interface EnvelopeToWrite {
  readonly version: number;
  readonly encapsulation: number;
  readonly transmitter: AddressToWrite;
  /** Only UNICAST counts here: the two others follow from the fields. */
  readonly flags: number;
  /** Left out of the packet if 0 or -1. */
  readonly interfaceNumber: number;
  /** Left out of the packet if -1. */
  readonly sequence: number;
}

/** Read the head of the packet in [offset, end). Never throws (docs/wire.md W4). */
export function parseEnvelope(bytes: Uint8Array, offset: number, end: number): Envelope | Fault {
  if (end - offset < SHORTEST_BYTES) return fault("envelope-truncated");
  const version = bytes[offset]!;
  if (version > HIGHEST_VERSION) return fault("envelope-version");
  const encapsulation = bytes[offset + 1]!;
  if (encapsulation !== Encapsulation.MANY && encapsulation !== Encapsulation.SINGLE) {
    return fault("envelope-encapsulation");
  }
  const transmitter = parseAddress(bytes, offset + 2, end);
  if (transmitter.kind === "fault") return transmitter;
  if (transmitter.end >= end) return fault("envelope-truncated");
  const flags = bytes[transmitter.end]!;
  const interfaceOffset = transmitter.end + 1;
  const sequenceOffset = interfaceOffset + (flags & EnvelopeFlag.INTERFACE ? 1 : 0);
  const framesOffset = sequenceOffset + (flags & EnvelopeFlag.SEQUENCE ? 1 : 0);
  if (framesOffset > end) return fault("envelope-truncated");
  return {
    kind: "envelope",
    version,
    encapsulation,
    transmitter,
    flags,
    interfaceNumber: flags & EnvelopeFlag.INTERFACE ? bytes[interfaceOffset]! : 0,
    sequence: flags & EnvelopeFlag.SEQUENCE ? bytes[sequenceOffset]! : -1,
    framesOffset,
  };
}

/** Bytes that {@link encodeEnvelope} writes: 4..38. */
export function envelopeBytes(envelope: EnvelopeToWrite): number {
  const optional = (envelope.interfaceNumber > 0 ? 1 : 0) + (envelope.sequence >= 0 ? 1 : 0);
  return 2 + addressBytes(envelope.transmitter) + 1 + optional;
}

/** Write the head of a packet at `offset`. Returns the offset of its first frame. */
export function encodeEnvelope(out: Uint8Array, offset: number, envelope: EnvelopeToWrite): number {
  out[offset] = envelope.version;
  out[offset + 1] = envelope.encapsulation;
  let at = encodeAddress(out, offset + 2, envelope.transmitter);
  const hasInterface = envelope.interfaceNumber > 0;
  const hasSequence = envelope.sequence >= 0;
  out[at++] =
    (envelope.flags & EnvelopeFlag.UNICAST) |
    (hasInterface ? EnvelopeFlag.INTERFACE : 0) |
    (hasSequence ? EnvelopeFlag.SEQUENCE : 0);
  if (hasInterface) out[at++] = envelope.interfaceNumber;
  if (hasSequence) out[at++] = envelope.sequence;
  return at;
}

const HIGHEST_VERSION = 1;

// Version, encapsulation, the shortest address, flags.
const SHORTEST_BYTES = 4;
