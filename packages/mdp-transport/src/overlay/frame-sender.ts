import type { Counters } from "./counters.ts";
import { Encapsulation, encodeEnvelope } from "./envelope.ts";
import { encodeFrameHead, type FrameToWrite } from "./frame.ts";
import { PACKET_BYTES } from "./link.ts";
import type { Neighbour } from "./neighbours.ts";
import type { Outgoing } from "./outgoing.ts";

/**
 * A frame to one neighbour, but for its sequence number, which the sender gives it. `queue` says how urgent it is also
 * where the frame does not carry it (ONE_HOP); with the flag ACK_SOON the frame is kept and sent again until the
 * neighbour has acknowledged it or 1 s has passed (docs/wire.md W5).
 */
export type NeighbourFrame = Omit<FrameToWrite, "sequence">;

/** Sends frames to neighbours: what this node forwards, and what it sends of its own but for the fast path. */
export class FrameSender {
  readonly #outgoing: Outgoing;
  readonly #counters: Counters;
  readonly #packet = new Uint8Array(PACKET_BYTES);

  constructor(outgoing: Outgoing, counters: Counters) {
    this.#outgoing = outgoing;
    this.#counters = counters;
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
    _nowMs: number,
  ): boolean {
    const packet = this.#packet;
    const framesOffset = encodeEnvelope(packet, 0, this.#outgoing.envelopeTo(relation));
    const numbered = { ...frame, sequence: relation.node.nextFrameSequence() };
    const at = encodeFrameHead(packet, framesOffset, numbered, Encapsulation.MANY, length);
    if (at + length > relation.link.mtuBytes) {
      this.#counters["over-mtu"]++;
      return false;
    }
    packet.set(bytes.subarray(offset, offset + length), at);
    this.#counters["packets-sent"]++;
    relation.link.transport.send(packet.subarray(0, at + length), relation.address);
    return true;
  }
}
