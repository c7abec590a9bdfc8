import assert from "node:assert/strict";
import type { Address, BindAddress, DatagramTransport, Entropy, LinkAddress, Sid } from "@meshstream/msp";
import {
  createRandom,
  Link,
  type LinkConfig,
  mutateBytes,
  type Random,
  VirtualClock,
} from "@meshstream/netem";
import { createCore } from "@meshstream/wasm-core";
import {
  createIdentity,
  createOverlay,
  type Identity,
  type OverlayLink,
  type OverlayNode,
} from "../../src/index.ts";
import { createSodiumSeal } from "../../src/overlay/sodium-seal.ts";
import { DatagramGuard } from "./datagram-guard.ts";

/** A packet as a test hears it. */
export interface Heard {
  readonly atMs: number;
  readonly from: LinkAddress;
  readonly to: LinkAddress;
  readonly bytes: Uint8Array;
}

/** An emulated broadcast segment: from each address to each other one there is a netem link of its own. */
export class Segment {
  readonly clock: VirtualClock;
  readonly #random: Random;
  readonly #config: Partial<LinkConfig>;
  readonly #ports = new Map<LinkAddress, SegmentPort>();
  readonly #links = new Map<string, Link<Uint8Array>>();
  /** Everything that was sent, lost or not. */
  readonly sent: Heard[] = [];
  /** Holds every packet of a node to what a deployed one bears; not those that a test puts on a {@link link} itself. */
  readonly guard = new DatagramGuard(IDENTITIES, provider);

  constructor(clock: VirtualClock, random: Random, config: Partial<LinkConfig> = {}) {
    this.clock = clock;
    this.#random = random;
    this.#config = config;
  }

  /** Attach a port. A later port with the same address takes its place: a restart. */
  port(address: LinkAddress, options: { broadcast?: boolean; mtuBytes?: number } = {}): DatagramTransport {
    const port = new SegmentPort(this, address, options.broadcast ?? true, options.mtuBytes ?? 1472);
    this.#ports.set(address, port);
    return port;
  }

  send(bytes: Uint8Array, from: LinkAddress, to: LinkAddress): void {
    this.sent.push({ atMs: this.clock.now(), from, to, bytes });
    const harm = this.guard.harmIn(bytes);
    assert.equal(harm, undefined, `${from} must not send to ${to}: ${harm}`);
    for (const address of this.#ports.keys()) {
      if (address === from || (to !== BROADCAST && to !== address)) continue;
      this.link(from, address).send(bytes);
    }
  }

  /** The link from one address to another: to configure it, or to inject bytes. */
  link(from: LinkAddress, to: LinkAddress): Link<Uint8Array> {
    const name = `${from} ${to}`;
    const known = this.#links.get(name);
    if (known !== undefined) return known;
    const link = new Link<Uint8Array>({
      clock: this.clock,
      random: this.#random.fork(),
      config: this.#config,
      sizeBytes: (packet) => packet.length,
      deliver: (packet) => this.#ports.get(to)?.receive?.(packet.slice(), from),
      mutate: mutateBytes,
    });
    this.#links.set(name, link);
    return link;
  }

  detach(port: SegmentPort): void {
    if (this.#ports.get(port.local) === port) this.#ports.delete(port.local);
  }
}

export const BROADCAST = "*";

class SegmentPort implements DatagramTransport {
  readonly local: LinkAddress;
  readonly broadcast: readonly LinkAddress[];
  readonly mtuBytes: number;
  receive: ((datagram: Uint8Array, from: LinkAddress) => void) | undefined;
  readonly #segment: Segment;

  constructor(segment: Segment, local: LinkAddress, broadcast: boolean, mtuBytes: number) {
    this.#segment = segment;
    this.local = local;
    this.broadcast = broadcast ? [BROADCAST] : [];
    this.mtuBytes = mtuBytes;
  }

  send(datagram: Uint8Array, to: LinkAddress): void {
    this.#segment.send(datagram.slice(), this.local, to);
  }

  onDatagram(receive: (datagram: Uint8Array, from: LinkAddress) => void): void {
    this.receive = receive;
  }

  async close(): Promise<void> {
    this.#segment.detach(this);
  }
}

/** Identities that are the same in every run. */
export async function testIdentity(number: number): Promise<Identity> {
  const identity = await createIdentity(new Uint8Array(32).fill(number));
  IDENTITIES.set(identity.sid.hex, identity);
  return identity;
}

/** Those that were made: the guards of all segments know their secrets. */
const IDENTITIES = new Map<string, Identity>();
const provider = await createSodiumSeal();

export interface TestNodeOptions {
  readonly identities: readonly Identity[];
  readonly links: readonly OverlayLink[];
  readonly clock: VirtualClock;
  readonly entropy: Entropy;
}

export async function testNode(options: TestNodeOptions): Promise<OverlayNode> {
  // Where that is the wasm engine, it seals itself, and the segment's guard opens what it sealed with libsodium.
  const core = await createCore({ poolBytes: 1 << 20 });
  return createOverlay({ core, ...options });
}

/** A segment with a clock and chance of its own. The seed is in the name of what fails. */
export function testSegment(seed: number, config: Partial<LinkConfig> = {}) {
  const clock = new VirtualClock();
  const random = createRandom(seed);
  return { clock, random, segment: new Segment(clock, random, config) };
}

/** Two nodes, A at "a" and B at "b", that know of each other as given. */
export async function testPair(
  options: {
    seed?: number;
    link?: Partial<LinkConfig>;
    /** Who has whom configured as a peer; nobody broadcasts then. Default: both broadcast. */
    peers?: { a?: boolean; b?: boolean };
  } = {},
) {
  const { clock, random, segment } = testSegment(options.seed ?? 1, options.link);
  const make = async (number: number, local: string, remote: string, seeks: boolean | undefined) =>
    testNode({
      identities: [await testIdentity(number)],
      links: [
        {
          transport: segment.port(local),
          peers: seeks === true ? [remote] : [],
          broadcast: options.peers === undefined,
        },
      ],
      clock,
      entropy: random.fork(),
    });
  const a = await make(1, "a", "b", options.peers?.a);
  const b = await make(2, "b", "a", options.peers?.b);
  return {
    clock,
    random,
    segment,
    a,
    b,
    close: async () => {
      await a.close();
      await b.close();
    },
  };
}

/** Bind a port, and keep what comes. */
export function inbox(node: OverlayNode, address: BindAddress) {
  const messages: { local: Sid; remote: Sid; port: number; text: string }[] = [];
  const binding = node.bind(address, (local, remote, port, offset, length) => {
    const text = new TextDecoder().decode(node.core.bytes.slice(offset, offset + length));
    messages.push({ local, remote, port, text });
  });
  const send = (to: Address, text: string, from = node.identities[0]!) =>
    binding.send(from, to, (core, offset) => {
      const bytes = new TextEncoder().encode(text);
      core.bytes.set(bytes, offset);
      return bytes.length;
    });
  return { messages, binding, send, address: binding.local };
}

/** Whether `node` has a neighbour with that SID that hears it. */
export function isReachable(node: OverlayNode, sid: Sid): boolean {
  return node.neighbours().some((row) => row.reachable && row.sid.hex === sid.hex);
}
