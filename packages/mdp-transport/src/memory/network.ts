import { type Address, type Clock, MspError, Sid } from "@meshstream/msp";
import {
  type DropReason,
  Link,
  type LinkConfig,
  type ParsedLinkConfig,
  parseLinkConfig,
  type Random,
} from "@meshstream/netem";
import { type Core, TRANSMIT_CAPACITY } from "@meshstream/wasm-core";
import { MemoryTransport } from "./transport.ts";

/** What a packet weighs on a link beyond its MSP bytes: all headers, nonce and MAC. The longest, of 1029 bytes, weighs 1100. */
export const OVERHEAD_BYTES = 71;

/** What became of a packet in the end. Everything but "delivered" is a drop. */
export type PacketFate =
  | "delivered"
  /** The link's own reasons; "damage": a corrupted or truncated copy, which here as on the wire fails its MAC. */
  | DropReason
  /** The filter took it out. */
  | "filter"
  /** No node of the network ever had that SID. */
  | "no-route"
  /** The node is closed. */
  | "closed"
  /** Nobody has bound that port of that identity. */
  | "no-port";

/** One MSP packet on its way. */
export interface MemoryPacket {
  readonly from: Address;
  readonly to: Address;
  /** Do not write to them. */
  readonly bytes: Uint8Array;
  readonly sentAtMs: number;
}

export interface MemoryNetworkOptions {
  readonly clock: Clock;
  /** All chance of the network comes from here: SIDs, ports, what links do. */
  readonly random: Random;
  /** What every link starts with; a clean one without delay if absent. */
  readonly link?: Partial<LinkConfig>;
}

/**
 * Nodes in one process, each pair joined by two netem links, one for each direction. Packets cross as they are:
 * the type is all the sealing there is, and what would fail a MAC is dropped. For tests and simulation only.
 * Deterministic: the same random, calls and clock give the same trace.
 *
 * Memory: what its links hold; counters are numbers.
 *
 * @example
 * const clock = new VirtualClock();
 * const network = new MemoryNetwork({ clock, random: createRandom(1), link: { delayMs: 10 } });
 * const a = network.node(await createCore());
 * const b = network.node(await createCore());
 * network.link(a, b).configure({ loss: { model: "bernoulli", p: 0.1 } }); // from a to b only
 */
export class MemoryNetwork {
  readonly clock: Clock;
  /** Packets by what became of them, since the start; a duplicate counts again. */
  readonly counters: Readonly<Record<PacketFate, number>> = emptyCounters();
  readonly #random: Random;
  #config: ParsedLinkConfig;
  /** Every SID that a node has or had, and where. */
  readonly #places = new Map<string, Place>();
  /** One object for each of them. */
  readonly #sids = new Map<string, Sid>();
  readonly #taps = new Set<(packet: MemoryPacket, fate: PacketFate) => void>();
  #filter: ((packet: MemoryPacket) => Uint8Array | undefined) | undefined;

  /** Throws as parseLinkConfig of @meshstream/netem does. */
  constructor(options: MemoryNetworkOptions) {
    this.clock = options.clock;
    this.#random = options.random.fork();
    this.#config = parseLinkConfig(options.link ?? {});
  }

  /**
   * Add a node with the identities `sids`, the primary first; without any, with one SID drawn at random. `core` is
   * the node's own. A node that is closed may be added again under its primary SID: it gets its old links, and what
   * is under way to it. Throws MspError "address" if one of the SIDs is another node's, be that closed or not.
   */
  node(core: Core, ...sids: Sid[]): MemoryTransport {
    const identities = sids.length > 0 ? sids.map((sid) => this.#intern(sid)) : [this.#drawSid()];
    const old = this.#places.get(identities[0]!.hex);
    for (const { hex } of identities) {
      const other = this.#places.get(hex);
      if (other !== undefined && (other !== old || other.transport !== undefined)) {
        throw new MspError("address", `the network has a node with the SID ${hex} already`);
      }
    }
    const place = old ?? this.#addPlace();
    for (const { hex } of identities) this.#places.set(hex, place);
    place.transport = new MemoryTransport({
      core,
      identities,
      random: this.#random.fork(),
      route: (from, to, bytes) => this.#route(from, to, bytes),
      closed: () => {
        place.transport = undefined;
      },
    });
    return place.transport;
  }

  /**
   * The link from one node to another, to configure it or to read its statistics. Throws MspError "address" if one of
   * them is not of this network, or both are the same.
   */
  link(from: MemoryTransport | Sid, to: MemoryTransport | Sid): Link<MemoryPacket> {
    const link = this.#placeOf(from).links.get(this.#placeOf(to));
    if (link === undefined) throw new MspError("address", "a node has no link to itself");
    return link;
  }

  /** Change every link, those of nodes yet to come too. Throws as parseLinkConfig does. */
  configure(change: Partial<LinkConfig>): void {
    this.#config = parseLinkConfig(change, this.#config);
    for (const link of this.#links()) link.configure(change);
  }

  /** Watch every packet, at the moment when its fate is known; for a duplicated one, each copy. Returns how to stop it. */
  onPacket(tap: (packet: MemoryPacket, fate: PacketFate) => void): () => void {
    this.#taps.add(tap);
    return () => this.#taps.delete(tap);
  }

  /**
   * Set the one filter, which sees every packet as it is sent, local ones too, and returns the bytes to go on (the same, or
   * others of 0..1280, which then count as authentic) or undefined to lose it. Without an argument, nothing is filtered any more.
   *
   * @example network.filter((packet) => (isLastAck(packet.bytes) ? undefined : packet.bytes));
   */
  filter(decide?: (packet: MemoryPacket) => Uint8Array | undefined): void {
    this.#filter = decide;
  }

  /**
   * Put a packet on the wire as if `from` had sealed it: a replay, a stray. It meets the filter and the link as any other.
   * Copies `bytes`, 0..1280. Throws MspError "address" if `from` is not of this network, "argument" for more bytes.
   */
  inject(from: Address, to: Address, bytes: Uint8Array): void {
    this.#route({ sid: this.#intern(from.sid), port: from.port }, to, bytes.slice());
  }

  /** False if there is nobody to send it to, ever. */
  #route(from: Address, to: Address, bytes: Uint8Array): boolean {
    const packet = { from, to, bytes, sentAtMs: this.clock.now() };
    const source = this.#placeOf(from.sid);
    const target = this.#places.get(to.sid.hex);
    if (target === undefined) {
      this.#settle(packet, "no-route");
      return false;
    }
    const filtered = this.#filter === undefined ? bytes : this.#filter(packet);
    if (filtered === undefined) {
      this.#settle(packet, "filter");
      return true;
    }
    if (filtered.length > TRANSMIT_CAPACITY) {
      throw new MspError(
        "argument",
        `a packet has at most ${TRANSMIT_CAPACITY} bytes, not ${filtered.length}`,
      );
    }
    const carried = { ...packet, bytes: filtered };
    const link = source.links.get(target);
    if (link !== undefined) link.send(carried);
    // Within one node there is no link, but delivery never happens within send.
    else this.clock.setTimer(this.clock.now(), () => this.#deliver(carried));
    return true;
  }

  #deliver(packet: MemoryPacket): void {
    const transport = this.#places.get(packet.to.sid.hex)?.transport;
    const receive = transport?.receiver(packet.to);
    if (transport === undefined) this.#settle(packet, "closed");
    else if (receive === undefined) this.#settle(packet, "no-port");
    else {
      // Counted first: what the receiver does, and may throw, is no longer the network's.
      this.#settle(packet, "delivered");
      receive(packet.from, packet.bytes);
    }
  }

  #settle(packet: MemoryPacket, fate: PacketFate): void {
    (this.counters as Record<PacketFate, number>)[fate] += 1;
    for (const tap of this.#taps) tap(packet, fate);
  }

  #addPlace(): Place {
    const place: Place = { transport: undefined, links: new Map() };
    for (const other of new Set(this.#places.values())) {
      place.links.set(other, this.#addLink());
      other.links.set(place, this.#addLink());
    }
    return place;
  }

  #addLink(): Link<MemoryPacket> {
    return new Link<MemoryPacket>({
      clock: this.clock,
      random: this.#random.fork(),
      config: this.#config,
      sizeBytes: (packet) => packet.bytes.length + OVERHEAD_BYTES,
      deliver: (packet) => this.#deliver(packet),
      drop: (packet, reason) => this.#settle(packet, reason),
    });
  }

  *#links(): Iterable<Link<MemoryPacket>> {
    for (const place of new Set(this.#places.values())) yield* place.links.values();
  }

  #placeOf(node: MemoryTransport | Sid): Place {
    const sid = node instanceof Sid ? node : node.identities[0]!;
    const place = this.#places.get(sid.hex);
    if (place === undefined) throw new MspError("address", `no node of this network has the SID ${sid.hex}`);
    return place;
  }

  #drawSid(): Sid {
    const bytes = new Uint8Array(32);
    this.#random.fill(bytes);
    return this.#intern(Sid.fromBytes(bytes));
  }

  #intern(sid: Sid): Sid {
    const known = this.#sids.get(sid.hex);
    if (known === undefined) this.#sids.set(sid.hex, sid);
    return known ?? sid;
  }
}

/** Where a node is in the network: outlives the node, as the air does. */
interface Place {
  transport: MemoryTransport | undefined;
  /** To every other place. */
  readonly links: Map<Place, Link<MemoryPacket>>;
}

function emptyCounters(): Record<PacketFate, number> {
  return {
    delivered: 0,
    mtu: 0,
    down: 0,
    queue: 0,
    loss: 0,
    damage: 0,
    filter: 0,
    "no-route": 0,
    closed: 0,
    "no-port": 0,
  };
}
