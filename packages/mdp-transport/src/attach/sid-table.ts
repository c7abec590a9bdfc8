import { Sid } from "@meshstream/msp";

/** Makes the SIDs that arrive as bytes into objects, the same one for the same SID while it is among the last `limit` used. */
export class SidTable {
  private readonly limit: number;
  private readonly sids = new Map<string, Sid>();
  private last: Sid | undefined;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** The SID of these 32 bytes, which are copied if it is new. */
  intern(bytes: Uint8Array): Sid {
    // Nearly always the same peer as just now: spares the key.
    if (this.last !== undefined && equalBytes(this.last.bytes, bytes)) return this.last;
    const key = String.fromCharCode(...bytes);
    const sid = this.sids.get(key) ?? Sid.fromBytes(bytes);
    this.sids.delete(key);
    this.sids.set(key, sid);
    if (this.sids.size > this.limit) {
      const [oldest] = this.sids.keys();
      if (oldest !== undefined) this.sids.delete(oldest);
    }
    this.last = sid;
    return sid;
  }
}

/** For what is public: it stops at the first difference. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
