import { SID_BYTES, Sid } from "@meshstream/msp";

/** A node that a daemon knows, as it told us (docs/wire.md W10.8). */
export interface DaemonRoute {
  readonly sid: Sid;
  /** "self": an identity of the daemon's own; "neighbour": heard directly; "relayed": through others; "unknown": it says no more. */
  readonly kind: "self" | "neighbour" | "relayed" | "unknown";
  /** Links to the node: 0 for the daemon's own, 1 for a neighbour. */
  readonly hops?: number;
  /** For a relayed one: the neighbour that packets go to first. */
  readonly nextHop?: Sid;
  /** For a neighbour: the daemon's network interface. */
  readonly interfaceName?: string;
}

/** An answer to the question for routes; undefined for what is none. Never throws (docs/wire.md W10.8). */
export function parseRoute(payload: Uint8Array): DaemonRoute | undefined {
  if (payload.length < SID_BYTES) return undefined;
  const sid = Sid.fromBytes(payload.subarray(0, SID_BYTES));
  const rest = payload.subarray(payload[SID_BYTES] === WITH_KEY ? WITH_KEY_BYTES : SID_BYTES + 1);
  const [flags, hops] = rest;
  if (flags === undefined) return { sid, kind: "unknown" };
  if ((flags & RouteFlag.SELF) !== 0) return { sid, kind: "self", hops: 0 };
  if (hops === undefined) return { sid, kind: "unknown" };
  const after = rest.subarray(2);
  if ((flags & RouteFlag.RELAYED) !== 0) {
    if (after.length < SID_BYTES) return { sid, kind: "relayed", hops };
    return { sid, kind: "relayed", hops, nextHop: Sid.fromBytes(after.subarray(0, SID_BYTES)) };
  }
  if ((flags & (RouteFlag.BROADCAST | RouteFlag.UNICAST)) === 0) return { sid, kind: "unknown" };
  // Two bytes about the interface, then its name, ended by a zero.
  const name = after.subarray(2, after.indexOf(0, 2));
  return { sid, kind: "neighbour", hops, interfaceName: new TextDecoder().decode(name) };
}

const RouteFlag = { SELF: 0x01, BROADCAST: 0x02, UNICAST: 0x04, RELAYED: 0x08 } as const;

/** The byte after the SID says so if a signing key follows. */
const WITH_KEY = 3;
const WITH_KEY_BYTES = SID_BYTES + 1 + 32;
