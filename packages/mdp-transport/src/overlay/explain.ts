import {
  AddressForm,
  type AddressToWrite,
  encodeAddress,
  parseAddress,
  type WireAddress,
} from "./address.ts";
import { type Fault, fault } from "./fault.ts";

/**
 * Read the next address of an explain frame's payload (docs/wire.md W6). Call with `offset` = the previous address's
 * `end` until it equals `end`. An abbreviation asks, a SID or signing key tells, "the other end" asks who the receiver
 * is; the forms that lean on a packet's context have no meaning here.
 */
export function parseExplained(bytes: Uint8Array, offset: number, end: number): WireAddress | Fault {
  const address = parseAddress(bytes, offset, end);
  if (address.kind === "fault") return address;
  return CONTEXTUAL.has(address.form) ? fault("address-form") : address;
}

/** Write an explain payload. Every address must have key bytes (docs/wire.md W6.1). */
export function encodeExplain(out: Uint8Array, offset: number, addresses: readonly AddressToWrite[]): number {
  let at = offset;
  for (const address of addresses) at = encodeAddress(out, at, address);
  return at;
}

const CONTEXTUAL: ReadonlySet<AddressForm> = new Set([
  AddressForm.THIS_END,
  AddressForm.PREVIOUS,
  AddressForm.TRANSMITTER,
]);
