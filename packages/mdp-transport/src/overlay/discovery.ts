import { type LinkAddress, MspError } from "@meshstream/msp";
import type { Link } from "./link.ts";
import type { NeighbourTable } from "./neighbours.ts";
import type { Outgoing } from "./outgoing.ts";
import { Timing } from "./timing.ts";

/**
 * Makes a node known (docs/wire.md W7): ticks to the broadcast addresses of its links, quickly at first, then every 5 s;
 * and to each configured peer, quickly at first, then every 500 ms until it answers. From then on the
 * records of link-state.ts keep the relation.
 */
export class Discovery {
  readonly #outgoing: Outgoing;
  readonly #neighbours: NeighbourTable;
  readonly #seekers: Seeker[] = [];

  constructor(outgoing: Outgoing, neighbours: NeighbourTable) {
    this.#outgoing = outgoing;
    this.#neighbours = neighbours;
  }

  /** Announce the node on a link, from `nowMs` on. */
  addLink(link: Link, nowMs: number): void {
    for (const address of link.broadcast) {
      this.#seekers.push({
        link,
        address,
        unicast: false,
        dueMs: nowMs,
        intervalMs: Timing.FIRST_BROADCAST_TICK,
        longestMs: Timing.BROADCAST_TICK,
      });
    }
  }

  /** Seek a node at an address, from `nowMs` on. Does nothing if it is sought already. */
  addPeer(link: Link, address: LinkAddress, nowMs: number): void {
    if (address === "") throw new MspError("address", "a peer's address is empty");
    if (!link.addPeer(address)) return;
    this.#seekers.push({
      link,
      address,
      unicast: true,
      dueMs: nowMs,
      intervalMs: Timing.FIRST_RETRY,
      longestMs: Timing.TICK,
    });
  }

  /** Send what is due. Returns when to call again. */
  run(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const seeker of this.#seekers) {
      if (seeker.dueMs <= nowMs) {
        if (!seeker.unicast || !this.#isHeard(seeker)) {
          this.#outgoing.tick(seeker.link, seeker.address, seeker.unicast);
        }
        seeker.dueMs = nowMs + seeker.intervalMs;
        seeker.intervalMs = Math.min(2 * seeker.intervalMs, seeker.longestMs);
      }
      nextMs = Math.min(nextMs, seeker.dueMs);
    }
    return nextMs;
  }

  #isHeard(seeker: Seeker): boolean {
    for (const node of this.#neighbours.nodes()) {
      for (const relation of node.relations) {
        if (relation.link === seeker.link && relation.address === seeker.address) return true;
      }
    }
    return false;
  }
}

interface Seeker {
  readonly link: Link;
  readonly address: LinkAddress;
  readonly unicast: boolean;
  /** When to send the next tick. */
  dueMs: number;
  /** From that tick to the one after it. */
  intervalMs: number;
  readonly longestMs: number;
}
