import type { Counters } from "./counters.ts";
import { Encapsulation } from "./envelope.ts";
import { encodeFrameHead, FrameFlag, type FrameToWrite, frameHeadBytes, Queue } from "./frame.ts";
import { HeldFrames } from "./held-frames.ts";
import { type Link, PACKET_BYTES } from "./link.ts";
import { QueuedFrame } from "./link-queue.ts";
import type { Neighbour } from "./neighbours.ts";
import type { Outgoing } from "./outgoing.ts";
import { Timing } from "./timing.ts";

/**
 * A frame to one neighbour, but for its sequence number, which the sender gives it. `queue` says how urgent it is also
 * where the frame does not carry it (ONE_HOP); with the flag ACK_SOON the frame is kept and sent again until the
 * neighbour has acknowledged it or 1 s has passed (docs/wire.md W5).
 */
export type NeighbourFrame = Omit<FrameToWrite, "sequence">;

/** Where an encoded frame lies, with {@link ENVELOPE_HEADROOM} bytes of room before it. */
export interface EncodedFrame {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly payloadOffset: number;
  readonly end: number;
  /** 0..3, the most urgent first. */
  readonly queue: number;
}

/**
 * Sends frames to neighbours: at once where the link is free, without a copy; else by its queue (link-queue.ts), and
 * again where they ask for it (held-frames.ts).
 */
export class FrameSender {
  readonly #outgoing: Outgoing;
  readonly #counters: Counters;
  readonly #wakeBy: (atMs: number) => void;
  readonly #held = new HeldFrames();
  /** Links with frames that wait. */
  readonly #waiting = new Set<Link>();
  readonly #packet = new Uint8Array(ENVELOPE_HEADROOM + PACKET_BYTES);

  constructor(outgoing: Outgoing, counters: Counters, wakeBy: (atMs: number) => void) {
    this.#outgoing = outgoing;
    this.#counters = counters;
    this.#wakeBy = wakeBy;
  }

  /**
   * Send the frame with the payload of `length` bytes at `offset` of `bytes`, which may be reused at once. Returns
   * false, and counts, if it is dropped here: too large for the link, or a full queue.
   */
  sendFrame(
    relation: Neighbour,
    frame: NeighbourFrame,
    bytes: Uint8Array,
    offset: number,
    length: number,
    nowMs: number,
  ): boolean {
    const headBytes = frameHeadBytes({ ...frame, sequence: 0 }, Encapsulation.MANY);
    if (headBytes + length > PACKET_BYTES) {
      this.#counters["over-mtu"]++;
      return false;
    }
    const numbered = { ...frame, sequence: relation.node.nextFrameSequence() };
    const packet = this.#packet;
    const payloadOffset = encodeFrameHead(packet, ENVELOPE_HEADROOM, numbered, Encapsulation.MANY, length);
    packet.set(bytes.subarray(offset, offset + length), payloadOffset);
    const { queue = Queue.ORDINARY } = frame;
    const end = payloadOffset + length;
    return this.offer(
      relation,
      { bytes: packet, offset: ENVELOPE_HEADROOM, payloadOffset, end, queue },
      nowMs,
    );
  }

  /** The same for a frame that is encoded already, with its sequence number. Writes the envelope before it. */
  offer(relation: Neighbour, frame: EncodedFrame, nowMs: number): boolean {
    const { bytes, offset, end } = frame;
    if (this.#outgoing.envelopeBytesTo(relation) + end - offset > relation.link.mtuBytes) {
      this.#counters["over-mtu"]++;
      return false;
    }
    const { queue } = relation.link;
    if (!queue.isIdle(nowMs)) {
      if (!queue.push(kept(relation, frame, nowMs))) {
        this.#counters["queue-full"]++;
        return false;
      }
      this.#waiting.add(relation.link);
      this.#wakeBy(queue.dueMs);
    } else if (bytes[offset]! & FrameFlag.ACK_SOON) {
      this.#sendAndHold(kept(relation, frame, nowMs), relation, bytes, offset, end, nowMs);
    } else {
      this.#transmit(relation, bytes, offset, end, nowMs);
    }
    return true;
  }

  /** A record of `relation` said what it heard. */
  handleAck(relation: Neighbour, nowMs: number): void {
    this.#held.handleAck(relation, nowMs);
    this.#wakeBy(this.#held.dueMs);
  }

  /** Send what is due. Returns when to call again. */
  run(nowMs: number): number {
    this.#held.run(
      nowMs,
      (frame) => this.#resend(frame, nowMs),
      () => this.#counters["frame-unacknowledged"]++,
    );
    let nextMs = this.#held.dueMs;
    for (const link of this.#waiting) {
      for (let frame = link.queue.shift(nowMs); frame !== undefined; frame = link.queue.shift(nowMs)) {
        this.#sendQueued(frame, nowMs);
      }
      if (link.queue.count === 0) this.#waiting.delete(link);
      nextMs = Math.min(nextMs, link.queue.dueMs);
    }
    return Math.min(nextMs, this.#held.dueMs);
  }

  #resend(frame: QueuedFrame, nowMs: number): void {
    const relation = frame.relation.node.reachable;
    if (relation === undefined) return; // another way may come up before it expires
    frame.relation.stats.framesResent++;
    this.#counters["frames-resent"]++;
    this.#renumber(frame);
    if (relation.link.queue.isIdle(nowMs)) {
      this.#sendCopy(frame, relation, nowMs);
    } else if (relation.link.queue.push(frame)) {
      frame.resendAtMs = Number.POSITIVE_INFINITY;
      this.#waiting.add(relation.link);
    } else {
      this.#counters["queue-full"]++;
    }
  }

  /**
   * A receiver of the deployed kind knows copies by the numbers of the last 64 frames; one from further back would move
   * its window back, and fresh frames would look like copies. Such a frame gets a new number (docs/wire.md W11).
   */
  #renumber(frame: QueuedFrame): void {
    const at = frame.payloadOffset - SEQUENCE_BEFORE_PAYLOAD;
    if (frame.relation.node.frameCount - frame.number < OLDEST_NUMBER) return;
    frame.bytes[at] = frame.relation.node.nextFrameSequence();
    frame.number = frame.relation.node.frameCount;
  }

  #sendQueued(frame: QueuedFrame, nowMs: number): void {
    if (frame.isDone) return;
    const relation = frame.relation.reachable ? frame.relation : frame.relation.node.reachable;
    if (relation === undefined) {
      this.#counters["no-route"]++;
    } else if (frame.expiresAtMs <= nowMs) {
      this.#counters["queue-expired"]++;
    } else {
      this.#sendCopy(frame, relation, nowMs);
    }
  }

  /** Send a frame that lies in a copy of its own. */
  #sendCopy(frame: QueuedFrame, relation: Neighbour, nowMs: number): void {
    const packet = this.#packet;
    packet.set(frame.bytes, ENVELOPE_HEADROOM);
    const end = ENVELOPE_HEADROOM + frame.bytes.length;
    if (frame.bytes[0]! & FrameFlag.ACK_SOON) {
      this.#sendAndHold(frame, relation, packet, ENVELOPE_HEADROOM, end, nowMs);
    } else {
      this.#transmit(relation, packet, ENVELOPE_HEADROOM, end, nowMs);
    }
  }

  #sendAndHold(
    frame: QueuedFrame,
    relation: Neighbour,
    bytes: Uint8Array,
    offset: number,
    end: number,
    nowMs: number,
  ): void {
    this.#transmit(relation, bytes, offset, end, nowMs);
    const packet = relation.ledger.isNumbering ? relation.ledger.count : 0;
    if (!frame.isHeld) {
      if (!this.#held.hasRoom(relation.node)) {
        this.#counters["held-full"]++;
        return;
      }
      this.#held.hold(frame);
    }
    this.#held.handleSent(frame, relation, packet, nowMs);
    this.#wakeBy(this.#held.dueMs);
  }

  #transmit(relation: Neighbour, bytes: Uint8Array, offset: number, end: number, nowMs: number): void {
    const packetOffset = this.#outgoing.writeEnvelope(relation, bytes, offset);
    relation.link.queue.charge(end - packetOffset, nowMs);
    relation.stats.framesSent++;
    this.#counters["packets-sent"]++;
    relation.link.transport.send(bytes.subarray(packetOffset, end), relation.address);
  }
}

/** A copy that outlives the call. */
function kept(relation: Neighbour, frame: EncodedFrame, nowMs: number): QueuedFrame {
  return new QueuedFrame(
    relation,
    frame.bytes.slice(frame.offset, frame.end),
    frame.payloadOffset - frame.offset,
    relation.node.frameCount,
    frame.queue,
    nowMs + Timing.FRAME_EXPIRY,
  );
}

/** Room for the longest envelope: a whole SID, interface and packet number. */
export const ENVELOPE_HEADROOM = 40;

/** Where the frame sequence stands: a byte, then two of payload length. */
const SEQUENCE_BEFORE_PAYLOAD = 3;

/** Of the 64 numbers that a deployed receiver remembers, some are left for frames that overtake. */
const OLDEST_NUMBER = 48;
