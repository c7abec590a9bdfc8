import { type DecodedPacket, PacketFlag, PacketKind } from "@meshstream/wasm-core";

/** What is known of the peer of a connection: its first packet decides, for good (docs/wire.md W13.2). */
export type PeerKind = "unknown" | "legacy" | "extended";

/** What the negotiation makes of a packet. */
export type Admission =
  /** It means what it says. */
  | "admitted"
  /** It has a type that only extended peers use, on a connection without the extension: to be dropped and counted. */
  | "unexpected"
  /** It lacks the bit that every packet of this connection has: it is of another one. To be dropped and counted. */
  | "missing";

/** The negotiation of one connection: what we offer, and what the peer turned out to speak (docs/wire.md W13). */
export class Extension {
  peer: PeerKind = "unknown";
  /** The peer has said that it decodes repairs. False until its first extended acknowledgement came. */
  peerCodes = false;
  /**
   * The last packet that came lacked the bit: either it was late, from an earlier connection, or the peer's program was
   * restarted under the same ports and does not speak the extension. It would take our packets for messages, so nothing is
   * sent until one with the bit comes (docs/wire.md W13.5).
   */
  isDoubtful = false;
  private readonly isOffered: boolean;

  constructor(isOffered: boolean) {
    this.isOffered = isOffered;
  }

  /** The bit of every packet that we send on this connection, or 0. Deployed peers ignore it. */
  get flag(): number {
    return this.isOffered ? PacketFlag.EXTENSION : 0;
  }

  /** Our next pure acknowledgement is one of four bytes: an offer to a peer that has not been heard yet. */
  get isOpening(): boolean {
    return this.isOffered && this.peer === "unknown";
  }

  /** Take in a packet with a meaning, other than STOP. */
  handlePacket(packet: DecodedPacket): Admission {
    if (this.peer === "unknown") this.peer = this.isOffered && packet.isExtended ? "extended" : "legacy";
    const isExtendedType = packet.kind === PacketKind.EXTENDED_ACK || packet.kind === PacketKind.REPAIR;
    if (this.peer === "legacy") return isExtendedType ? "unexpected" : "admitted";
    this.isDoubtful = !packet.isExtended;
    if (this.isDoubtful) return "missing";
    if (packet.kind === PacketKind.EXTENDED_ACK)
      this.peerCodes = (packet.extendedAck.capabilities & CODING) !== 0;
    return "admitted";
  }
}

/** Our version, in the low four bits of the byte that every extended acknowledgement has. The lower of both holds. */
export const EXTENSION_VERSION = 1;

/** Capability: "I decode repairs". */
export const CODING = 1;
