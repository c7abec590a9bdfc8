import type { Sid } from "@meshstream/msp";
import type { BookEntry } from "./address-book.ts";
import { DEFAULT_TTL } from "./frame.ts";
import type { Neighbour, NeighbourNode, NeighbourTable } from "./neighbours.ts";
import type { Announced, Topology } from "./topology.ts";

/** How a node reaches one SID. Plain data but for the SIDs. */
export interface RouteInfo {
  readonly sid: Sid;
  /** Links to it: 1 for a neighbour in use, at most 31. */
  readonly hops: number;
  /** The neighbour that it is reached through: itself, if that is a neighbour in use. */
  readonly nextHop: Sid;
  /** The last node before it: our own primary identity before a neighbour in use. */
  readonly lastHop: Sid;
  /** Index of the link to the next hop. */
  readonly viaLink: number;
  /** Sum over the links on the way, each 0..15: packets missing out of 15; up to 3 count as 0. 32 for a very bad one. */
  readonly dropRate: number;
  /** Since the next hop last said that it hears us, or that it has this path. */
  readonly heardAgoMs: number;
}

/** How an SID is reached. */
export interface Route {
  readonly entry: BookEntry;
  readonly via: NeighbourNode;
  readonly hops: number;
  /** Summed over the way. */
  readonly dropRate: number;
  /** What `via` announced; undefined for `via` itself. */
  readonly announced: Announced | undefined;
}

/**
 * The route table: for every SID the neighbour to send through, over all that the neighbours announce (docs/wire.md W8).
 * The lowest sum of drop rates wins, then fewer hops, then the next hop with the lowest SID.
 *
 * No frame goes in a circle, but for the moment that news needs: each neighbour announces its whole tree, so a path that
 * leads through this node is seen and not taken; and the way to a SID goes through the neighbour through which its
 * last hop is reached, or not at all. So what this node announces is the way that its frames go; and of a link that is
 * gone, its transmitter's word is the last, or two nodes could go on for ever to tell each other of it.
 *
 * Computed again, not more often than every 20 ms for what neighbours announce, when somebody asks: 0.3 ms for 1000
 * SIDs that one neighbour announces.
 */
export class Paths {
  readonly #own: BookEntry;
  readonly #neighbours: NeighbourTable;
  readonly #topology: Topology;
  #routes = new Map<BookEntry, Route>();
  #isStale = true;

  constructor(own: BookEntry, neighbours: NeighbourTable, topology: Topology) {
    this.#own = own;
    this.#neighbours = neighbours;
    this.#topology = topology;
  }

  /** Compute again before the next answer. */
  invalidate(): void {
    this.#isStale = true;
  }

  /** The relation over which `entry` is reached. */
  to(entry: BookEntry): Neighbour | undefined {
    return this.route(entry)?.via.reachable;
  }

  /** The route to `entry`; undefined if there is none, and for our own identities. */
  route(entry: BookEntry): Route | undefined {
    return this.all().get(entry);
  }

  /** The route to every SID that is reached. Valid until the next {@link invalidate}. */
  all(): ReadonlyMap<BookEntry, Route> {
    if (this.#isStale) {
      this.#isStale = false;
      this.#routes = this.#compute();
    }
    return this.#routes;
  }

  /** Whether `node` says that it reaches anybody through this node (docs/wire.md W8.7). */
  leadsThroughUs(node: NeighbourNode): boolean {
    for (const { transmitter } of this.#topology.tree(node).values()) {
      if (transmitter.ownIndex >= 0) return true;
    }
    return false;
  }

  info(route: Route, nowMs: number): RouteInfo {
    const { entry, via, hops, dropRate, announced } = route;
    const relation = via.reachable;
    const heardAtMs = announced?.atMs ?? relation?.hearsUsAtMs ?? nowMs;
    return {
      sid: entry.sid,
      hops,
      nextHop: via.entry.sid,
      lastHop: (announced?.transmitter ?? this.#own).sid,
      viaLink: relation?.link.index ?? -1,
      dropRate,
      heardAgoMs: nowMs - heardAtMs,
    };
  }

  #compute(): Map<BookEntry, Route> {
    const candidates: Route[] = [];
    for (const via of this.#neighbours.nodes()) {
      const relation = via.reachable;
      if (relation === undefined) continue;
      const dropRate = relation.rate.counted;
      candidates.push({ entry: via.entry, via, hops: 1, dropRate, announced: undefined });
      const tree = this.#topology.tree(via);
      const ways = new Map<BookEntry, Way | undefined>([[via.entry, { hops: 1, dropRate }]]);
      for (const [entry, announced] of tree) {
        const way = wayTo(entry, tree, ways);
        if (way !== undefined) candidates.push({ entry, via, announced, ...way });
      }
    }
    candidates.sort(compareRoutes);
    const routes = new Map<BookEntry, Route>();
    for (const route of candidates) {
      if (routes.has(route.entry)) continue;
      const { announced, via } = route;
      if (announced !== undefined && routes.get(announced.transmitter)?.via !== via) continue;
      routes.set(route.entry, route);
    }
    return routes;
  }
}

interface Way {
  readonly hops: number;
  readonly dropRate: number;
}

/**
 * The way to `entry` in a neighbour's tree, from this node on. Undefined if it leads through this node, in a circle,
 * or along links that were not announced, or if it is too long for a frame. `ways` keeps what is found.
 */
function wayTo(
  entry: BookEntry,
  tree: ReadonlyMap<BookEntry, Announced>,
  ways: Map<BookEntry, Way | undefined>,
): Way | undefined {
  const chain: Announced[] = [];
  const passed: BookEntry[] = [];
  let at = entry;
  while (!ways.has(at)) {
    // Our own identities are in no tree: a way through this node ends here.
    const announced = tree.get(at);
    // Until the chain is walked there is no way to what lies on it: a circle ends here.
    ways.set(at, undefined);
    if (announced === undefined) return undefined;
    chain.push(announced);
    passed.push(at);
    at = announced.transmitter;
  }
  let way = ways.get(at);
  for (let i = chain.length - 1; i >= 0 && way !== undefined; i--) {
    way = { hops: way.hops + 1, dropRate: way.dropRate + chain[i]!.dropRate };
    if (way.hops > DEFAULT_TTL) return undefined;
    ways.set(passed[i]!, way);
  }
  return way;
}

function compareRoutes(a: Route, b: Route): number {
  if (a.dropRate !== b.dropRate) return a.dropRate - b.dropRate;
  if (a.hops !== b.hops) return a.hops - b.hops;
  if (a.via === b.via) return 0;
  return a.via.entry.sid.hex < b.via.entry.sid.hex ? -1 : 1;
}
