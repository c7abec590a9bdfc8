import { SID_BYTES, Sid, TokenBucket } from "@meshstream/msp";
import type { Freshness } from "./freshness.ts";
import { isUnusableSid, sidOfSigningKey } from "./identity.ts";
import { Limit } from "./limits.ts";
import type { SealKey } from "./seal.ts";

/** What a node knows of one SID. There is at most one entry for a SID, so entries compare by identity. */
export class BookEntry {
  /** The one object for this SID that the node hands out. */
  readonly sid: Sid;
  /** Which of the node's own identities this is; -1 if none. */
  readonly ownIndex: number;
  /** A sealed frame of it was opened, or the application named it: not evicted by SIDs that are only heard of. */
  verified = false;
  /** The key shared with each own identity, by its index, once agreed; wiped when the entry is let go. */
  readonly keys: (SealKey | undefined)[] = [];
  /** How late its sealed frames are; undefined until one has opened. */
  freshness: Freshness | undefined;
  /** It was let go, for want of room, and who still has it has it alone. */
  isForgotten = false;
  #holders = 0;
  readonly #handleHeld: (entry: BookEntry) => void;

  constructor(sid: Sid, ownIndex: number, handleHeld: (entry: BookEntry) => void) {
    this.sid = sid;
    this.ownIndex = ownIndex;
    this.#handleHeld = handleHeld;
  }

  /** Neighbour relations and paths that are about it: not evicted while above 0. */
  get holders(): number {
    return this.#holders;
  }

  /** Keep it in the book until {@link release}. Whoever keeps an entry holds it, or the same SID may get another one. */
  hold(): void {
    this.#holders++;
    if (this.#holders === 1) this.#handleHeld(this);
  }

  release(): void {
    this.#holders--;
    if (this.#holders === 0) this.#handleHeld(this);
  }

  /** Overwrite the shared keys. Whoever still has the entry in hand may agree on one anew. */
  wipeKeys(): void {
    for (const key of this.keys) key?.wipe();
    this.keys.length = 0;
  }
}

/** Why an address names no entry; also the names of counters. */
export type NoEntry = "address-unknown" | "address-ambiguous" | "address-unusable" | "address-limit";

/**
 * Every SID that a node knows, found whole or by abbreviation (docs/wire.md W6). The same SID is the same object as
 * long as its entry lives. Worst-case memory: see {@link Limit}.UNVERIFIED_SIDS and VERIFIED_SIDS for those that nobody
 * holds; of the others there are as many as the limits of their holders allow.
 */
export class AddressBook {
  readonly #buckets: BookEntry[][] = Array.from({ length: 256 }, () => []);
  readonly #conversions = new TokenBucket(100, 32);
  readonly own: readonly BookEntry[];
  /** Those that nobody holds, the least recently used first. */
  readonly #unverified = new Set<BookEntry>();
  readonly #verified = new Set<BookEntry>();

  constructor(own: readonly Sid[]) {
    this.own = own.map((sid, index) => this.#insert(sid, index));
    for (const entry of this.own) entry.verified = true;
  }

  /** Entries, the node's own included. */
  get size(): number {
    return this.#buckets.reduce((sum, { length }) => sum + length, 0);
  }

  /**
   * The entry whose SID begins with the `length` (1..32) bytes at `offset`, or why there is not exactly one. Of several
   * the one of the highest {@link standing} is meant: anyone can invent SIDs that begin like another's, and must not
   * silence that one by it (docs/wire.md W6.2).
   */
  find(bytes: Uint8Array, offset: number, length: number): BookEntry | NoEntry {
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
    this.#use(found);
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
  learn(bytes: Uint8Array, offset: number): BookEntry | NoEntry {
    const known = this.find(bytes, offset, SID_BYTES);
    if (known !== "address-unknown") return known;
    if (isUnusableSid(bytes, offset)) return "address-unusable";
    if (!this.#hasRoomFor(bytes[offset]!)) return "address-limit";
    return this.#insert(Sid.fromBytes(bytes.subarray(offset, offset + SID_BYTES)), -1);
  }

  /** The same for a signing key; conversions are limited to 100 a second. */
  learnSigningKey(bytes: Uint8Array, offset: number, nowMs: number): BookEntry | NoEntry {
    if (!this.#conversions.take(nowMs)) return "address-limit";
    const sid = sidOfSigningKey(bytes.slice(offset, offset + SID_BYTES));
    return sid === undefined ? "address-unusable" : this.learn(sid, 0);
  }

  /** The entry of a SID that the application named; a new one hands out the application's own object. */
  adopt(sid: Sid): BookEntry | NoEntry {
    const bucket = this.#buckets[sid.bytes[0]!]!;
    let entry = bucket.find((known) => known.sid === sid || known.sid.hex === sid.hex);
    if (entry === undefined) {
      if (isUnusableSid(sid.bytes, 0)) return "address-unusable";
      if (!this.#hasRoomFor(sid.bytes[0]!)) return "address-limit";
      entry = this.#insert(sid, -1);
    }
    this.verify(entry);
    this.#use(entry);
    return entry;
  }

  /** Note that the SID has proved itself, or was named by the application. */
  verify(entry: BookEntry): void {
    if (entry.verified) return;
    entry.verified = true;
    this.#unverified.delete(entry);
    this.#sort(entry);
  }

  /** Overwrite every shared key: the node is closed. */
  wipeKeys(): void {
    for (const bucket of this.#buckets) for (const entry of bucket) entry.wipeKeys();
  }

  #insert(sid: Sid, ownIndex: number): BookEntry {
    const entry = new BookEntry(sid, ownIndex, (held) => this.#sort(held));
    this.#buckets[sid.bytes[0]!]!.push(entry);
    this.#sort(entry);
    return entry;
  }

  /** Put an entry among those that may go, as the last of them, or take it away. */
  #sort(entry: BookEntry): void {
    if (entry.ownIndex >= 0 || entry.isForgotten) return;
    const idle = entry.verified ? this.#verified : this.#unverified;
    if (entry.holders > 0) {
      idle.delete(entry);
      return;
    }
    const limit = entry.verified ? Limit.VERIFIED_SIDS : Limit.UNVERIFIED_SIDS;
    if (idle.size >= limit) {
      for (const oldest of idle) {
        this.#remove(oldest);
        break;
      }
    }
    idle.add(entry);
  }

  #use(entry: BookEntry): void {
    if (entry.holders > 0) return; // nearly always where there is much to do
    const idle = entry.verified ? this.#verified : this.#unverified;
    if (idle.delete(entry)) idle.add(entry);
  }

  /** Whoever makes up SIDs that begin alike must not make every search a long one. */
  #hasRoomFor(firstByte: number): boolean {
    const bucket = this.#buckets[firstByte]!;
    if (bucket.length < Limit.SIDS_ALIKE) return true;
    const oldest = bucket.find((entry) => this.#unverified.has(entry));
    if (oldest !== undefined) this.#remove(oldest);
    return oldest !== undefined;
  }

  #remove(entry: BookEntry): void {
    entry.isForgotten = true;
    entry.wipeKeys();
    const bucket = this.#buckets[entry.sid.bytes[0]!]!;
    bucket.splice(bucket.indexOf(entry), 1);
    this.#unverified.delete(entry);
    this.#verified.delete(entry);
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
