import { addressBytes } from "./address.ts";
import type { BookEntry } from "./address-book.ts";
import { BroadcastIds } from "./broadcast-ids.ts";
import type { Counters, DropReason } from "./counters.ts";
import { Encapsulation } from "./envelope.ts";
import type { FaultReason } from "./fault.ts";
import { BROADCAST_ID_BYTES, type Frame, FrameFlag, frameHeadBytes } from "./frame.ts";
import type { FrameSender, NeighbourFrame } from "./frame-sender.ts";
import type { Neighbour, NeighbourTable } from "./neighbours.ts";
import { shortAddress } from "./outgoing.ts";
import type { Paths } from "./paths.ts";
import { parsePorts, ServicePort } from "./ports.ts";
import { SEAL_BYTES } from "./seal.ts";
import type { Topology } from "./topology.ts";

/**
 * Sends on what is for others (docs/wire.md W5.6, W8.7): a unicast frame towards its destination, a flooded one to all
 * neighbours. A payload that is ciphered is not looked at. Every reason for which a frame is not sent on has a counter; queues and
 * their limits are those of {@link FrameSender}.
 */
export class Relay {
  readonly #neighbours: NeighbourTable;
  readonly #topology: Topology;
  readonly #paths: Paths;
  readonly #sender: FrameSender;
  readonly #counters: Counters;
  readonly #broadcastIds = new BroadcastIds();

  constructor(parts: {
    neighbours: NeighbourTable;
    topology: Topology;
    paths: Paths;
    sender: FrameSender;
    counters: Counters;
  }) {
    this.#neighbours = parts.neighbours;
    this.#topology = parts.topology;
    this.#paths = parts.paths;
    this.#sender = parts.sender;
    this.#counters = parts.counters;
  }

  /** Send on a frame that names this node as next hop, and another as destination. `bytes` holds its payload. */
  forward(
    frame: Frame,
    bytes: Uint8Array,
    source: BookEntry,
    destination: BookEntry,
    from: Neighbour,
    nowMs: number,
  ): void {
    if (source.ownIndex >= 0) {
      this.#counters["own-source"]++;
      return;
    }
    if (frame.ttl <= 1) {
      this.#counters["relay-ttl"]++;
      return;
    }
    const flaw = flawOf(frame, bytes);
    if (flaw !== undefined) {
      this.#counters[flaw]++;
      return;
    }
    const via = this.#paths.route(destination)?.via;
    const relation = via?.reachable;
    if (via === undefined || relation === undefined) {
      this.#counters["relay-no-route"]++;
      return;
    }
    // The neighbour's way led through us when it sent this, and ours leads through it by now: the next one will go right.
    if (via === from.node) {
      this.#counters["relay-back"]++;
      return;
    }
    const oneHop = destination === via.entry;
    const whole: NeighbourFrame = {
      flags: (frame.flags & COPIED_FLAGS) | (oneHop ? FrameFlag.ONE_HOP : 0),
      source: this.#topology.addressFor(via, source),
      destination: this.#topology.addressFor(via, destination),
      nextHop: oneHop ? undefined : shortAddress(via.entry.sid.bytes),
      ttl: frame.ttl - 1,
      queue: frame.queue,
    };
    // Rather a question from the next hop than a frame that does not fit (docs/wire.md W5.7).
    const fits = headBytes(whole) + frame.payloadLength <= relation.link.mtuBytes;
    const outgoing = fits
      ? whole
      : {
          ...whole,
          source: shortAddress(source.sid.bytes),
          destination: shortAddress(destination.sid.bytes),
        };
    if (this.#send(relation, outgoing, frame, bytes, nowMs)) this.#counters["frames-relayed"]++;
  }

  /**
   * Send a broadcast frame that goes further than one hop to all neighbours but the one that it comes from, if that one's ways lead through this node.
   * Returns whether it is new, so that this node takes it itself.
   */
  flood(frame: Frame, bytes: Uint8Array, source: BookEntry, from: Neighbour, nowMs: number): boolean {
    if (source.ownIndex >= 0) {
      this.#counters["own-source"]++;
      return false;
    }
    const flaw = flawOf(frame, bytes);
    if (flaw !== undefined) {
      this.#counters[flaw]++;
      return false;
    }
    const noted = this.#broadcastIds.note(bytes, frame.broadcastIdOffset, from.node, nowMs);
    if (noted !== "new") {
      this.#counters[noted === "copy" ? "broadcast-copy" : "broadcast-limit"]++;
      return false;
    }
    if (frame.ttl <= 1) this.#counters["relay-ttl"]++;
    else if (!this.#paths.leadsThroughUs(from.node)) this.#counters["broadcast-not-through-us"]++;
    else this.#sendToAll(frame, bytes, source, from, nowMs);
    return true;
  }

  #sendToAll(frame: Frame, bytes: Uint8Array, source: BookEntry, from: Neighbour, nowMs: number): void {
    const idOffset = frame.broadcastIdOffset;
    const broadcastId = bytes.slice(idOffset, idOffset + BROADCAST_ID_BYTES);
    for (const node of this.#neighbours.nodes()) {
      const relation = node.reachable;
      if (relation === undefined || node === from.node || node.entry === source) continue;
      const outgoing: NeighbourFrame = {
        flags: (frame.flags & COPIED_FLAGS) | FrameFlag.BROADCAST,
        source: this.#topology.addressFor(node, source),
        broadcastId,
        ttl: frame.ttl - 1,
        queue: frame.queue,
      };
      if (this.#send(relation, outgoing, frame, bytes, nowMs)) this.#counters["broadcasts-relayed"]++;
    }
  }

  #send(to: Neighbour, outgoing: NeighbourFrame, frame: Frame, bytes: Uint8Array, nowMs: number): boolean {
    return this.#sender.sendFrame(to, outgoing, bytes, frame.payloadOffset, frame.payloadLength, nowMs);
  }
}

/**
 * Why a frame is not to be handed on: some software in use cannot bear an explanation that is cut short, an address of
 * no length in a record, or a message without a payload, and what we send is our affair, whoever made it (docs/wire.md
 * W5.6). What means nothing to anybody (W3.4) stays here, too.
 */
function flawOf(frame: Frame, bytes: Uint8Array): DropReason | FaultReason | undefined {
  const { flags, payloadOffset, payloadLength } = frame;
  if (flags & FrameFlag.LEGACY_TYPE) return "relay-type";
  if (flags & FrameFlag.CIPHERED) {
    if ((flags & FrameFlag.SIGNED) === 0) return "not-signed";
    if (flags & FrameFlag.BROADCAST) return "sealed-broadcast";
    // Of a ciphered message only the length shows: at least a byte of ports and one of payload.
    return payloadLength < SEAL_BYTES + 2 ? "message-empty" : undefined;
  }
  const end = payloadOffset + payloadLength - (flags & FrameFlag.SIGNED ? SIGNATURE_BYTES : 0);
  const ports = parsePorts(bytes, payloadOffset, end);
  if (ports.kind === "fault") return ports.reason;
  if (ports.destination === ServicePort.LINK_STATE) return "not-one-hop";
  return ports.end >= end ? "message-empty" : undefined;
}

/** Bytes before the payload, with the longest envelope that a neighbour in use gets. */
function headBytes(frame: NeighbourFrame): number {
  return ENVELOPE_BYTES + frameHeadBytes({ ...frame, sequence: 0 }, Encapsulation.MANY);
}

const COPIED_FLAGS = FrameFlag.CIPHERED | FrameFlag.SIGNED | FrameFlag.ACK_SOON;

// Of an Ed25519 signature (docs/wire.md W3.2).
const SIGNATURE_BYTES = 64;

// Version, encapsulation, short transmitter, flags, interface, packet sequence.
const ENVELOPE_BYTES = 5 + addressBytes(shortAddress(new Uint8Array(32)));
