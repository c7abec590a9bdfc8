import type { LinkAddress, Sid } from "@meshstream/msp";
import type { Core } from "@meshstream/wasm-core";
import type { WireAddress } from "./address.ts";
import type { AddressBook, BookEntry } from "./address-book.ts";
import type { Bindings } from "./bindings.ts";
import { CopyFilter } from "./copy-filter.ts";
import type { Counters } from "./counters.ts";
import { type Envelope, EnvelopeFlag, parseEnvelope } from "./envelope.ts";
import type { Explainer } from "./explainer.ts";
import { packetMark } from "./fingerprint.ts";
import { type Frame, FrameFlag, FrameType, parseFrame } from "./frame.ts";
import { Freshness } from "./freshness.ts";
import type { Link } from "./link.ts";
import type { LinkStateExchange } from "./link-state-exchange.ts";
import type { Neighbour, NeighbourTable } from "./neighbours.ts";
import { parsePorts, ServicePort } from "./ports.ts";
import type { Relay } from "./relay.ts";
import { AddressResolver } from "./resolver.ts";
import { SEAL_BYTES, type SealProvider } from "./seal.ts";
import type { SharedKeys } from "./shared-keys.ts";

interface IntakeParts {
  readonly core: Core;
  readonly book: AddressBook;
  readonly neighbours: NeighbourTable;
  readonly linkState: LinkStateExchange;
  readonly explainer: Explainer;
  readonly bindings: Bindings;
  readonly provider: SealProvider;
  readonly keys: SharedKeys;
  readonly relay: Relay;
  /** Somebody asks all nodes for services, from that port. Not authenticated. */
  readonly handleServiceQuestion: (asker: Sid, port: number) => void;
  readonly counters: Counters;
}

/**
 * What a node does with a datagram: envelope, neighbour, frames, and for each frame an address check, then explain,
 * link state or a sealed message (docs/wire.md W4 to W8). Nothing that a network may bring makes it throw: what is
 * not understood is dropped and counted.
 */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #resolver: AddressResolver;
  /** The node at the other end of each point-to-point link, as soon as it has said who it is. */
  readonly #otherEnds = new Map<Link, BookEntry>();
  /** How the transmitter of the packet at hand is written in it. */
  #transmitterAddress: WireAddress | undefined;
  readonly #copies = new CopyFilter();

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#resolver = new AddressResolver(parts.book);
  }

  handleDatagram(datagram: Uint8Array, link: Link, from: LinkAddress, nowMs: number): void {
    const { core, counters } = this.#parts;
    counters["packets-received"]++;
    const { offset, length } = core.receiveRegion;
    if (datagram.length > length) {
      counters["datagram-oversize"]++;
      return;
    }
    core.bytes.set(datagram, offset);
    const end = offset + datagram.length;
    const envelope = parseEnvelope(core.bytes, offset, end);
    if (envelope.kind === "fault") {
      counters[envelope.reason]++;
      return;
    }
    const neighbour = this.#neighbourOf(envelope, link, from, nowMs);
    if (neighbour === undefined) return;
    neighbour.earn(datagram.length);
    if (!this.#noteEnvelope(envelope, end, neighbour, nowMs)) return;
    this.#handleFrames(envelope, end, neighbour, datagram.length, nowMs);
  }

  /** Who sent the packet; undefined if it is to be dropped. */
  #neighbourOf(envelope: Envelope, link: Link, from: LinkAddress, nowMs: number): Neighbour | undefined {
    const { core, counters, neighbours, explainer } = this.#parts;
    this.#resolver.begin(this.#otherEnds.get(link), link.isPointToPoint);
    const transmitter = this.#resolver.resolve(core.bytes, envelope.transmitter, nowMs);
    if (typeof transmitter === "string") {
      counters[transmitter]++;
      explainer.askStranger(core.bytes, envelope.transmitter, link, from, nowMs);
      return undefined;
    }
    this.#resolver.begin(transmitter, link.isPointToPoint);
    if (transmitter.ownIndex >= 0) {
      counters["own-packet"]++;
      return undefined;
    }
    this.#transmitterAddress = envelope.transmitter;
    if (link.isPointToPoint) this.#noteOtherEnd(link, transmitter);
    const neighbour = neighbours.heard(transmitter, link, from, nowMs);
    if (neighbour === undefined) counters["neighbours-full"]++;
    return neighbour;
  }

  #noteOtherEnd(link: Link, entry: BookEntry): void {
    const before = this.#otherEnds.get(link);
    if (before === entry) return;
    entry.hold();
    before?.release();
    this.#otherEnds.set(link, entry);
  }

  /** Take in what the envelope says of the neighbour; false if the packet is a copy (docs/wire.md W4). */
  #noteEnvelope(envelope: Envelope, end: number, neighbour: Neighbour, nowMs: number): boolean {
    const { core, counters, linkState } = this.#parts;
    neighbour.theirInterface = envelope.interfaceNumber;
    neighbour.isUnnumbered = envelope.sequence < 0 && (envelope.flags & EnvelopeFlag.UNICAST) !== 0;
    neighbour.stats.packetsReceived++;
    if (envelope.sequence >= 0) {
      const mark = packetMark(core.bytes, envelope.framesOffset, end);
      const what = neighbour.received.note(envelope.sequence, mark);
      if (what === "duplicate") {
        counters["packet-duplicate"]++;
        return false;
      }
      if (what === "gap") linkState.handleGap(neighbour, nowMs);
    } else if (neighbour.isUnnumbered) {
      linkState.handleUnnumbered(neighbour, nowMs);
    }
    if (neighbour.recordDueMs === Number.POSITIVE_INFINITY) linkState.recordBy(neighbour, nowMs);
    return true;
  }

  #handleFrames(
    envelope: Envelope,
    end: number,
    neighbour: Neighbour,
    packetBytes: number,
    nowMs: number,
  ): void {
    const { core, counters } = this.#parts;
    const { version, encapsulation } = envelope;
    for (let at = envelope.framesOffset; at < end; ) {
      const frame = parseFrame(core.bytes, at, end, version, encapsulation);
      if (frame.kind === "fault") {
        counters[frame.reason]++;
        return;
      }
      at = frame.end;
      counters["frames-received"]++;
      neighbour.stats.framesReceived++;
      this.#handleFrame(frame, neighbour, packetBytes, nowMs);
    }
  }

  #handleFrame(frame: Frame, neighbour: Neighbour, packetBytes: number, nowMs: number): void {
    const { counters, linkState, explainer, relay, core } = this.#parts;
    if (frame.flags & FrameFlag.ACK_SOON) linkState.handleAckSoon(neighbour, nowMs);
    const ends = this.#resolveEnds(frame, neighbour, nowMs);
    if (ends === undefined) return;
    if (this.#copies.isCopy(core.bytes, frame, neighbour.node.entry.sid.bytes, nowMs)) {
      counters["frame-duplicate"]++;
      return;
    }
    const { source, destination } = ends;
    if (ends.isForOther) {
      relay.forward(frame, core.bytes, source, destination!, neighbour, nowMs);
      return;
    }
    if (frame.broadcastIdOffset >= 0 && !relay.flood(frame, core.bytes, source, neighbour, nowMs)) return;
    const payloadEnd = frame.payloadOffset + frame.payloadLength;
    if (frame.flags & FrameFlag.LEGACY_TYPE) {
      if (frame.type !== FrameType.EXPLAIN) counters["type-unknown"]++;
      else {
        explainer.handleExplain(core.bytes, frame.payloadOffset, payloadEnd, neighbour, packetBytes, nowMs);
      }
    } else if (frame.flags & FrameFlag.CIPHERED) {
      this.#handleSealed(frame, source, destination, neighbour, nowMs);
    } else {
      this.#handlePlain(frame, source, neighbour, nowMs);
    }
  }

  /** Whom the frame is from and for, in the order of the bytes; undefined if this node has nothing to do with it. */
  #resolveEnds(frame: Frame, neighbour: Neighbour, nowMs: number): Ends | undefined {
    const { counters, core } = this.#parts;
    const source =
      frame.source === undefined
        ? neighbour.node.entry
        : this.#resolver.resolve(core.bytes, frame.source, nowMs);
    const destination = frame.destination && this.#resolver.resolve(core.bytes, frame.destination, nowMs);
    const nextHop = frame.nextHop && this.#resolver.resolve(core.bytes, frame.nextHop, nowMs);
    for (const [entry, address] of [
      [destination, frame.destination],
      [source, frame.source],
    ] as const) {
      if (typeof entry !== "string") continue;
      counters[entry]++;
      this.#parts.explainer.ask(core.bytes, address!, neighbour, nowMs);
      return undefined;
    }
    const isForOther = typeof destination === "object" && destination.ownIndex < 0;
    if (isForOther && !(typeof nextHop === "object" && nextHop.ownIndex >= 0)) {
      counters.overheard++;
      return undefined;
    }
    return { source: source as BookEntry, destination: destination as BookEntry | undefined, isForOther };
  }

  /** A message for a port: only if it is ciphered, signed and opens; else no reply of any kind (docs/wire.md W3). */
  #handleSealed(
    frame: Frame,
    source: BookEntry,
    to: BookEntry | undefined,
    neighbour: Neighbour,
    nowMs: number,
  ): void {
    const { counters, core, provider, keys, book, bindings } = this.#parts;
    if ((frame.flags & FrameFlag.SIGNED) === 0) {
      counters["not-signed"]++;
      return;
    }
    if (source.ownIndex >= 0) {
      counters["own-source"]++;
      return;
    }
    if (to === undefined) {
      counters["sealed-broadcast"]++;
      return;
    }
    const key = keys.key(to.ownIndex, source, nowMs);
    if (typeof key === "string") {
      counters[key]++;
      return;
    }
    if (!provider.open(key, core.bytes, frame.payloadOffset, frame.payloadLength)) {
      counters["open-failed"]++;
      // Two SIDs may begin alike: perhaps it is of another one (docs/wire.md W11.14).
      const address = frame.source ?? this.#transmitterAddress!;
      this.#parts.explainer.ask(core.bytes, address, neighbour, nowMs);
      return;
    }
    book.verify(source);
    if (source === neighbour.node.entry) neighbour.provenAtMs = nowMs;
    source.freshness ??= new Freshness();
    if (source.freshness.isStale(core.bytes, frame.payloadOffset)) {
      counters.stale++;
      return;
    }
    const end = frame.payloadOffset + frame.payloadLength;
    const ports = parsePorts(core.bytes, frame.payloadOffset + SEAL_BYTES, end);
    if (ports.kind === "fault") {
      counters[ports.reason]++;
      return;
    }
    if (ports.end === end) {
      counters["message-empty"]++;
      return;
    }
    const receive = bindings.receiver(to.sid, ports.destination);
    if (receive === undefined) {
      counters["no-binding"]++;
      return;
    }
    counters["messages-delivered"]++;
    receive(to.sid, source.sid, ports.source, ports.end, end - ports.end);
  }

  /** A plain frame: nothing is taken from one but link state, and from a broadcast the question for services. */
  #handlePlain(frame: Frame, source: BookEntry, neighbour: Neighbour, nowMs: number): void {
    const { counters, core, linkState } = this.#parts;
    const end = frame.payloadOffset + frame.payloadLength;
    const isSigned = (frame.flags & FrameFlag.SIGNED) !== 0;
    const ports = isSigned ? undefined : parsePorts(core.bytes, frame.payloadOffset, end);
    if (ports?.kind === "fault") {
      counters[ports.reason]++;
      return;
    }
    const isLinkState =
      ports?.source === ServicePort.LINK_STATE && ports.destination === ServicePort.LINK_STATE;
    if (!isLinkState) {
      const isBroadcast = (frame.flags & FrameFlag.BROADCAST) !== 0;
      if (isBroadcast && ports?.destination === ServicePort.SERVICE_DISCOVERY && source.ownIndex < 0) {
        this.#parts.handleServiceQuestion(source.sid, ports.source);
      } else counters["not-ciphered"]++;
      return;
    }
    if ((frame.flags & FrameFlag.ONE_HOP) === 0 || source !== neighbour.node.entry) {
      counters["not-one-hop"]++;
      return;
    }
    linkState.handleRecords(core.bytes, ports.end, end, neighbour, nowMs);
  }
}

/** Whom a frame is from and for. */
interface Ends {
  readonly source: BookEntry;
  /** Undefined for a broadcast. */
  readonly destination: BookEntry | undefined;
  /** This node is only the next hop. */
  readonly isForOther: boolean;
}
