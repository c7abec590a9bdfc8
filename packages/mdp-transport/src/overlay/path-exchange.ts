import { type AddressToWrite, addressBytes, TRANSMITTER_ADDRESS } from "./address.ts";
import type { AddressBook, BookEntry } from "./address-book.ts";
import type { Counters } from "./counters.ts";
import { FrameFlag, Queue } from "./frame.ts";
import type { FrameSender } from "./frame-sender.ts";
import { Limit } from "./limits.ts";
import { PACKET_BYTES } from "./link.ts";
import {
  DROP_RATE_VERY_POOR,
  encodeLinkRecord,
  type LinkRecord,
  type LinkRecordToWrite,
} from "./link-state.ts";
import type { Neighbour, NeighbourNode, NeighbourTable } from "./neighbours.ts";
import type { Paths, Route } from "./paths.ts";
import { encodePorts, ServicePort } from "./ports.ts";
import { Timing } from "./timing.ts";
import type { Topology } from "./topology.ts";

/**
 * Path records, in both directions (docs/wire.md W8.4, W8.5). Tells every neighbour the last hop to each SID that is
 * reached through this node, our further identities and the neighbours in use among them: all of it every 5 s
 * and to a new neighbour, what changed within 5 ms, and once more in case that packet is lost. Takes in what they tell.
 */
export class PathExchange {
  readonly #book: AddressBook;
  readonly #neighbours: NeighbourTable;
  readonly #topology: Topology;
  readonly #paths: Paths;
  readonly #sender: FrameSender;
  readonly #counters: Counters;
  readonly #wakeBy: (atMs: number) => void;
  readonly #payload = new Uint8Array(PACKET_BYTES);
  readonly #told = new Map<BookEntry, Told>();
  /** How often the whole table is still to be sent to a neighbour, out of turn. Absent for one that is not reachable. */
  readonly #greetings = new Map<NeighbourNode, number>();
  /** The relation to greet a neighbour by that came to be reachable last: of those it had before, it may have left all. */
  readonly #newest = new Map<NeighbourNode, Neighbour>();
  #changesDueMs = NEVER;
  #roundDueMs = NEVER;
  #updatedAtMs = Number.NEGATIVE_INFINITY;
  /** Changes are not told before that: so many bytes were sent. */
  #quietUntilMs = Number.NEGATIVE_INFINITY;

  constructor(parts: {
    book: AddressBook;
    neighbours: NeighbourTable;
    topology: Topology;
    paths: Paths;
    sender: FrameSender;
    counters: Counters;
    wakeBy: (atMs: number) => void;
  }) {
    this.#book = parts.book;
    this.#neighbours = parts.neighbours;
    this.#topology = parts.topology;
    this.#paths = parts.paths;
    this.#sender = parts.sender;
    this.#counters = parts.counters;
    this.#wakeBy = parts.wakeBy;
    for (const own of parts.book.own.slice(1)) {
      this.#told.set(own, {
        transmitter: parts.book.own[0]!,
        version: 1,
        dropRate: 0,
        sendsLeft: 0,
        goneMs: NEVER,
      });
    }
  }

  /** A neighbour came or went, or the drop rate of its link changed: it counts from now on. */
  handleChange(nowMs: number): void {
    this.#paths.invalidate();
    this.#changesBy(nowMs + Timing.PATHS_CHANGED);
  }

  /** `relation` can be used from now on. Its node may have begun anew there, so it is told everything, and there. */
  handleReachable(relation: Neighbour, nowMs: number): void {
    this.#greetings.delete(relation.node);
    this.#newest.set(relation.node, relation);
    this.handleChange(nowMs);
  }

  /** The node behind `relation` began anew: what it said before is void. */
  handleRestart(relation: Neighbour, nowMs: number): void {
    this.#topology.forget(relation.node);
    this.handleReachable(relation, nowMs);
  }

  /** Take in that `by` reaches `receiver`, the last hop being `transmitter`, or, without one, that it does not. */
  handleRecord(
    record: LinkRecord,
    receiver: BookEntry,
    transmitter: BookEntry | undefined,
    by: NeighbourNode,
    nowMs: number,
  ): void {
    if (receiver.ownIndex >= 0 || receiver === by.entry) return;
    if (transmitter === undefined) {
      if (this.#topology.withdraw(by, receiver)) this.#changesBy(nowMs + Timing.PATHS_CHANGED);
      return;
    }
    const dropRate = Math.max(0, record.dropRate);
    const noted = this.#topology.announce(by, receiver, transmitter, record.version, dropRate, nowMs);
    if (noted === "full") this.#counters["announced-full"]++;
    if (noted === "old") this.#counters["record-old"]++;
    this.#wakeBy(this.#topology.expiryMs);
    // It counts from the next round on: there are never two computations within 20 ms for what neighbours say.
    if (noted === "changed") this.#changesBy(nowMs + Timing.PATHS_CHANGED);
  }

  /** Send what is due. Returns when to call again. */
  run(nowMs: number): number {
    if (this.#topology.expire(nowMs)) this.handleChange(nowMs);
    const round = this.#roundDueMs <= nowMs;
    if (round || this.#changesDueMs <= nowMs) {
      this.#changesDueMs = NEVER;
      this.#updatedAtMs = nowMs;
      this.#update(nowMs);
      if (round || nowMs >= this.#quietUntilMs) this.#tellAll(round, nowMs);
      else this.#changesBy(this.#quietUntilMs);
    }
    return Math.min(this.#roundDueMs, this.#changesDueMs, this.#topology.expiryMs);
  }

  #changesBy(atMs: number): void {
    const dueMs = Math.max(atMs, this.#updatedAtMs + Timing.PATHS_SPACING);
    if (dueMs >= this.#changesDueMs) return;
    this.#changesDueMs = dueMs;
    this.#wakeBy(dueMs);
  }

  /** Compare the routes with what was told, and note what is to be told anew. */
  #update(nowMs: number): void {
    this.#paths.invalidate();
    const routes = this.#paths.all();
    for (const route of routes.values()) {
      const told = this.#told.get(route.entry);
      const last = this.#lastLink(route, told);
      if (told !== undefined && isSame(told, last)) continue;
      const { transmitter, version, dropRate } = last;
      this.#told.set(route.entry, { transmitter, version, dropRate, sendsLeft: CHANGE_SENDS, goneMs: NEVER });
    }
    for (const [entry, told] of this.#told) {
      if (entry.ownIndex >= 0 || routes.has(entry)) continue;
      if (told.transmitter !== undefined) this.#tellGone(entry, told.transmitter, told.version, nowMs);
      else if (told.goneMs <= nowMs || this.#told.size > Limit.TOLD) this.#told.delete(entry);
    }
  }

  /** Say for a while that there is no way to `entry` any more. */
  #tellGone(entry: BookEntry, transmitter: BookEntry, version: number, nowMs: number): void {
    this.#told.set(entry, {
      transmitter: undefined,
      // The version of a link that is ours is ours to raise.
      version: transmitter.ownIndex >= 0 ? (version + 1) & 0xff : version,
      dropRate: DROP_RATE_VERY_POOR,
      sendsLeft: CHANGE_SENDS,
      goneMs: nowMs + Timing.PATH_GONE,
    });
  }

  /** The last link of a route: as it was announced to us, or our own, whose version counts its changes. */
  #lastLink(route: Route, told: Told | undefined): LastLink {
    if (route.announced !== undefined) return route.announced;
    const transmitter = this.#book.own[0]!;
    const { dropRate } = route;
    if (told === undefined) return { transmitter, version: 1, dropRate };
    const same = told.transmitter === transmitter && told.dropRate === dropRate;
    return { transmitter, version: same ? told.version : (told.version + 1) & 0xff, dropRate };
  }

  #tellAll(round: boolean, nowMs: number): void {
    const changed: [BookEntry, Told][] = [];
    for (const [entry, told] of this.#told) {
      if (told.sendsLeft === 0) continue;
      told.sendsLeft--;
      changed.push([entry, told]);
    }
    let pending = changed.some(([, { sendsLeft }]) => sendsLeft > 0);
    let reachable = false;
    let bytes = 0;
    for (const node of this.#neighbours.nodes()) {
      const newest = this.#newest.get(node);
      const relation = newest?.reachable ? newest : node.reachable;
      if (relation === undefined) {
        this.#greetings.delete(node);
        continue;
      }
      reachable = true;
      const greetings = this.#greetings.get(node) ?? CHANGE_SENDS;
      this.#greetings.set(node, Math.max(0, greetings - 1));
      if (greetings > 1) pending = true;
      else this.#newest.delete(node);
      bytes += this.#tell(relation, round || greetings > 0 ? this.#told : changed, nowMs);
    }
    for (const node of this.#greetings.keys()) {
      if (node.relations.length > 0) continue;
      this.#greetings.delete(node);
      this.#newest.delete(node);
    }
    this.#quietUntilMs = nowMs + bytes / Limit.PATH_BYTES_PER_MS;
    if (round || this.#roundDueMs === NEVER) this.#roundDueMs = nowMs + Timing.PATHS;
    if (!reachable) this.#roundDueMs = NEVER;
    else if (pending) this.#changesBy(nowMs + Timing.PATHS_AGAIN);
  }

  /** Send records to a neighbour, in as few packets as hold them. Returns their bytes. */
  #tell(relation: Neighbour, records: Iterable<[BookEntry, Told]>, nowMs: number): number {
    const some: LinkRecordToWrite[] = [];
    let bytes = 0;
    let sum = 0;
    for (const [entry, told] of records) {
      const record = this.#recordFor(relation.node, entry, told);
      const more = recordBytes(record);
      if (bytes + more > RECORDS_BYTES) {
        this.#send(relation, some.splice(0), nowMs);
        bytes = 0;
      }
      some.push(record);
      bytes += more;
      sum += more;
    }
    this.#send(relation, some, nowMs);
    return sum;
  }

  #send(relation: Neighbour, records: readonly LinkRecordToWrite[], nowMs: number): void {
    if (records.length === 0) return;
    const payload = this.#payload;
    let end = encodePorts(payload, 0, ServicePort.LINK_STATE, ServicePort.LINK_STATE);
    for (const record of records) end = encodeLinkRecord(payload, end, record);
    const frame = { flags: LINK_STATE_FLAGS, queue: Queue.MANAGEMENT };
    if (this.#sender.sendFrame(relation, frame, payload, 0, end, nowMs)) {
      this.#counters["records-sent"] += records.length;
    }
  }

  #recordFor(to: NeighbourNode, entry: BookEntry, told: Told): LinkRecordToWrite {
    const { transmitter, version, dropRate } = told;
    return {
      flags: 0,
      receiver: this.#addressFor(to, entry),
      version,
      transmitter: transmitter && this.#addressFor(to, transmitter),
      dropRate,
    };
  }

  #addressFor(to: NeighbourNode, entry: BookEntry): AddressToWrite {
    return entry === this.#book.own[0] ? TRANSMITTER_ADDRESS : this.#topology.addressFor(to, entry);
  }
}

/** The last link of the way to a SID, as it goes into a record. */
interface LastLink {
  /** Undefined: there is no path any more. */
  readonly transmitter: BookEntry | undefined;
  readonly version: number;
  readonly dropRate: number;
}

/** What the neighbours were told last of one SID. */
interface Told extends LastLink {
  /** How often it is still to be sent, out of turn. */
  sendsLeft: number;
  /** Until when it is told that there is no path. */
  readonly goneMs: number;
}

function isSame(a: LastLink, b: LastLink): boolean {
  return a.transmitter === b.transmitter && a.version === b.version && a.dropRate === b.dropRate;
}

/** Bytes that a path record takes. */
function recordBytes(record: LinkRecordToWrite): number {
  const transmitterBytes = record.transmitter === undefined ? 0 : addressBytes(record.transmitter);
  return 4 + addressBytes(record.receiver) + transmitterBytes;
}

const LINK_STATE_FLAGS = FrameFlag.SENDER_SAME | FrameFlag.BROADCAST | FrameFlag.ONE_HOP;

const NEVER = Number.POSITIVE_INFINITY;

// A change is told twice: either packet may be lost.
const CHANGE_SENDS = 2;

// In a packet of 1200, with room for the envelope and the heads.
const RECORDS_BYTES = 1100;
