import { Fault } from "./fault.ts";

/** Version of the file transfer protocol that this code speaks (docs/file-transfer.md, Greeting). */
export const VERSION = 1;

/** Default MDP port of `msp receive`. */
export const FILE_TRANSFER_PORT = 4111;

/** Bytes of the greeting: "meshfile", then the version as 16 bits. */
export const GREETING_BYTES = 10;

/** Bytes before the payload of every record: type, then the payload's length as 32 bits. */
export const HEADER_BYTES = 5;

/** Bytes of the payload of END. */
export const DIGEST_BYTES = 32;

/** Types of records (docs/file-transfer.md, Records). A reader skips every other type. */
export const RecordType = { OFFER: 1, ACCEPT: 2, REFUSE: 3, DATA: 4, END: 5, DONE: 6 } as const;

/** Longest payload of an OFFER or a REFUSE that is taken in, in bytes. */
export const CONTROL_PAYLOAD_LIMIT = 4096;

/** Why a receiver does not take a file (docs/file-transfer.md, REFUSE). */
export const RefuseReason = {
  /** A file of that name is there already. */
  EXISTS: 1,
  /** The name is not one that a receiver takes. */
  NAME: 2,
  /** Larger than the receiver takes. */
  TOO_LARGE: 3,
  /** Not enough room on the receiver's disk. */
  NO_SPACE: 4,
  /** The receiver takes no files from this sender. */
  NOT_ALLOWED: 5,
  /** The receiver could not write the file. */
  IO: 6,
  /** What arrived has another SHA-256 or another size than the sender said. */
  MISMATCH: 7,
} as const;

/** A file as its sender describes it. */
export interface Offer {
  /** As it came: not checked against the rules for names. */
  readonly name: string;
  /** May exceed Number.MAX_SAFE_INTEGER, and is rounded then. */
  readonly sizeBytes: number;
  /** POSIX permission bits, if the sender told. */
  readonly mode: number | undefined;
  /** Time of the last change in ms since 1970 UTC, if the sender told. */
  readonly modifiedMs: number | undefined;
}

/** Why and in which words a file was refused. `reason` may be a number that this version does not know. */
export interface Refuse {
  readonly reason: number;
  /** For people; from the peer: clean it before it is shown. */
  readonly text: string;
}

/** @example await writer.write(encodeGreeting()); */
export function encodeGreeting(): Uint8Array {
  const bytes = new Uint8Array(GREETING_BYTES);
  bytes.set(MAGIC);
  viewOf(bytes).setUint16(MAGIC.length, VERSION, true);
  return bytes;
}

/** The peer's version, from exactly {@link GREETING_BYTES} bytes. */
export function parseGreeting(bytes: Uint8Array): number | Fault {
  if (bytes.length !== GREETING_BYTES || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    return new Fault("the peer does not speak the file transfer protocol");
  }
  const version = viewOf(bytes).getUint16(MAGIC.length, true);
  return version === 0 ? new Fault("the peer's greeting names version 0") : version;
}

/** The 5 bytes before a payload of `length` bytes. */
export function encodeHeader(type: number, length: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes[0] = type;
  viewOf(bytes).setUint32(1, length, true);
  return bytes;
}

/** A whole OFFER record, header included. */
export function encodeOffer(offer: Offer): Uint8Array {
  const name = encoder.encode(offer.name);
  const payload = new Uint8Array(OFFER_FIXED_BYTES + name.length);
  const view = viewOf(payload);
  view.setBigUint64(OFFER.size, BigInt(offer.sizeBytes), true);
  view.setUint32(OFFER.mode, offer.mode ?? 0, true);
  view.setBigInt64(OFFER.modified, BigInt(Math.round(offer.modifiedMs ?? 0)), true);
  const present =
    (offer.mode === undefined ? 0 : PRESENT_MODE) | (offer.modifiedMs === undefined ? 0 : PRESENT_MODIFIED);
  view.setUint16(OFFER.present, present, true);
  view.setUint16(OFFER.nameLength, name.length, true);
  payload.set(name, OFFER_FIXED_BYTES);
  return record(RecordType.OFFER, payload);
}

/** An OFFER from its payload; bytes after the name belong to later versions. */
export function parseOffer(payload: Uint8Array): Offer | Fault {
  if (payload.length < OFFER_FIXED_BYTES) return new Fault(`an OFFER of ${payload.length} bytes`);
  const view = viewOf(payload);
  const nameLength = view.getUint16(OFFER.nameLength, true);
  if (OFFER_FIXED_BYTES + nameLength > payload.length) return new Fault("an OFFER whose name is cut short");
  const name = decodeText(payload.subarray(OFFER_FIXED_BYTES, OFFER_FIXED_BYTES + nameLength));
  if (name === undefined) return new Fault("an OFFER whose name is not UTF-8");
  const present = view.getUint16(OFFER.present, true);
  return {
    name,
    sizeBytes: Number(view.getBigUint64(OFFER.size, true)),
    mode: present & PRESENT_MODE ? view.getUint32(OFFER.mode, true) : undefined,
    modifiedMs: present & PRESENT_MODIFIED ? Number(view.getBigInt64(OFFER.modified, true)) : undefined,
  };
}

/** A whole ACCEPT record: the sender goes on at `offset`, in bytes of the file. */
export function encodeAccept(offset: number): Uint8Array {
  const payload = new Uint8Array(ACCEPT_BYTES);
  viewOf(payload).setBigUint64(0, BigInt(offset), true);
  return record(RecordType.ACCEPT, payload);
}

/** The offset of an ACCEPT. */
export function parseAccept(payload: Uint8Array): number | Fault {
  if (payload.length < ACCEPT_BYTES) return new Fault(`an ACCEPT of ${payload.length} bytes`);
  return Number(viewOf(payload).getBigUint64(0, true));
}

/** A whole REFUSE record. */
export function encodeRefuse(refuse: Refuse): Uint8Array {
  const text = encoder.encode(refuse.text).subarray(0, REFUSE_TEXT_LIMIT);
  const payload = new Uint8Array(REFUSE_FIXED_BYTES + text.length);
  viewOf(payload).setUint16(0, refuse.reason, true);
  payload.set(text, REFUSE_FIXED_BYTES);
  return record(RecordType.REFUSE, payload);
}

/** A REFUSE from its payload. Text that is not UTF-8 is shown with replacement characters. */
export function parseRefuse(payload: Uint8Array): Refuse | Fault {
  if (payload.length < REFUSE_FIXED_BYTES) return new Fault(`a REFUSE of ${payload.length} bytes`);
  return {
    reason: viewOf(payload).getUint16(0, true),
    text: new TextDecoder().decode(payload.subarray(REFUSE_FIXED_BYTES)),
  };
}

/** A record from its type and payload. */
export function record(type: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  bytes.set(encodeHeader(type, payload.length));
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const encoder = new TextEncoder();
const MAGIC = encoder.encode("meshfile");

/** Offsets in the payload of an OFFER. */
const OFFER = { size: 0, modified: 8, mode: 16, present: 20, nameLength: 22 } as const;
const OFFER_FIXED_BYTES = 24;
const PRESENT_MODE = 0x01;
const PRESENT_MODIFIED = 0x02;
const ACCEPT_BYTES = 8;
const REFUSE_FIXED_BYTES = 2;
const REFUSE_TEXT_LIMIT = 500;
