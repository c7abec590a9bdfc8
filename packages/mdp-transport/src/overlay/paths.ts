import type { BookEntry } from "./address-book.ts";
import { Limit } from "./limits.ts";
import type { Neighbour, NeighbourNode, NeighbourTable } from "./neighbours.ts";
import { Timing } from "./timing.ts";

/**
 * Which neighbour to send through. A neighbour in earshot is reached directly; any other SID through the neighbour
 * that announced itself as the last hop to it: its further identities (docs/wire.md W8). Paths over several
 * hops are not computed, and no node relays, yet.
 */
export class Paths {
  readonly #neighbours: NeighbourTable;
  readonly #announced = new Map<BookEntry, Announced>();

  constructor(neighbours: NeighbourTable) {
    this.#neighbours = neighbours;
  }

  /** The relation over which `entry` is reached at `nowMs`. */
  to(entry: BookEntry, nowMs: number): Neighbour | undefined {
    const direct = this.#neighbours.nodeOf(entry)?.reachable;
    if (direct !== undefined) return direct;
    const announced = this.#announced.get(entry);
    if (announced === undefined || nowMs - announced.atMs >= Timing.PATH_GONE) return undefined;
    return announced.by.reachable;
  }

  /** Take in that `by` is the last hop to `entry`. Returns false if there is no room. */
  announce(entry: BookEntry, by: NeighbourNode, nowMs: number): boolean {
    const known = this.#announced.get(entry);
    if (known !== undefined && known.by !== by && this.#isLive(known, nowMs)) return true;
    if (known === undefined && this.#announced.size >= Limit.ANNOUNCED) {
      for (const [key, path] of this.#announced) if (!this.#isLive(path, nowMs)) this.#forget(key);
      if (this.#announced.size >= Limit.ANNOUNCED) return false;
    }
    if (known === undefined) entry.holders++;
    this.#announced.set(entry, { by, atMs: nowMs });
    return true;
  }

  /** Take in that `by` has no path to `entry` any more. */
  withdraw(entry: BookEntry, by: NeighbourNode): void {
    if (this.#announced.get(entry)?.by === by) this.#forget(entry);
  }

  #isLive(path: Announced, nowMs: number): boolean {
    return nowMs - path.atMs < Timing.PATH_GONE && path.by.reachable !== undefined;
  }

  #forget(entry: BookEntry): void {
    this.#announced.delete(entry);
    entry.holders--;
  }
}

interface Announced {
  readonly by: NeighbourNode;
  readonly atMs: number;
}
