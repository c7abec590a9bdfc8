import { TokenBucket } from "@meshstream/msp";
import type { BookEntry } from "./address-book.ts";
import type { Identity } from "./identity.ts";
import type { SealKey, SealProvider } from "./seal.ts";

/**
 * The keys that the node's identities share with peers. Each is agreed once and lives in the peer's entry of the
 * address book, so the book's limits bound them, and a SID that was only heard of never displaces the key of a verified
 * one. Failures are not kept.
 */
export class SharedKeys {
  readonly #identities: readonly Identity[];
  readonly #provider: SealProvider;
  /** An agreement takes 0.2 ms and anyone can invent SIDs. */
  readonly #strangers = new TokenBucket(100, 32);

  constructor(identities: readonly Identity[], provider: SealProvider) {
    this.#identities = identities;
    this.#provider = provider;
  }

  /** The key of identity `ownIndex` and `peer`; a string says why there is none. */
  key(ownIndex: number, peer: BookEntry, nowMs: number): SealKey | "agreement-limit" | "low-order" {
    const known = peer.keys[ownIndex];
    if (known !== undefined) return known;
    if (!peer.verified && !this.#strangers.take(nowMs)) return "agreement-limit";
    const agreed = this.#provider.agree(this.#identities[ownIndex]!.boxSecret, peer.sid.bytes);
    if (agreed === undefined) return "low-order";
    peer.keys[ownIndex] = agreed;
    return agreed;
  }
}
