import {
  type Address,
  type BindAddress,
  type Clock,
  type Entropy,
  type LinkAddress,
  MspError,
  type PacketReceiver,
  type PacketWriter,
  type SealedBinding,
  type SealedTransport,
  SID_BYTES,
  type Sid,
} from "@meshstream/msp";
import { type Core, TRANSMIT_CAPACITY, TRANSMIT_HEADROOM } from "@meshstream/wasm-core";
import { AddressBook } from "./address-book.ts";
import { Agenda } from "./agenda.ts";
import { Bindings } from "./bindings.ts";
import { chooseSeal } from "./choose-seal.ts";
import { type CounterName, type Counters, createCounters } from "./counters.ts";
import { Discovery } from "./discovery.ts";
import { Explainer } from "./explainer.ts";
import { FrameSender } from "./frame-sender.ts";
import type { Identity } from "./identity.ts";
import { Intake } from "./intake.ts";
import { Limit } from "./limits.ts";
import { Link, type OverlayLink } from "./link.ts";
import { LinkStateExchange } from "./link-state-exchange.ts";
import { LocalDelivery } from "./local-delivery.ts";
import { type NeighbourInfo, neighbourInfo } from "./neighbour-info.ts";
import { NeighbourTable } from "./neighbours.ts";
import { NonceSource } from "./nonce.ts";
import { Outgoing } from "./outgoing.ts";
import { PathExchange } from "./path-exchange.ts";
import { Paths, type RouteInfo } from "./paths.ts";
import { Relay } from "./relay.ts";
import type { SealName, SealProvider } from "./seal.ts";
import { SealedSender } from "./sealed-sender.ts";
import { serveEcho } from "./services/echo.ts";
import { serveKeyMapping } from "./services/key-mapping.ts";
import { type PublishedService, ServiceDirectory } from "./services/service-directory.ts";
import { serveTrace } from "./services/trace.ts";
import { SharedKeys } from "./shared-keys.ts";
import { Topology } from "./topology.ts";

/** What {@link createOverlay} makes a node of. */
export interface OverlayOptions {
  /** Owns the memory in which packets are sealed and opened. */
  readonly core: Core;
  readonly clock: Clock;
  /** Cryptographically strong: the nonces come from it. */
  readonly entropy: Entropy;
  /** 1 to 256, the primary first. */
  readonly identities: readonly Identity[];
  /** 0 to 256. The node closes their transports when it is closed. */
  readonly links: readonly OverlayLink[];
  /** What seals and opens; "auto" (the default) takes the fastest of both that passes its test, see `sealing`. */
  readonly sealing?: "auto" | SealName;
}

/**
 * Start a Serval node on the links given (docs/wire.md W4 to W9). It announces itself at once.
 * Rejects with MspError "argument" for a number of identities or links outside their ranges, and with "transport-start"
 * if what was asked to seal fails the test of its own.
 * Memory: see {@link Limit}.
 *
 * @example
 * const identities = [await createIdentity(systemEntropy)];
 * const links = [{ transport: await openUdp({ bind: "0.0.0.0:4110", broadcast: true }) }];
 * const node = await createOverlay({ core, clock: systemClock, entropy: systemEntropy, identities, links });
 */
export async function createOverlay(options: OverlayOptions): Promise<OverlayNode> {
  if (options.identities.length < 1 || options.identities.length > IDENTITIES_LIMIT) {
    throw new MspError("argument", `a node has 1 to ${IDENTITIES_LIMIT} identities`);
  }
  if (options.links.length > Limit.LINKS) {
    throw new MspError("argument", `a node has at most ${Limit.LINKS} links`);
  }
  return new OverlayNode(options, await chooseSeal(options.core, options.sealing));
}

/** A Serval node in this process: what MSP and the services of the node run on. Made by {@link createOverlay}. */
export class OverlayNode implements SealedTransport {
  readonly core: Core;
  readonly identities: readonly Sid[];
  /** What seals and opens this node's frames. */
  readonly sealing: SealName;
  /** Everything that the node counts, by name; live. */
  readonly counters: Readonly<Record<string, number>>;
  readonly #counters: Counters;
  readonly #clock: Clock;
  readonly #book: AddressBook;
  readonly #links: readonly Link[];
  readonly #neighbours: NeighbourTable;
  readonly #agenda: Agenda;
  readonly #discovery: Discovery;
  readonly #paths: Paths;
  readonly #pathExchange: PathExchange;
  readonly #linkState: LinkStateExchange;
  readonly #frames: FrameSender;
  readonly #sender: SealedSender;
  readonly #bindings: Bindings;
  readonly #local: LocalDelivery;
  readonly #directory: ServiceDirectory;
  #closed = false;

  /** Use {@link createOverlay}, which waits for the sealing to be ready. */
  constructor(options: OverlayOptions, provider: SealProvider) {
    const { core, clock, entropy } = options;
    const randomByte = () => drawByte(entropy);
    const counters = createCounters();
    const identities = options.identities.map(({ sid }) => sid);
    const book = new AddressBook(identities);
    const neighbours = new NeighbourTable(counters, randomByte);
    const topology = new Topology();
    const paths = new Paths(book.own[0]!, neighbours, topology);
    const outgoing = new Outgoing(identities[0]!.bytes, counters, randomByte());
    const explainer = new Explainer({ book, paths, outgoing, counters });
    const keys = new SharedKeys(options.identities, provider);
    const nonces = new NonceSource(entropy);

    this.core = core;
    this.identities = identities;
    this.sealing = provider.name;
    this.counters = counters;
    this.#counters = counters;
    this.#clock = clock;
    this.#book = book;
    this.#neighbours = neighbours;
    this.#agenda = new Agenda(clock, (nowMs) => this.#run(nowMs));
    const wakeBy = (atMs: number) => this.#agenda.wakeBy(atMs);
    const frames = new FrameSender(outgoing, counters, wakeBy);
    this.#frames = frames;
    this.#discovery = new Discovery(outgoing, neighbours);
    this.#paths = paths;
    const pathParts = { book, neighbours, topology, paths, sender: frames, counters, wakeBy };
    this.#pathExchange = new PathExchange(pathParts);
    this.#linkState = new LinkStateExchange({
      book,
      neighbours,
      pathExchange: this.#pathExchange,
      outgoing,
      frames,
      explainer,
      counters,
      wakeBy,
    });
    this.#sender = new SealedSender({ core, provider, keys, nonces, paths, frames, counters });
    this.#bindings = new Bindings(identities, entropy, (...message) => this.#send(...message));
    this.#local = new LocalDelivery(core, clock, this.#bindings, counters);
    const intake = new Intake({
      handleServiceQuestion: (asker, port) => this.#answerForServices(asker, port),
      core,
      book,
      neighbours,
      linkState: this.#linkState,
      explainer,
      bindings: this.#bindings,
      provider,
      keys,
      relay: new Relay({ neighbours, topology, paths, sender: frames, counters }),
      counters,
    });
    this.#links = options.links.map((link, index) => new Link(index, link));
    serveEcho(this);
    serveKeyMapping(this, options.identities, clock, counters);
    serveTrace({
      transport: this,
      clock,
      counters,
      nextHop: (sid) => this.route(sid)?.nextHop,
      sendFrom: (...message) => this.#send(...message),
    });
    this.#directory = new ServiceDirectory(this, clock, counters);
    for (const link of this.#links) this.#start(link, options.links[link.index]!.peers ?? [], intake);
    this.#agenda.wakeBy(clock.now());
  }

  bind(local: BindAddress, receive: PacketReceiver): SealedBinding {
    if (this.#closed) throw new MspError("state", "this node is closed");
    return this.#bindings.bind(local, receive);
  }

  /** A node in this process is not lost before it is closed: the handler is never called. */
  onLost(_handle: (error: MspError) => void): void {}

  /** Every neighbour relation, also those that are half made. */
  neighbours(): NeighbourInfo[] {
    return neighbourInfo(this.#neighbours, this.#clock.now());
  }

  /** Every SID that is reached, with the way to it; our own identities are not among them. */
  routes(): RouteInfo[] {
    const nowMs = this.#clock.now();
    return [...this.#paths.all().values()].map((route) => this.#paths.info(route, nowMs));
  }

  /** The way to `sid`; undefined if there is none, or if it is our own. */
  route(sid: Sid): RouteInfo | undefined {
    const entry = this.#book.find(sid.bytes, 0, SID_BYTES);
    const route = typeof entry === "string" ? undefined : this.#paths.route(entry);
    return route && this.#paths.info(route, this.#clock.now());
  }

  /**
   * Seek a node at `address` on the link with that index, at once and until it answers. Does nothing for a peer that
   * the link has. Throws MspError "argument" for an index that is none, or beyond {@link Limit}.PEERS_PER_LINK.
   */
  addPeer(linkIndex: number, address: LinkAddress): void {
    const link = this.#links[linkIndex];
    if (link === undefined) throw new MspError("argument", `there is no link ${linkIndex}`);
    const nowMs = this.#clock.now();
    this.#discovery.addPeer(link, address, nowMs);
    this.#agenda.wakeBy(nowMs);
  }

  /** Tell who asks that a service of this name is at this port; see {@link ServiceDirectory.publish}. */
  publishService(name: string, port: number): PublishedService {
    return this.#directory.publish(name, port);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#agenda.close();
    this.#local.close();
    this.#bindings.closeAll();
    try {
      await Promise.all(this.#links.map(({ transport }) => transport.close()));
    } finally {
      // Not before: the packet at hand may be the reason to close.
      this.#book.wipeKeys();
    }
  }

  #start(link: Link, peers: readonly LinkAddress[], intake: Intake): void {
    link.transport.onDatagram((datagram, from) => {
      if (!this.#closed) intake.handleDatagram(datagram, link, from, this.#clock.now());
    });
    const nowMs = this.#clock.now();
    this.#discovery.addLink(link, nowMs);
    for (const peer of peers) this.#discovery.addPeer(link, peer, nowMs);
  }

  /** Do everything that is due. Returns when the next thing will be. */
  #run(nowMs: number): number {
    const expiryMs = this.#neighbours.expire(nowMs, () => this.#pathExchange.handleChange(nowMs));
    const discoveryMs = this.#discovery.run(nowMs);
    const recordsMs = Math.min(this.#linkState.run(nowMs), this.#pathExchange.run(nowMs));
    return Math.min(expiryMs, discoveryMs, recordsMs, this.#frames.run(nowMs));
  }

  #send(local: Sid, localPort: number | undefined, remote: Address, write: PacketWriter): boolean {
    const offset = this.core.transmitRegion.offset + TRANSMIT_HEADROOM;
    const length = write(this.core, offset, TRANSMIT_CAPACITY);
    if (length < 1 || length > TRANSMIT_CAPACITY) {
      throw new MspError("argument", `a packet has 1 to ${TRANSMIT_CAPACITY} bytes, not ${length}`);
    }
    if (this.#closed || localPort === undefined) return this.#dropped("closed");
    const nowMs = this.#clock.now();
    const from = this.#book.adopt(local);
    if (typeof from === "string" || from.ownIndex < 0) {
      throw new MspError("address", `${local.hex} is not an identity of this node`);
    }
    const to = this.#book.adopt(remote.sid);
    if (typeof to === "string") return this.#dropped(to);
    if (to.ownIndex < 0) return this.#sender.send(from, localPort, to, remote.port, length, nowMs);
    if (this.#local.send(from.sid, localPort, to.sid, remote.port, offset, length)) return true;
    return this.#dropped("local-full");
  }

  /** A broadcast asked; anybody may have. Whom no way leads to need not be remembered, nor a key be agreed for. */
  #answerForServices(asker: Sid, port: number): void {
    if (this.route(asker) !== undefined) this.#directory.answer(this.identities[0]!, asker, port);
  }

  #dropped(reason: CounterName): false {
    this.#counters[reason]++;
    return false;
  }
}

function drawByte(entropy: Entropy): number {
  const byte = new Uint8Array(1);
  entropy.fill(byte);
  return byte[0]!;
}

const IDENTITIES_LIMIT = 256;
