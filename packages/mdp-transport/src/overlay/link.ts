import { type DatagramTransport, type LinkAddress, MspError } from "@meshstream/msp";
import { Limit } from "./limits.ts";
import { LinkQueue } from "./link-queue.ts";

/** A link given to a node: an unsealed datagram transport, and whom to seek on it. */
export interface OverlayLink {
  readonly transport: DatagramTransport;
  /** Addresses at which a node is expected: they get ticks until it answers. */
  readonly peers?: readonly LinkAddress[];
  /** Whether to announce the node to the link's broadcast addresses. Default: true. */
  readonly broadcast?: boolean;
  /** Whether the link has only two ends, as a serial line: the addresses fc and fd mean something there. Default: false. */
  readonly pointToPoint?: boolean;
  /**
   * Send no faster than this: what is beyond waits in the node, the most urgent first, instead of being lost on the way.
   * Above 0. Default: Infinity, for a link that nobody knows the rate of.
   */
  readonly rateBitsPerSecond?: number;
}

/** One link of a node. */
export class Link {
  /** The number that tells it from the node's other links, also on the wire: 0..255. */
  readonly index: number;
  readonly transport: DatagramTransport;
  /** Where broadcasts go; empty if there are none or they are not wanted. */
  readonly broadcast: readonly LinkAddress[];
  /** Most bytes of a packet sent here. */
  readonly mtuBytes: number;
  /** There are only two ends to it. */
  readonly isPointToPoint: boolean;
  /** Frames that wait for the link. */
  readonly queue: LinkQueue;
  readonly #peers = new Set<LinkAddress>();

  constructor(index: number, options: OverlayLink) {
    this.index = index;
    this.transport = options.transport;
    this.broadcast = options.broadcast === false ? [] : options.transport.broadcast;
    this.isPointToPoint = options.pointToPoint ?? false;
    this.mtuBytes = Math.min(options.transport.mtuBytes, PACKET_BYTES);
    const { rateBitsPerSecond = Number.POSITIVE_INFINITY } = options;
    if (!(rateBitsPerSecond > 0)) {
      throw new MspError("argument", `rateBitsPerSecond is ${rateBitsPerSecond}; it is above 0`);
    }
    this.queue = new LinkQueue(rateBitsPerSecond);
  }

  isPeer(address: LinkAddress): boolean {
    return this.#peers.has(address);
  }

  /** Returns false if it is one already. Throws MspError "argument" beyond {@link Limit}.PEERS_PER_LINK. */
  addPeer(address: LinkAddress): boolean {
    if (this.#peers.has(address)) return false;
    if (this.#peers.size >= Limit.PEERS_PER_LINK) {
      throw new MspError("argument", `more than ${Limit.PEERS_PER_LINK} peers on one link`);
    }
    this.#peers.add(address);
    return true;
  }
}

/** Largest packet between neighbours: the default MTU of deployed nodes (docs/wire.md W4). */
export const PACKET_BYTES = 1200;
