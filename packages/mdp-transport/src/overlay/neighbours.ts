import { type LinkAddress, TokenBucket } from "@meshstream/msp";
import type { BookEntry } from "./address-book.ts";
import type { Counters } from "./counters.ts";
import { Limit } from "./limits.ts";
import type { Link } from "./link.ts";
import { Timing } from "./timing.ts";
import { PacketWindow } from "./windows.ts";

/** A node in earshot, on one or more links. */
export class NeighbourNode {
  readonly entry: BookEntry;
  /** One for each link and address that it is heard from, the oldest first. */
  readonly relations: Neighbour[] = [];
  #frameSequence: number;
  /** Version of the path to it that this node announces, 0..255. */
  pathVersion = 1;
  /** Drop rate of that path as announced last; undefined while none is. */
  announcedDropRate: number | undefined;

  constructor(entry: BookEntry, frameSequence: number) {
    this.entry = entry;
    this.#frameSequence = frameSequence;
  }

  /**
   * The relation to send on: of those that are reachable the one on which the node proved itself last, so that one that
   * comes back at another address is found there at once, and none that only claims to be it takes its place.
   */
  get reachable(): Neighbour | undefined {
    let best: Neighbour | undefined;
    for (const relation of this.relations) {
      if (relation.reachable && (best === undefined || relation.provenAtMs > best.provenAtMs))
        best = relation;
    }
    return best;
  }

  /**
   * The sequence number of the next frame to it, 0..255. Counted for each neighbour: with one count for all, what is
   * sent to others would bring the number back among those that this one takes for copies (docs/wire.md W11).
   */
  nextFrameSequence(): number {
    this.#frameSequence = (this.#frameSequence + 1) & 0xff;
    return this.#frameSequence;
  }

  /** Leave the window of numbers that it may take for copies: it knows us from an earlier life (docs/wire.md W4). */
  skipFrameSequence(): void {
    this.#frameSequence = (this.#frameSequence + 128) & 0xff;
  }
}

/** How a node and one neighbour hear each other over one link and address (docs/wire.md W7, W8). */
export class Neighbour {
  readonly node: NeighbourNode;
  readonly link: Link;
  readonly address: LinkAddress;
  /** Its own number of the interface that its packets come from. */
  theirInterface = 0;
  heardAtMs: number;
  /** When its last record came that says that it hears us. */
  hearsUsAtMs = Number.NEGATIVE_INFINITY;
  /** It hears us, and said so less than {@link Timing}.LINK_GONE ago. */
  reachable = false;
  /** When a sealed frame of its own came this way and opened. */
  provenAtMs = Number.NEGATIVE_INFINITY;
  /** It is known to know our SID, so that an abbreviation will do. */
  knowsUs = false;
  readonly received = new PacketWindow();
  /** Number of the last packet sent, 0..255; -1 while packets to it go unnumbered. */
  packetSequence = -1;
  /** Packets numbered so far. */
  numberedCount = 0;
  /** Of the last 15 numbered packets, how many it missed. */
  missedOf15 = 0;
  recordDueMs = Number.POSITIVE_INFINITY;
  recordSentAtMs = Number.NEGATIVE_INFINITY;
  retryMs: number = Timing.FIRST_RETRY;
  retryCount = 0;
  /** Frames with ACK_SOON since the last record; undefined before the first ever. */
  ackSoonCount: number | undefined;
  /** Bytes that may still be sent while it has never said that it hears us; see {@link spend}. */
  #creditBytes = 0;
  readonly explains = new TokenBucket(2, 2);

  constructor(node: NeighbourNode, link: Link, address: LinkAddress, nowMs: number) {
    this.node = node;
    this.link = link;
    this.address = address;
    this.heardAtMs = nowMs;
  }

  earn(bytes: number): void {
    this.#creditBytes += 3 * bytes;
  }

  /**
   * Whether `bytes` may be sent. A tick with a false source address must not turn the node into an amplifier: before a
   * neighbour has said that it hears us it gets at most three times the bytes that came from there (docs/wire.md W11).
   */
  spend(bytes: number): boolean {
    if (this.hearsUsAtMs > Number.NEGATIVE_INFINITY || this.link.isPeer(this.address)) return true;
    if (this.#creditBytes < bytes) return false;
    this.#creditBytes -= bytes;
    return true;
  }

  /** The number of the next packet to it, or -1 if it goes unnumbered (docs/wire.md W4). */
  nextPacketSequence(): number {
    if (this.packetSequence < 0) return -1;
    this.packetSequence = (this.packetSequence + 1) & 0xff;
    this.numberedCount++;
    return this.packetSequence;
  }
}

/** All neighbour relations of a node. Worst-case memory: {@link Limit}.NEIGHBOURS relations. */
export class NeighbourTable {
  readonly #nodes = new Map<BookEntry, NeighbourNode>();
  readonly #counters: Counters;
  readonly #randomByte: () => number;
  #count = 0;

  constructor(counters: Counters, randomByte: () => number) {
    this.#counters = counters;
    this.#randomByte = randomByte;
  }

  nodeOf(entry: BookEntry): NeighbourNode | undefined {
    return this.#nodes.get(entry);
  }

  nodes(): IterableIterator<NeighbourNode> {
    return this.#nodes.values();
  }

  /** The relation that a packet belongs to, new if need be; undefined if there is no room. */
  heard(entry: BookEntry, link: Link, address: LinkAddress, nowMs: number): Neighbour | undefined {
    let node = this.#nodes.get(entry);
    if (node !== undefined) {
      for (const relation of node.relations) {
        if (relation.link !== link || relation.address !== address) continue;
        relation.heardAtMs = nowMs;
        return relation;
      }
    }
    if (this.#count >= Limit.NEIGHBOURS && !this.#evictUnproven()) return undefined;
    node = this.#nodes.get(entry);
    if (node === undefined) {
      node = new NeighbourNode(entry, this.#randomByte());
      this.#nodes.set(entry, node);
      entry.holders++;
    }
    const relation = new Neighbour(node, link, address, nowMs);
    node.relations.push(relation);
    this.#count++;
    return relation;
  }

  /**
   * Let go of what was not heard of for {@link Timing}.LINK_GONE. `lapsed` gets every relation that was reachable.
   * Returns when to call again.
   */
  expire(nowMs: number, lapsed: (relation: Neighbour) => void): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const node of [...this.#nodes.values()]) {
      for (const relation of [...node.relations]) {
        // The same sum decides here and wakes later: a difference might round to a moment that never comes.
        if (relation.reachable && relation.hearsUsAtMs + Timing.LINK_GONE <= nowMs) {
          relation.reachable = false;
          relation.knowsUs = false;
          relation.packetSequence = -1;
          relation.retryMs = Timing.FIRST_RETRY;
          this.#counters["neighbours-lost"]++;
          lapsed(relation);
        }
        const goneMs = (relation.reachable ? relation.hearsUsAtMs : relation.heardAtMs) + Timing.LINK_GONE;
        if (goneMs <= nowMs) this.#remove(relation);
        else nextMs = Math.min(nextMs, goneMs);
      }
    }
    return nextMs;
  }

  /** Make room: the unreachable relation that was heard longest ago goes. */
  #evictUnproven(): boolean {
    let stalest: Neighbour | undefined;
    for (const node of this.#nodes.values()) {
      for (const relation of node.relations) {
        if (relation.reachable) continue;
        if (stalest === undefined || relation.heardAtMs < stalest.heardAtMs) stalest = relation;
      }
    }
    if (stalest === undefined) return false;
    this.#remove(stalest);
    return true;
  }

  #remove(relation: Neighbour): void {
    const { node } = relation;
    node.relations.splice(node.relations.indexOf(relation), 1);
    this.#count--;
    if (node.relations.length > 0) return;
    this.#nodes.delete(node.entry);
    node.entry.holders--;
  }
}
