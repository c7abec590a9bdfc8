import { SID_BYTES, Sid, TokenBucket } from "@meshstream/msp";
import type { Freshness } from "./freshness.ts";
import { isUnusableSid, sidOfSigningKey } from "./identity.ts";
import { Limit } from "./limits.ts";
import type { SealKey } from "./seal.ts";

/** What a node knows of one SID. There is at most one entry for a SID, so entries compare by identity. */
export interface BookEntry {
  /** The one object for this SID that the node hands out. */
  readonly sid: Sid;
  /** Which of the node's own identities this is; -1 if none. */
  readonly ownIndex: number;
  /** A sealed frame of it was opened, or the application named it: not evicted by SIDs that are only heard of. */
  verified: boolean;
  /** Neighbour relations that hold it: not evicted while above 0. */
  holders: number;
  /** When it was last looked up; decides who is evicted. */
  usedAtMs: number;
  /** The key shared with each own identity, by its index, once agreed. */
  readonly keys: (SealKey | undefined)[];
  /** How late its sealed frames are; undefined until one has opened. */
  freshness: Freshness | undefined;
}

/** Why an address names no entry; also the names of counters. */
export type NoEntry = "address-unknown" | "address-ambiguous" | "address-unusable" | "address-limit";

/**
 * Every SID that a node knows, found whole or by abbreviation (docs/wire.md W6). The same SID is the same object as
 * long as its entry lives. Worst-case memory: see {@link Limit}.UNVERIFIED_SIDS and VERIFIED_SIDS.
 */
export class AddressBook {
  readonly #buckets: BookEntry[][] = Array.from({ length: 256 }, () => []);
  readonly #conversions = new TokenBucket(100, 32);
  readonly own: readonly BookEntry[];
  #unverifiedCount = 0;
  #verifiedCount = 0;

  constructor(own: readonly Sid[]) {
    this.own = own.map((sid, index) => this.#insert(sid, index, 0));
  }

  /** Entries, the node's own included. */
  get size(): number {
    return this.own.length + this.#unverifiedCount + this.#verifiedCount;
  }

  /**
   * The entry whose SID begins with the `length` (1..32) bytes at `offset`, or why there is not exactly one. Of several
   * the one of the highest {@link standing} is meant: anyone can invent SIDs that begin like another's, and must not
   * silence that one by it (docs/wire.md W6.2).
   */
  find(bytes: Uint8Array, offset: number, length: number, nowMs: number): BookEntry | NoEntry {
    let found: BookEntry | undefined;
    let isAmbiguous = false;
    for (const entry of this.#buckets[bytes[offset]!]!) {
      if (!startsWith(entry.sid.bytes, bytes, offset, length)) continue;
      const above = found === undefined ? 1 : standing(entry) - standing(found);
      if (above >= 0) isAmbiguous = above === 0;
      if (above > 0) found = entry;
    }
    if (found === undefined) return "address-unknown";
    if (isAmbiguous) return "address-ambiguous";
    found.usedAtMs = nowMs;
    return found;
  }

  /** Every entry that an abbreviation may mean, own ones first, at most `limit`. */
  matches(bytes: Uint8Array, offset: number, length: number, limit: number): BookEntry[] {
    const found = this.#buckets[bytes[offset]!]!.filter((entry) =>
      startsWith(entry.sid.bytes, bytes, offset, length),
    );
    return found.sort((a, b) => Number(b.ownIndex >= 0) - Number(a.ownIndex >= 0)).slice(0, limit);
  }

  /** The entry of the whole SID at `offset`, new if need be. */
  learn(bytes: Uint8Array, offset: number, nowMs: number): BookEntry | NoEntry {
    const known = this.find(bytes, offset, SID_BYTES, nowMs);
    if (known !== "address-unknown") return known;
    if (isUnusableSid(bytes, offset)) return "address-unusable";
    return this.#insert(Sid.fromBytes(bytes.subarray(offset, offset + SID_BYTES)), -1, nowMs);
  }

  /** The same for a signing key; conversions are limited to 100 a second. */
  learnSigningKey(bytes: Uint8Array, offset: number, nowMs: number): BookEntry | NoEntry {
    if (!this.#conversions.take(nowMs)) return "address-limit";
    const sid = sidOfSigningKey(bytes.slice(offset, offset + SID_BYTES));
    return sid === undefined ? "address-unusable" : this.learn(sid, 0, nowMs);
  }

  /** The entry of a SID that the application named; a new one hands out the application's own object. */
  adopt(sid: Sid, nowMs: number): BookEntry | NoEntry {
    for (const entry of this.#buckets[sid.bytes[0]!]!) {
      if (entry.sid !== sid && entry.sid.hex !== sid.hex) continue;
      entry.usedAtMs = nowMs;
      this.verify(entry);
      return entry;
    }
    if (isUnusableSid(sid.bytes, 0)) return "address-unusable";
    const entry = this.#insert(sid, -1, nowMs);
    this.verify(entry);
    return entry;
  }

  /** Note that the SID has proved itself, or was named by the application. */
  verify(entry: BookEntry): void {
    if (entry.verified) return;
    if (this.#verifiedCount >= Limit.VERIFIED_SIDS) this.#evict(true);
    entry.verified = true;
    this.#unverifiedCount--;
    this.#verifiedCount++;
  }

  #insert(sid: Sid, ownIndex: number, nowMs: number): BookEntry {
    const own = ownIndex >= 0;
    if (!own && this.#unverifiedCount >= Limit.UNVERIFIED_SIDS) this.#evict(false);
    const entry = {
      sid,
      ownIndex,
      verified: own,
      holders: 0,
      usedAtMs: nowMs,
      keys: [],
      freshness: undefined,
    };
    this.#buckets[sid.bytes[0]!]!.push(entry);
    if (!own) this.#unverifiedCount++;
    return entry;
  }

  /** Let the least recently used entry go. A walk over all of them: about 20 us, and only when the book is full. */
  #evict(verified: boolean): void {
    let oldest: BookEntry | undefined;
    for (const bucket of this.#buckets) {
      for (const entry of bucket) {
        if (entry.verified !== verified || entry.ownIndex >= 0 || entry.holders > 0) continue;
        if (oldest === undefined || entry.usedAtMs < oldest.usedAtMs) oldest = entry;
      }
    }
    if (oldest === undefined) return;
    const bucket = this.#buckets[oldest.sid.bytes[0]!]!;
    bucket.splice(bucket.indexOf(oldest), 1);
    if (verified) this.#verifiedCount--;
    else this.#unverifiedCount--;
  }
}

/** Our own identities stand highest, then who has proved itself, then who is a neighbour or on a way, then the rest. */
function standing(entry: BookEntry): number {
  if (entry.ownIndex >= 0) return 3;
  if (entry.verified) return 2;
  return entry.holders > 0 ? 1 : 0;
}

function startsWith(sid: Uint8Array, bytes: Uint8Array, offset: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (sid[i] !== bytes[offset + i]) return false;
  return true;
}
