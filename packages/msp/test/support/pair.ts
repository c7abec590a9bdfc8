import { createRandom, type LinkConfig, LinkPair, VirtualClock } from "@meshstream/netem";
import {
  type Core,
  createCore,
  type Engine,
  TRANSMIT_CAPACITY,
  TRANSMIT_HEADROOM,
} from "@meshstream/wasm-core";
import type { Address, BindAddress } from "../../src/address.ts";
import { parsePort, Sid } from "../../src/address.ts";
import { MspError } from "../../src/errors.ts";
import { Mesh } from "../../src/stream/mesh.ts";
import type { Entropy, PacketReceiver, SealedBinding, SealedTransport } from "../../src/stream/transport.ts";
import { WireGuard } from "./wire-guard.ts";

/** A packet on its way between the two nodes. */
export interface Wire {
  readonly from: Address;
  readonly to: Address;
  readonly bytes: Uint8Array;
}

/** One end of a {@link Pair}: a sealed transport whose packets cross a netem link. Each packet may be watched, changed or dropped. */
export class PairTransport implements SealedTransport {
  readonly core: Core;
  readonly identities: readonly Sid[];
  isThroughDaemon = false;
  /** False: send() drops, as a node without a route does. */
  hasRoute = true;
  /** Sees every packet that leaves; undefined drops it. */
  filter: (bytes: Uint8Array) => Uint8Array | undefined = (bytes) => bytes;
  isClosed = false;
  /** Holds every packet of this node to what a deployed peer bears; not those of the ports in {@link played}. */
  readonly guard = new WireGuard();
  /** Ports of peers that a test plays by hand. */
  readonly played = new Set<number>();
  /** What a new binding waits for: rejects where a holder or a daemon refuses the port. */
  ready: () => Promise<void> = () => Promise.resolve();
  private readonly bound = new Map<number, { local: BindAddress; receive: PacketReceiver }>();
  private readonly put: (wire: Wire) => void;
  private lost: (error: MspError) => void = () => {};

  constructor(core: Core, identities: readonly Sid[], put: (wire: Wire) => void) {
    this.core = core;
    this.identities = identities;
    this.put = put;
  }

  bind(local: BindAddress, receive: PacketReceiver): SealedBinding {
    const port = parsePort(local.port, 0);
    if (typeof local.sid !== "symbol" && !this.identities.includes(local.sid)) {
      throw new MspError("address", `not an identity of this node: ${local.sid}`);
    }
    if (this.bound.has(port)) throw new MspError("port-in-use", `port ${port} is bound already`);
    this.bound.set(port, { local, receive });
    const sid = typeof local.sid === "symbol" ? this.identities[0]! : local.sid;
    return {
      local: { sid, port },
      ready: this.ready(),
      send: (from, to, write) => {
        const offset = this.core.transmitRegion.offset + TRANSMIT_HEADROOM;
        const length = write(this.core, offset, TRANSMIT_CAPACITY);
        const packet = this.core.bytes.slice(offset, offset + length);
        if (!this.played.has(port)) this.guard.handleSent({ sid: from, port }, to, packet);
        this.guard.check();
        const bytes = this.filter(packet);
        if (this.hasRoute && bytes !== undefined) this.put({ from: { sid: from, port }, to, bytes });
        return this.hasRoute;
      },
      close: () => {
        this.bound.delete(port);
      },
    };
  }

  onLost(handle: (error: MspError) => void): void {
    this.lost = handle;
  }

  /** The transport goes away under its users. */
  lose(): void {
    this.lost(new MspError("transport-lost", "the holder went"));
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.bound.clear();
  }

  take({ from, to, bytes }: Wire): void {
    const bound = this.bound.get(to.port);
    if (bound === undefined) return;
    this.guard.handleReceived(to, from, bytes);
    const { offset } = this.core.receiveRegion;
    this.core.bytes.set(bytes, offset);
    bound.receive(to.sid, from.sid, from.port, offset, bytes.length);
    this.core.bytes.fill(0xee, offset, offset + bytes.length); // lent until the receiver returns, no longer
  }
}

export type MeshConfig = Parameters<typeof Mesh.open>[0]["config"];

export interface PairOptions {
  readonly engine?: Engine;
  readonly seed?: number;
  readonly link?: Partial<LinkConfig>;
  readonly poolBytes?: number;
}

/** Two nodes, a and b, on a virtual clock, joined by an emulated link. */
export class Pair {
  readonly clock = new VirtualClock();
  readonly a: PairTransport;
  readonly b: PairTransport;
  readonly entropy: Entropy;
  readonly link: LinkPair<Wire>;

  private constructor(coreA: Core, coreB: Core, { seed = 1, link }: PairOptions) {
    const random = createRandom(seed);
    this.entropy = { fill: (bytes) => void random.fill(bytes) };
    this.link = new LinkPair<Wire>({
      clock: this.clock,
      random,
      config: { delayMs: 1, ...link },
      sizeBytes: ({ bytes }) => bytes.length + OVERHEAD_BYTES,
      deliverToA: (wire) => this.a.take(wire),
      deliverToB: (wire) => this.b.take(wire),
    });
    this.a = new PairTransport(coreA, [sidOf(0xaa), sidOf(0xa1)], (wire) => this.link.aToB.send(wire));
    this.b = new PairTransport(coreB, [sidOf(0xbb), sidOf(0xb1)], (wire) => this.link.bToA.send(wire));
  }

  static async make(options: PairOptions = {}): Promise<Pair> {
    const { engine = "ts", poolBytes = 4 << 20 } = options;
    return new Pair(
      await createCore({ engine, poolBytes }),
      await createCore({ engine, poolBytes }),
      options,
    );
  }

  /** A Mesh on each end; both alike, unless b's settings are given as well. */
  meshes(config: MeshConfig = {}, configB: MeshConfig = config): { a: Mesh; b: Mesh } {
    const { clock, entropy } = this;
    return {
      a: Mesh.open({ transport: this.a, clock, entropy, config }),
      b: Mesh.open({ transport: this.b, clock, entropy, config: configB }),
    };
  }

  /** Let virtual time pass, with a turn of the event loop between its steps, until `promise` settles; fails after `limitMs`. */
  async settle<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    let isPending = true;
    const done = () => {
      isPending = false;
    };
    promise.then(done, done);
    const isSettled = await this.clock.runWhileAsync(() => isPending, limitMs, turn);
    this.checkGuards();
    if (!isSettled) {
      throw new Error(`not settled after ${limitMs} ms of virtual time`);
    }
    return promise;
  }

  /** Let so much virtual time pass. */
  async pass(ms: number): Promise<void> {
    await this.clock.runWhileAsync(() => true, ms, turn);
    this.checkGuards();
  }

  /** Throws if either node has sent what a deployed peer would not bear, in case nobody heard it throw then. */
  checkGuards(): void {
    this.a.guard.check();
    this.b.guard.check();
  }
}

export const ENGINES: readonly Engine[] = ["ts", "wasm"];

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function sidOf(byte: number): Sid {
  return Sid.fromBytes(new Uint8Array(32).fill(byte));
}

/** `length` bytes that tell where they belong. */
export function pattern(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7 + seed * 101) & 0xff);
}

/** What the layers below add to an MSP packet. */
const OVERHEAD_BYTES = 71;
