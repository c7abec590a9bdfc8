import type { SealedTransport } from "@meshstream/msp";
import { createRandom, VirtualClock } from "@meshstream/netem";
import { createCore } from "@meshstream/wasm-core";
import { type AttachedTransport, attach } from "../../src/attach/client.ts";
import { type AttachedClient, serveAttached } from "../../src/attach/holder.ts";
import type { NodeManagement } from "../../src/attach/management.ts";
import { MemoryNetwork } from "../../src/memory/network.ts";
import type { MemoryTransport } from "../../src/memory/transport.ts";
import { type Cut, drain, type MemoryStream, streamPair } from "./byte-streams.ts";

/** An attached program, its end and the holder's end of everything. */
export interface Attachment {
  readonly client: AttachedTransport;
  readonly served: AttachedClient;
  readonly clientStream: MemoryStream;
  readonly holderStream: MemoryStream;
}

/** Nodes of a memory network, and programs attached to them. */
export class AttachRig {
  readonly clock = new VirtualClock();
  readonly random = createRandom(1);
  readonly network = new MemoryNetwork({ clock: this.clock, random: this.random, link: { delayMs: 5 } });
  private readonly transports: SealedTransport[] = [];

  async node(): Promise<MemoryTransport> {
    const node = this.network.node(await createCore({ engine: "ts", poolBytes: POOL_BYTES }));
    this.transports.push(node);
    return node;
  }

  async attach(
    node: SealedTransport,
    {
      cut,
      engine = "ts",
      management = NO_MANAGEMENT,
    }: { cut?: Cut; engine?: "wasm" | "ts"; management?: NodeManagement } = {},
  ): Promise<Attachment> {
    const [clientStream, holderStream] = streamPair(cut);
    const served = serveAttached(node, holderStream, management);
    const core = await createCore({ engine, poolBytes: POOL_BYTES });
    const client = await attach(core, clientStream, { clock: this.clock, entropy: this.random });
    this.transports.push(client);
    return { client, served, clientStream, holderStream };
  }

  /** Everything that is under way arrives: over the streams, the network, and the streams again. */
  async settle(): Promise<void> {
    await drain();
    this.clock.runUntil(this.clock.now() + 20);
    await drain();
    this.clock.runUntil(this.clock.now() + 20);
    await drain();
  }

  async close(): Promise<void> {
    for (const transport of this.transports.reverse()) await transport.close();
  }
}

export const NO_MANAGEMENT: NodeManagement = {
  status: () => ({}),
  neighbours: () => [],
  routes: () => [],
  addPeer: () => {},
  publishService: (name, port) => ({ name, port, ready: Promise.resolve(), close: () => {} }),
};

const POOL_BYTES = 1 << 20;
