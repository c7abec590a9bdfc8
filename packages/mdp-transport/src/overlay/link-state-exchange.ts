import { TRANSMITTER_ADDRESS } from "./address.ts";
import type { AddressBook, BookEntry } from "./address-book.ts";
import type { Counters } from "./counters.ts";
import type { Explainer } from "./explainer.ts";
import { FrameFlag, type FrameToWrite } from "./frame.ts";
import type { FrameSender } from "./frame-sender.ts";
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
  readonly #frames: FrameSender;
  readonly #explainer: Explainer;
  readonly #counters: Counters;
  readonly #wakeBy: (atMs: number) => void;
  readonly #resolver: AddressResolver;

  constructor(parts: {
    book: AddressBook;
    neighbours: NeighbourTable;
    pathExchange: PathExchange;
    outgoing: Outgoing;
    frames: FrameSender;
    explainer: Explainer;
    counters: Counters;
    wakeBy: (atMs: number) => void;
  }) {
    this.#book = parts.book;
    this.#neighbours = parts.neighbours;
    this.#pathExchange = parts.pathExchange;
    this.#outgoing = parts.outgoing;
    this.#frames = parts.frames;
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
    neighbour.wantsAcks = true;
    if (neighbour.stats.packetsReceived - neighbour.recordedPackets >= ACK_PACKETS) {
      this.#sendRecord(neighbour, nowMs); // now, however soon after the last: or packets fall out of the mask
    } else {
      this.recordBy(neighbour, nowMs + Timing.ACK_SOON);
    }
  }

  /** A packet of `neighbour` was missed. Of use only to a neighbour that waits for acknowledgements. */
  handleGap(neighbour: Neighbour, nowMs: number): void {
    if (neighbour.wantsAcks) this.recordBy(neighbour, nowMs + Timing.ACK_GAP);
  }

  /** A packet of `neighbour` came without a number: it does not know that we hear it. */
  handleUnnumbered(neighbour: Neighbour, nowMs: number): void {
    // Where we do not know it of the neighbour either, both would answer each other's records without end: there only
    // the retries go on, less and less often.
    if (neighbour.reachable) this.recordBy(neighbour, nowMs);
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
        this.#explainer.ask(bytes, address, from, nowMs);
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
      if (transmitter !== this.#book.own[0]) return;
      if (from.isUnnumbered && from.received.latest >= 0) this.#handleRestart(from, nowMs);
      this.#handleHearsUs(record, from, nowMs);
      return;
    }
    this.#pathExchange.handleRecord(record, receiver, transmitter, from.node, nowMs);
  }

  /**
   * It knew that we hear it, and does not any more: it began anew, and so do its numbers. Only its record about us tells:
   * a packet alone may be meant for somebody else, who was at our address or is said to be.
   */
  #handleRestart(from: Neighbour, nowMs: number): void {
    this.#counters["neighbour-restarts"]++;
    this.#pathExchange.handleRestart(from, nowMs);
    from.received.reset();
  }

  /** The sender hears us, on the link that the record names. */
  #handleHearsUs(record: LinkRecord, from: Neighbour, nowMs: number): void {
    const linkIndex = record.interfaceNumber < 0 ? from.link.index : record.interfaceNumber;
    for (const relation of from.node.relations) {
      if (relation.link.index !== linkIndex) continue;
      if (relation.link === from.link && relation !== from) continue;
      this.#handleAck(record, relation, nowMs);
    }
  }

  #handleAck(record: LinkRecord, relation: Neighbour, nowMs: number): void {
    const { ledger, rate } = relation;
    const hasAck = record.ackSequence >= 0;
    const isNews = ledger.handleAck(record.ackSequence, record.ackMask) || !hasAck;
    if (isNews && hasAck) {
      relation.ackedAtMs = nowMs;
      this.#frames.handleAck(relation, nowMs);
      const before = rate.counted;
      rate.note(ledger.missedOf15, nowMs);
      if (rate.counted !== before) this.#pathExchange.handleChange(nowMs);
    }
    if (!relation.handleHearsUs(isNews, nowMs)) {
      if (relation.reachable) this.#deafened(relation, nowMs);
      return;
    }
    relation.handleNamedUs(nowMs);
    if (relation.reachable) return;
    relation.reachable = true;
    // Away from what it heard in an earlier life of ours, which it may take for copies (docs/wire.md W4).
    if (!ledger.isNumbering) ledger.begin(record.ackSequence);
    relation.retryMs = Timing.FIRST_RETRY;
    relation.retryCount = 0;
    this.#counters["neighbours-found"]++;
    this.recordBy(relation, nowMs);
    this.#pathExchange.handleReachable(relation, nowMs);
  }

  /** It says that it hears us, but what it acknowledges shows that it no longer does. Its numbers go on, to show when. */
  #deafened(relation: Neighbour, nowMs: number): void {
    relation.reachable = false;
    relation.knowsUs = false;
    relation.retryMs = Timing.FIRST_RETRY;
    this.#counters["neighbours-deaf"]++;
    this.recordBy(relation, nowMs);
    this.#pathExchange.handleChange(nowMs);
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
      relation.recordedPackets = relation.stats.packetsReceived;
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

// A record is due after so many packets, if one of them asks for it: half of what its mask holds.
const ACK_PACKETS = 16;

const RETRIES_BEFORE_SKIP = 3;

// 14 records of 76 bytes, in a packet of 1200.
const RECORDS_PER_PACKET = Math.floor(1100 / MAX_RECORD_BYTES);
