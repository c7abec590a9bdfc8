import { TRANSMITTER_ADDRESS } from "./address.ts";
import type { AddressBook, BookEntry } from "./address-book.ts";
import type { Counters } from "./counters.ts";
import type { Explainer } from "./explainer.ts";
import { FrameFlag, type FrameToWrite } from "./frame.ts";
import {
  encodeLinkRecord,
  type LinkRecord,
  type LinkRecordToWrite,
  MAX_RECORD_BYTES,
  parseLinkRecord,
  RecordFlag,
} from "./link-state.ts";
import type { Neighbour, NeighbourNode, NeighbourTable } from "./neighbours.ts";
import { type Outgoing, shortAddress } from "./outgoing.ts";
import type { PathExchange } from "./path-exchange.ts";
import { linkDropRateOf } from "./paths.ts";
import { encodePorts, ServicePort } from "./ports.ts";
import { AddressResolver } from "./resolver.ts";
import { Timing } from "./timing.ts";

/**
 * Link state between a node and its neighbours (docs/wire.md W8): tells each which of its packets came, and learns from
 * each that it hears us. What they say of paths goes to path-exchange.ts.
 */
export class LinkStateExchange {
  readonly #book: AddressBook;
  readonly #neighbours: NeighbourTable;
  readonly #pathExchange: PathExchange;
  readonly #outgoing: Outgoing;
  readonly #explainer: Explainer;
  readonly #counters: Counters;
  readonly #wakeBy: (atMs: number) => void;
  readonly #resolver: AddressResolver;

  constructor(parts: {
    book: AddressBook;
    neighbours: NeighbourTable;
    pathExchange: PathExchange;
    outgoing: Outgoing;
    explainer: Explainer;
    counters: Counters;
    wakeBy: (atMs: number) => void;
  }) {
    this.#book = parts.book;
    this.#neighbours = parts.neighbours;
    this.#pathExchange = parts.pathExchange;
    this.#outgoing = parts.outgoing;
    this.#explainer = parts.explainer;
    this.#counters = parts.counters;
    this.#wakeBy = parts.wakeBy;
    this.#resolver = new AddressResolver(parts.book);
  }

  /** Send a record to `neighbour` at `atMs`, or earlier if one is due earlier. */
  recordBy(neighbour: Neighbour, atMs: number): void {
    const dueMs = Math.max(atMs, neighbour.recordSentAtMs + Timing.RECORD_SPACING);
    if (dueMs >= neighbour.recordDueMs) return;
    neighbour.recordDueMs = dueMs;
    this.#wakeBy(dueMs);
  }

  /** A frame of `neighbour` asked for an early acknowledgement of the packet that carried it. */
  handleAckSoon(neighbour: Neighbour, nowMs: number): void {
    neighbour.ackSoonCount = (neighbour.ackSoonCount ?? 0) + 1;
    const full = neighbour.ackSoonCount >= ACK_SOON_FRAMES;
    this.recordBy(neighbour, full ? nowMs : nowMs + Timing.ACK_SOON);
  }

  /** A packet of `neighbour` was missed. Of use only to a neighbour that waits for acknowledgements. */
  handleGap(neighbour: Neighbour, nowMs: number): void {
    if (neighbour.ackSoonCount !== undefined) this.recordBy(neighbour, nowMs + Timing.ACK_GAP);
  }

  /** Take in the records in [offset, end), sent by the neighbour that sent the packet. */
  handleRecords(bytes: Uint8Array, offset: number, end: number, from: Neighbour, nowMs: number): void {
    const sender = from.node.entry;
    this.#resolver.begin(sender, from.link.isPointToPoint);
    for (let at = offset; at < end; ) {
      const record = parseLinkRecord(bytes, at, end);
      if (record.kind === "fault") {
        this.#counters[record.reason]++;
        return;
      }
      at = record.end;
      const receiver = this.#resolver.resolve(bytes, record.receiver, nowMs);
      const transmitter = record.transmitter && this.#resolver.resolve(bytes, record.transmitter, nowMs);
      const wrong = typeof receiver === "string" ? receiver : transmitter;
      if (typeof wrong === "string") {
        this.#counters[wrong]++;
        const address = typeof receiver === "string" ? record.receiver : record.transmitter!;
        this.#explainer.ask(bytes, address, from.link, from.address, from.node, nowMs);
        continue;
      }
      this.#handleRecord(record, receiver as BookEntry, wrong, from, nowMs);
    }
  }

  /** Send what is due. Returns when to call again. */
  run(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const node of this.#neighbours.nodes()) {
      for (const relation of node.relations) {
        if (relation.recordDueMs <= nowMs) this.#sendRecord(relation, nowMs);
        nextMs = Math.min(nextMs, relation.recordDueMs);
      }
    }
    return nextMs;
  }

  #handleRecord(
    record: LinkRecord,
    receiver: BookEntry,
    transmitter: BookEntry | undefined,
    from: Neighbour,
    nowMs: number,
  ): void {
    const sender = from.node.entry;
    if (receiver === sender) {
      if (transmitter === this.#book.own[0]) this.#handleHearsUs(record, from, nowMs);
      return;
    }
    this.#pathExchange.handleRecord(record, receiver, transmitter, from.node, nowMs);
  }

  /** The sender hears us, on the link that the record names. */
  #handleHearsUs(record: LinkRecord, from: Neighbour, nowMs: number): void {
    const linkIndex = record.interfaceNumber < 0 ? from.link.index : record.interfaceNumber;
    for (const relation of from.node.relations) {
      if (relation.link.index !== linkIndex) continue;
      if (relation.link === from.link && relation !== from) continue;
      relation.hearsUsAtMs = nowMs;
      relation.knowsUs = true;
      const dropRateBefore = linkDropRateOf(relation);
      relation.missedOf15 = missedOf15(record, relation.numberedCount);
      if (linkDropRateOf(relation) !== dropRateBefore) this.#pathExchange.handleChange(nowMs);
      if (relation.reachable) continue;
      relation.reachable = true;
      // Away from what it heard in an earlier life of ours, which it may take for copies (docs/wire.md W4).
      relation.packetSequence = record.ackSequence < 0 ? 0 : (record.ackSequence + 128) & 0xff;
      relation.numberedCount = 0;
      relation.retryMs = Timing.FIRST_RETRY;
      relation.retryCount = 0;
      this.#counters["neighbours-found"]++;
      this.recordBy(relation, nowMs);
      this.#pathExchange.handleChange(nowMs);
    }
  }

  #sendRecord(relation: Neighbour, nowMs: number): void {
    const record: LinkRecordToWrite = {
      flags: RecordFlag.UNICAST_LINK,
      receiver: TRANSMITTER_ADDRESS,
      version: 1,
      // A node always knows itself.
      transmitter: shortAddress(relation.node.entry.sid.bytes),
      interfaceNumber: relation.theirInterface,
      ackSequence: relation.received.latest,
      ackMask: relation.received.mask,
    };
    if (this.#sendRecords(relation, [record])) {
      relation.recordSentAtMs = nowMs;
      if (relation.ackSoonCount !== undefined) relation.ackSoonCount = 0;
    }
    relation.recordDueMs = nowMs + (relation.reachable ? Timing.TICK : relation.retryMs);
    if (relation.reachable) return;
    relation.retryMs = Math.min(2 * relation.retryMs, Timing.TICK);
    relation.retryCount++;
    // Unheard so often: perhaps it takes our frames for copies of those of an earlier life.
    if (relation.retryCount % RETRIES_BEFORE_SKIP === 0) relation.node.skipFrameSequence();
  }

  /** Send records in as few packets as hold them. Returns false if the neighbour may not be sent so much yet. */
  #sendRecords(relation: Neighbour, records: readonly LinkRecordToWrite[]): boolean {
    for (let i = 0; i < records.length; i += RECORDS_PER_PACKET) {
      const some = records.slice(i, i + RECORDS_PER_PACKET);
      const sent = this.#outgoing.frameTo(relation, linkStateFrame(relation.node), (out, offset) => {
        let at = encodePorts(out, offset, ServicePort.LINK_STATE, ServicePort.LINK_STATE);
        for (const record of some) at = encodeLinkRecord(out, at, record);
        return at;
      });
      if (!sent) return false;
      this.#counters["records-sent"] += some.length;
    }
    return true;
  }
}

function linkStateFrame(node: NeighbourNode): FrameToWrite {
  return {
    flags: FrameFlag.SENDER_SAME | FrameFlag.BROADCAST | FrameFlag.ONE_HOP,
    sequence: node.nextFrameSequence(),
  };
}

/** How many of the last 15 packets before the latest are missing from an acknowledgement. */
function missedOf15(record: LinkRecord, numberedCount: number): number {
  const known = Math.min(15, numberedCount - 1);
  if (record.ackSequence < 0 || known <= 0) return 0;
  let missed = 0;
  for (let bit = 0; bit < known; bit++) if (((record.ackMask >>> bit) & 1) === 0) missed++;
  return missed;
}

// A record is due after so many frames that ask for one: half of what its mask holds.
const ACK_SOON_FRAMES = 16;

const RETRIES_BEFORE_SKIP = 3;

// 14 records of 76 bytes, in a packet of 1200.
const RECORDS_PER_PACKET = Math.floor(1100 / MAX_RECORD_BYTES);
