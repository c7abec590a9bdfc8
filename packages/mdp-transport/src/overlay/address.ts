import { SID_BYTES } from "@meshstream/msp";
import { type Fault, fault } from "./fault.ts";

/** The forms that an address takes in overlay packets (docs/wire.md W6). */
export const AddressForm = {
  /** The first 1..31 bytes of a SID. */
  ABBREVIATION: 0,
  /** A whole SID. */
  SID: 1,
  /** A 32-byte Ed25519 key, whose conversion is the SID. */
  SIGNING_KEY: 2,
  /** This end of a point-to-point link: the transmitter. */
  THIS_END: 3,
  /** The other end of a point-to-point link: the receiver. */
  OTHER_END: 4,
  /** The previous address of the same packet. */
  PREVIOUS: 5,
  /** The transmitter of the packet; in a link-state record, its sender. */
  TRANSMITTER: 6,
} as const;
export type AddressForm = (typeof AddressForm)[keyof typeof AddressForm];

/** An address found in a packet: its form, and where its key bytes lie in the buffer that was parsed. */
export interface WireAddress {
  readonly kind: "address";
  readonly form: AddressForm;
  /** Offset of the first key byte. */
  readonly offset: number;
  /** Key bytes: 1..31 for an abbreviation, 32 for a SID or signing key, else 0. */
  readonly length: number;
  /** Offset just past the address. */
  readonly end: number;
}

/** An address to write: its form and its key bytes (none for the forms that have none). */
export interface AddressToWrite {
  readonly form: AddressForm;
  readonly bytes: Uint8Array;
}

/** Read the address at `offset`; it must end at or before `end` (docs/wire.md W6). */
export function parseAddress(bytes: Uint8Array, offset: number, end: number): WireAddress | Fault {
  if (offset >= end) return fault("address-truncated");
  const code = bytes[offset]!;
  const form = formOfCode(code);
  if (form === undefined) return fault("address-form");
  // An empty abbreviation matches every SID, and so names none.
  if (code === 0) return fault("address-empty");
  const length = form === AddressForm.ABBREVIATION ? code : form <= AddressForm.SIGNING_KEY ? SID_BYTES : 0;
  const keyOffset = offset + 1;
  if (keyOffset + length > end) return fault("address-truncated");
  return { kind: "address", form, offset: keyOffset, length, end: keyOffset + length };
}

/** Copy a parsed address out of its buffer, so that it can be written elsewhere. */
export function copyAddress(bytes: Uint8Array, address: WireAddress): AddressToWrite {
  return { form: address.form, bytes: bytes.slice(address.offset, address.offset + address.length) };
}

/** The whole SID `sid` (32 bytes) as an address. */
export function wholeAddress(sid: Uint8Array): AddressToWrite {
  return { form: AddressForm.SID, bytes: sid };
}

/** The first `length` (1..31) bytes of `sid` as an address. */
export function abbreviatedAddress(sid: Uint8Array, length: number): AddressToWrite {
  return { form: AddressForm.ABBREVIATION, bytes: sid.subarray(0, length) };
}

/** "The transmitter of this packet" as an address. */
export const TRANSMITTER_ADDRESS: AddressToWrite = {
  form: AddressForm.TRANSMITTER,
  bytes: new Uint8Array(0),
};

/** "The other end of this link" as an address: in a question, "who are you?". */
export const OTHER_END_ADDRESS: AddressToWrite = { form: AddressForm.OTHER_END, bytes: new Uint8Array(0) };

/** Bytes that {@link encodeAddress} writes: 1..33. */
export function addressBytes(address: AddressToWrite): number {
  return 1 + address.bytes.length;
}

/** Write `address` at `offset`, which must have room for {@link addressBytes}. Returns the offset just past it. */
export function encodeAddress(out: Uint8Array, offset: number, address: AddressToWrite): number {
  out[offset] = address.form === AddressForm.ABBREVIATION ? address.bytes.length : CODES[address.form]!;
  out.set(address.bytes, offset + 1);
  return offset + addressBytes(address);
}

function formOfCode(code: number): AddressForm | undefined {
  if (code < 32) return AddressForm.ABBREVIATION;
  switch (code) {
    case 0x20:
      return AddressForm.SID;
    case 0xfb:
      return AddressForm.SIGNING_KEY;
    case 0xfc:
      return AddressForm.THIS_END;
    case 0xfd:
      return AddressForm.OTHER_END;
    case 0xfe:
      return AddressForm.PREVIOUS;
    case 0xff:
      return AddressForm.TRANSMITTER;
    default:
      return undefined;
  }
}

// The form byte of each form but the abbreviation, whose form byte is its length.
const CODES: readonly number[] = [0, 0x20, 0xfb, 0xfc, 0xfd, 0xfe, 0xff];
