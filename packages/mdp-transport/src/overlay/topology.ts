import { type AddressToWrite, wholeAddress } from "./address.ts";
import type { BookEntry } from "./address-book.ts";
import { Limit } from "./limits.ts";
import type { NeighbourNode } from "./neighbours.ts";
import { shortAddress } from "./outgoing.ts";
import { Timing } from "./timing.ts";

/** What a neighbour says of its way to one SID: the last link on it (docs/wire.md W8.4). */
export interface Announced {
  /** The last hop there. */
  readonly transmitter: BookEntry;
  /** 0..255, given by the transmitter and handed on unchanged. */
  readonly version: number;
  /** Of that last link, 0..255. */
  readonly dropRate: number;
  /** When the neighbour said so last. */
  readonly atMs: number;
}

/** What became of a path record. */
export type Noted = "changed" | "unchanged" | "old" | "full";

/**
 * The tree of each neighbour: for every SID that it reaches, the last hop there (docs/wire.md W8.4). What is not said
 * again for {@link Timing}.PATH_GONE is forgotten. Worst-case memory: {@link Limit}.ANNOUNCED records.
 */
export class Topology {
  readonly #trees = new Map<NeighbourNode, Map<BookEntry, Announced>>();
  #count = 0;
  #expiryMs = Number.POSITIVE_INFINITY;

  /** The last hop to every SID that `node` reaches. */
  tree(node: NeighbourNode): ReadonlyMap<BookEntry, Announced> {
    return this.#trees.get(node) ?? NO_TREE;
  }

  /** How to name a SID to `node`: short if it is that node, or one that it speaks of itself; else whole: nobody need ask. */
  addressFor(node: NeighbourNode, entry: BookEntry): AddressToWrite {
    const isKnown = entry === node.entry || this.tree(node).has(entry);
    return isKnown ? shortAddress(entry.sid.bytes) : wholeAddress(entry.sid.bytes);
  }

  /** Take in that `by` reaches `receiver`, the last hop being `transmitter`. */
  announce(
    by: NeighbourNode,
    receiver: BookEntry,
    transmitter: BookEntry,
    version: number,
    dropRate: number,
    nowMs: number,
  ): Noted {
    const tree = this.#trees.get(by) ?? new Map<BookEntry, Announced>();
    const known = tree.get(receiver);
    if (known === undefined) {
      if (this.#count >= Limit.ANNOUNCED || tree.size >= Limit.ANNOUNCED_BY_NEIGHBOUR) return "full";
      this.#count++;
      receiver.hold();
    } else {
      if (known.transmitter === transmitter && isLate(known, version, nowMs)) return "old";
    }
    transmitter.hold();
    known?.transmitter.release();
    tree.set(receiver, { transmitter, version, dropRate, atMs: nowMs });
    this.#trees.set(by, tree);
    this.#expiryMs = Math.min(this.#expiryMs, nowMs + Timing.PATH_GONE);
    const same =
      known?.transmitter === transmitter && known.dropRate === dropRate && known.version === version;
    return same ? "unchanged" : "changed";
  }

  /** Take in that `by` has no path to `receiver`. Returns whether it had one. */
  withdraw(by: NeighbourNode, receiver: BookEntry): boolean {
    const tree = this.#trees.get(by);
    const known = tree?.get(receiver);
    if (tree === undefined || known === undefined) return false;
    this.#drop(by, tree, receiver, known);
    return true;
  }

  /** Forget all that `by` said: it began anew, or is gone. */
  forget(by: NeighbourNode): void {
    const tree = this.#trees.get(by);
    if (tree === undefined) return;
    for (const [receiver, known] of tree) this.#drop(by, tree, receiver, known);
  }

  /** Forget what is out of date, and what those said that are no neighbours any more. Returns whether there was any. */
  expire(nowMs: number): boolean {
    if (nowMs < this.#expiryMs) return false;
    const before = this.#count;
    this.#expiryMs = Number.POSITIVE_INFINITY;
    for (const [by, tree] of this.#trees) {
      if (by.relations.length === 0) {
        this.forget(by);
        continue;
      }
      for (const [receiver, known] of tree) {
        const goneMs = known.atMs + Timing.PATH_GONE;
        if (goneMs <= nowMs) this.#drop(by, tree, receiver, known);
        else this.#expiryMs = Math.min(this.#expiryMs, goneMs);
      }
    }
    return this.#count !== before;
  }

  /** When {@link expire} has something to do, at the earliest. */
  get expiryMs(): number {
    return this.#expiryMs;
  }

  #drop(by: NeighbourNode, tree: Map<BookEntry, Announced>, receiver: BookEntry, known: Announced): void {
    tree.delete(receiver);
    if (tree.size === 0) this.#trees.delete(by);
    this.#count--;
    receiver.release();
    known.transmitter.release();
  }
}

/**
 * Whether a version is behind the one that was said a moment ago: a packet that was overtaken. One that is behind
 * after a while is of a transmitter that began anew.
 */
function isLate(known: Announced, version: number, nowMs: number): boolean {
  const behind = (known.version - version) & 0xff;
  return behind > 0 && behind < 128 && nowMs - known.atMs < Timing.PATH_OVERTAKEN;
}

const NO_TREE: ReadonlyMap<BookEntry, Announced> = new Map();
