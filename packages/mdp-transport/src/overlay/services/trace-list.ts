import { SID_BYTES, Sid } from "@meshstream/msp";
import { AddressForm, parseAddress } from "../address.ts";
import { isUnusableSid } from "../identity.ts";

/** The payload of a trace (docs/wire.md W9.2). */
export interface TraceList {
  readonly origin: Sid;
  readonly target: Sid;
  /** The nodes passed, the origin first, out and back: 0 to {@link TRACE_NODES}. */
  readonly passed: readonly Sid[];
}

/** How many nodes a list has room for, in a message of 1029 bytes: 14 there, one that turns it round, and 14 back. */
export const TRACE_NODES = 29;

/** The list in [offset, end); undefined for bytes that are none. Never throws. */
export function parseTraceList(bytes: Uint8Array, offset: number, end: number): TraceList | undefined {
  const sids: Sid[] = [];
  for (let at = offset; at < end; ) {
    const address = parseAddress(bytes, at, end);
    if (address.kind === "fault" || sids.length >= 2 + TRACE_NODES) return undefined;
    if (address.form === AddressForm.SID && !isUnusableSid(bytes, address.offset)) {
      sids.push(Sid.fromBytes(bytes.subarray(address.offset, address.end)));
    } else if (address.form === AddressForm.PREVIOUS && sids.length > 0) {
      // Seen from a deployed node that traces itself.
      sids.push(sids[sids.length - 1]!);
    } else {
      return undefined;
    }
    at = address.end;
  }
  const [origin, target, ...passed] = sids;
  return origin && target && { origin, target, passed };
}

/** The bytes of a list, every SID whole; at most 1023. */
export function encodeTraceList({ origin, target, passed }: TraceList): Uint8Array {
  const sids = [origin, target, ...passed];
  const bytes = new Uint8Array(sids.length * ENTRY_BYTES);
  sids.forEach((sid, index) => {
    bytes[index * ENTRY_BYTES] = SID_BYTES;
    bytes.set(sid.bytes, index * ENTRY_BYTES + 1);
  });
  return bytes;
}

const ENTRY_BYTES = 1 + SID_BYTES;
