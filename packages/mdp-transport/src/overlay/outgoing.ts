import type { LinkAddress } from "@meshstream/msp";
import { type AddressToWrite, abbreviatedAddress, addressBytes, wholeAddress } from "./address.ts";
import type { Counters } from "./counters.ts";
import { Encapsulation, EnvelopeFlag, type EnvelopeToWrite, encodeEnvelope } from "./envelope.ts";
import { encodeFrameHead, type FrameToWrite } from "./frame.ts";
import { type Link, PACKET_BYTES } from "./link.ts";
import type { Neighbour } from "./neighbours.ts";

/** Writes a payload at `offset` of `out`. Returns the offset just past it. */
export type PayloadWriter = (out: Uint8Array, offset: number) => number;

/**
 * Puts together the packets that a node sends of its own accord, ticks, explains and link state, in one buffer, and
 * the envelopes of all its packets (docs/wire.md W4).
 */
export class Outgoing {
  readonly #whole: AddressToWrite;
  readonly #short: AddressToWrite;
  readonly #counters: Counters;
  readonly #packet = new Uint8Array(PACKET_BYTES);
  readonly #payload = new Uint8Array(PACKET_BYTES);
  #broadcastSequence: number;

  /** `sid` is the primary identity: the transmitter of every packet. */
  constructor(sid: Uint8Array, counters: Counters, randomByte: number) {
    this.#whole = wholeAddress(sid);
    this.#short = shortAddress(sid);
    this.#counters = counters;
    this.#broadcastSequence = randomByte;
  }

  /** Bytes that {@link writeEnvelope} will write. */
  envelopeBytesTo(neighbour: Neighbour): number {
    const transmitter = neighbour.knowsUs ? this.#short : this.#whole;
    const optional = (neighbour.link.index > 0 ? 1 : 0) + (neighbour.ledger.isNumbering ? 1 : 0);
    return 3 + addressBytes(transmitter) + optional;
  }

  /**
   * Write the envelope of a unicast packet to a neighbour so that it ends at `framesOffset`; takes its next packet
   * number. Returns where the packet begins.
   */
  writeEnvelope(neighbour: Neighbour, out: Uint8Array, framesOffset: number): number {
    const bytes = this.envelopeBytesTo(neighbour);
    encodeEnvelope(out, framesOffset - bytes, this.#envelopeTo(neighbour, neighbour.knowsUs));
    return framesOffset - bytes;
  }

  /** The envelope of a unicast packet to a neighbour; takes its next packet number. */
  #envelopeTo(neighbour: Neighbour, isShort: boolean): EnvelopeToWrite {
    neighbour.stats.packetsSent++;
    return {
      version: 1,
      encapsulation: Encapsulation.MANY,
      transmitter: isShort ? this.#short : this.#whole,
      flags: EnvelopeFlag.UNICAST,
      interfaceNumber: neighbour.link.index,
      sequence: neighbour.ledger.next(),
    };
  }

  /** A frame sequence number for receivers that may not be known. The stride leaves the window of copies behind it. */
  nextBroadcastSequence(): number {
    this.#broadcastSequence = (this.#broadcastSequence + BROADCAST_STRIDE) & 0xff;
    return this.#broadcastSequence;
  }

  /** "I am here", with the whole SID, so that nobody need ask. */
  tick(link: Link, to: LinkAddress, unicast: boolean): void {
    const end = encodeEnvelope(this.#packet, 0, { ...this.#anonymous(link, unicast), version: 0 });
    this.#counters["ticks-sent"]++;
    this.#send(link, to, end);
  }

  /** One frame, in a packet with the whole SID and no number, to one address or to all broadcast addresses. */
  frame(link: Link, to: LinkAddress | "broadcast", frame: FrameToWrite, write: PayloadWriter): void {
    const envelope = this.#anonymous(link, to !== "broadcast");
    const end = this.#assemble(envelope, frame, write);
    for (const address of to === "broadcast" ? link.broadcast : [to]) this.#send(link, address, end);
  }

  /** One frame to a neighbour. Returns false if it may not be sent so much yet. */
  frameTo(
    neighbour: Neighbour,
    frame: FrameToWrite,
    write: PayloadWriter,
    isShort: boolean = neighbour.knowsUs,
  ): boolean {
    const end = this.#assemble(this.#envelopeTo(neighbour, isShort), frame, write);
    if (!neighbour.spend(end)) {
      this.#counters["unproven-limit"]++;
      return false;
    }
    neighbour.stats.framesSent++;
    this.#send(neighbour.link, neighbour.address, end);
    return true;
  }

  #assemble(envelope: EnvelopeToWrite, frame: FrameToWrite, write: PayloadWriter): number {
    const length = write(this.#payload, 0);
    const framesOffset = encodeEnvelope(this.#packet, 0, envelope);
    const at = encodeFrameHead(this.#packet, framesOffset, frame, Encapsulation.MANY, length);
    this.#packet.set(this.#payload.subarray(0, length), at);
    return at + length;
  }

  #anonymous(link: Link, unicast: boolean): EnvelopeToWrite {
    return {
      version: 1,
      encapsulation: Encapsulation.MANY,
      transmitter: this.#whole,
      flags: unicast ? EnvelopeFlag.UNICAST : 0,
      interfaceNumber: link.index,
      sequence: -1,
    };
  }

  #send(link: Link, to: LinkAddress, end: number): void {
    this.#counters["packets-sent"]++;
    link.transport.send(this.#packet.subarray(0, end), to);
  }
}

/** An address for whoever is known to know `sid`. Eight bytes are alike by intent only (docs/wire.md W6.2). */
export function shortAddress(sid: Uint8Array): AddressToWrite {
  return abbreviatedAddress(sid, ABBREVIATION_BYTES);
}

const ABBREVIATION_BYTES = 8;

// Four strides go round the numbers once: at most one of them falls within 64 of what a receiver heard last.
const BROADCAST_STRIDE = 77;
