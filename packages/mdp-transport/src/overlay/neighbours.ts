import { type LinkAddress, TokenBucket } from "@meshstream/msp";
import type { AddressToWrite } from "./address.ts";
import type { BookEntry } from "./address-book.ts";
import type { Counters } from "./counters.ts";
import { Limit } from "./limits.ts";
import type { Link } from "./link.ts";
import { LinkRate } from "./link-rate.ts";
import { shortAddress } from "./outgoing.ts";
import { PacketLedger } from "./packet-ledger.ts";
import { RoundTrip } from "./round-trip.ts";
import { Timing } from "./timing.ts";
import { PacketWindow } from "./windows.ts";

/** A node in earshot, on one or more links. */
export class NeighbourNode {
  readonly entry: BookEntry;
  /** One for each link and address that it is heard from, the oldest first. */
  readonly relations: Neighbour[] = [];
  /** Its address in frames to it: it always knows itself. */
  readonly shortAddress: AddressToWrite;
  #frameSequence: number;
  /** Frames to it that got a sequence number. */
  frameCount = 0;

  constructor(entry: BookEntry, frameSequence: number) {
    this.entry = entry;
    this.shortAddress = shortAddress(entry.sid.bytes);
    this.#frameSequence = frameSequence;
  }

  /**
   * The relation to send on. Of those that are reachable, one that was heard lately before one that fell silent: the
   * node may have moved. Then the one on which the node proved itself last, so that none that only claims to be it takes its
   * place; but one that loses clearly less is tried against it.
   */
  get reachable(): Neighbour | undefined {
    const { relations } = this;
    if (relations.length === 1) return relations[0]!.reachable ? relations[0] : undefined;
    let best: Neighbour | undefined;
    for (const relation of relations) {
      if (relation.reachable && (best === undefined || isBetter(relation, best))) best = relation;
    }
    return best;
  }

  /**
   * The sequence number of the next frame to it, 0..255. Counted for each neighbour: with one count for all, what is
   * sent to others would bring the number back among those that this one takes for copies (docs/wire.md W11).
   */
  nextFrameSequence(): number {
    this.#frameSequence = (this.#frameSequence + 1) & 0xff;
    this.frameCount++;
    return this.#frameSequence;
  }

  /** Leave the window of numbers that it may take for copies: it knows us from an earlier life (docs/wire.md W4). */
  skipFrameSequence(): void {
    this.#frameSequence = (this.#frameSequence + 128) & 0xff;
  }
}

/** Whether to send over `one` rather than over `other`, of the same node. */
function isBetter(one: Neighbour, other: Neighbour): boolean {
  const laterMs = one.heardAtMs - other.heardAtMs;
  if (Math.abs(laterMs) > Timing.SILENCE) return laterMs > 0;
  const lessMissed = other.missedOf15 - one.missedOf15;
  if (Math.abs(lessMissed) > CLEARLY_LESS) return lessMissed > 0;
  return one.provenAtMs > other.provenAtMs;
}

/** Of 15 packets: what chance alone makes of equal links now and then. */
const CLEARLY_LESS = 5;

/** Counts of what passed between a node and one neighbour on one link, from 0. */
export interface NeighbourStats {
  packetsSent: number;
  packetsReceived: number;
  framesSent: number;
  framesReceived: number;
  /** Frames with ACK_SOON that it acknowledged. */
  framesAcknowledged: number;
  /** Of the frames sent, those sent again for want of an acknowledgement. */
  framesResent: number;
}

/** How a node and one neighbour hear each other over one link and address (docs/wire.md W7, W8). */
export class Neighbour {
  readonly node: NeighbourNode;
  readonly link: Link;
  readonly address: LinkAddress;
  /** Its own number of the interface that its packets come from. */
  theirInterface = 0;
  heardAtMs: number;
  /** Its last packet was a unicast one without a number: as far as it knows, whoever is meant does not hear it. */
  isUnnumbered = false;
  /** When its last record came that says that it hears us. */
  hearsUsAtMs = Number.NEGATIVE_INFINITY;
  /** It hears us, and said so less than {@link Timing}.LINK_GONE ago. */
  reachable = false;
  /** When a sealed frame of its own came this way and opened. */
  provenAtMs = Number.NEGATIVE_INFINITY;
  /** It is known to know our SID, so that an abbreviation will do. */
  knowsUs = false;
  /** It is not taken to know our SID before. */
  #wholeUntilMs = Number.NEGATIVE_INFINITY;
  readonly received = new PacketWindow();
  /** The packets numbered for it, and which of them came. */
  readonly ledger = new PacketLedger();
  /** What gets lost of what is sent to it, as it counts in routes. */
  readonly rate = new LinkRate();
  /** How long it takes to acknowledge. */
  readonly roundTrip = new RoundTrip();
  readonly stats: NeighbourStats = {
    packetsSent: 0,
    packetsReceived: 0,
    framesSent: 0,
    framesReceived: 0,
    framesAcknowledged: 0,
    framesResent: 0,
  };
  /** When it last acknowledged something new. */
  ackedAtMs = Number.NEGATIVE_INFINITY;
  /** The same, or when it last said that it hears us, without an acknowledgement. */
  progressAtMs = Number.NEGATIVE_INFINITY;
  /** Its records since then that acknowledged nothing new, though packets were sent. */
  stalledCount = 0;
  recordDueMs = Number.POSITIVE_INFINITY;
  recordSentAtMs = Number.NEGATIVE_INFINITY;
  retryMs: number = Timing.FIRST_RETRY;
  retryCount = 0;
  /** It has sent frames with ACK_SOON. */
  wantsAcks = false;
  /** Packets that had come from it when the last record went out. */
  recordedPackets = 0;
  /** Bytes that may still be sent while it has never said that it hears us; see {@link spend}. */
  #creditBytes = 0;
  readonly explains = new TokenBucket(2, 2);

  constructor(node: NeighbourNode, link: Link, address: LinkAddress, nowMs: number) {
    this.node = node;
    this.link = link;
    this.address = address;
    this.heardAtMs = nowMs;
  }

  /** Of the last 15 numbered packets before the newest that came, how many it missed. */
  get missedOf15(): number {
    return this.ledger.missedOf15;
  }

  /**
   * Take in a record in which it says that it hears us; `isNews`: and acknowledges what it had not. Returns false if it
   * does not hear us after all: it goes on saying so for 2.5 s after the last packet, while its acknowledgement stands.
   */
  handleHearsUs(isNews: boolean, nowMs: number): boolean {
    this.hearsUsAtMs = nowMs;
    if (isNews) {
      this.progressAtMs = nowMs;
      this.stalledCount = 0;
    } else {
      this.stalledCount++;
    }
    if (this.stalledCount < DEAF_RECORDS || nowMs - this.progressAtMs < Timing.DEAF) {
      return this.reachable || isNews;
    }
    return false;
  }

  /** It spoke of us by our SID. */
  handleNamedUs(nowMs: number): void {
    this.knowsUs = nowMs >= this.#wholeUntilMs;
  }

  /**
   * It asks who we are. If it knew, it has heard of somebody else whose SID begins like ours: until it has forgotten that one,
   * it could not tell whose our packets are.
   */
  handleAskedAboutUs(nowMs: number): void {
    if (this.knowsUs) this.#wholeUntilMs = nowMs + Timing.PATH_GONE;
    this.knowsUs = false;
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
}

/** Records without news that make a neighbour deaf: as many ticks of ours did not come. */
const DEAF_RECORDS = 4;

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
      entry.hold();
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
          relation.ledger.end();
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
    node.entry.release();
  }
}
