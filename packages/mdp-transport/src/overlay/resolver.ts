import { AddressForm, type WireAddress } from "./address.ts";
import type { AddressBook, BookEntry, NoEntry } from "./address-book.ts";

/** Why an address names nobody; also the names of counters. */
export type Unresolved = NoEntry | "address-no-previous" | "address-point-to-point";

/**
 * Turns the addresses of one packet into entries of the book, in the order in which they lie there: "the previous
 * address" runs on from frame to frame (docs/wire.md W6). Whole SIDs are learned on the way.
 */
export class AddressResolver {
  readonly #book: AddressBook;
  #transmitter: BookEntry | undefined;
  #isPointToPoint = false;
  #previous: BookEntry | Unresolved = "address-no-previous";

  constructor(book: AddressBook) {
    this.#book = book;
  }

  /**
   * Begin a packet, or the payload of a link-state frame, of `transmitter` (undefined: not known yet). Where the link
   * has only two ends, "this end" is that node, and "the other end" this one.
   */
  begin(transmitter: BookEntry | undefined, isPointToPoint = false): void {
    this.#transmitter = transmitter;
    this.#isPointToPoint = isPointToPoint;
    this.#previous = "address-no-previous";
  }

  /** Whom `address`, parsed from `bytes`, means; a string says why nobody. */
  resolve(bytes: Uint8Array, address: WireAddress, nowMs: number): BookEntry | Unresolved {
    const resolved = this.#resolve(bytes, address, nowMs);
    this.#previous = resolved;
    return resolved;
  }

  #resolve(bytes: Uint8Array, address: WireAddress, nowMs: number): BookEntry | Unresolved {
    switch (address.form) {
      case AddressForm.ABBREVIATION:
        return this.#book.find(bytes, address.offset, address.length);
      case AddressForm.SID:
        return this.#book.learn(bytes, address.offset);
      case AddressForm.SIGNING_KEY:
        return this.#book.learnSigningKey(bytes, address.offset, nowMs);
      case AddressForm.PREVIOUS:
        return this.#previous;
      case AddressForm.TRANSMITTER:
        return this.#transmitter ?? "address-unknown";
      case AddressForm.THIS_END:
        return this.#isPointToPoint ? (this.#transmitter ?? "address-unknown") : "address-point-to-point";
      case AddressForm.OTHER_END:
        return this.#isPointToPoint ? this.#book.own[0]! : "address-point-to-point";
    }
  }
}
