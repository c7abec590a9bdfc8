import { Sid } from "@meshstream/msp";
import { createRandom, VirtualClock } from "@meshstream/netem";
import { createCore } from "@meshstream/wasm-core";
import { SimulatedDaemon, type SimulatedMesh } from "../../src/conformance/simulated-daemon.ts";
import { connectServald, type ServaldTransport } from "../../src/servald/transport.ts";
import { Loopback, type LoopbackSocket } from "./loopback.ts";

/** Simulated daemons and their clients, in virtual time. */
export class ServaldRig {
  readonly clock = new VirtualClock();
  readonly random = createRandom(1);
  readonly loopback = new Loopback();
  readonly mesh: SimulatedMesh = new Map();
  private readonly transports: ServaldTransport[] = [];
  private count = 0;

  daemon(address: string, identities = 1): SimulatedDaemon {
    const sids = Array.from({ length: identities }, () => this.freshSid());
    return new SimulatedDaemon(this.loopback.open(address), this.mesh, sids);
  }

  freshSid(): Sid {
    const bytes = new Uint8Array(32);
    this.random.fill(bytes);
    return Sid.fromBytes(bytes);
  }

  /** A client of the daemon at `daemon`, at a free address. */
  async client(daemon: string, engine: "wasm" | "ts" = "ts"): Promise<ServaldTransport> {
    return (await this.clientAt(daemon, `client ${++this.count}`, engine)).transport;
  }

  async clientAt(daemon: string, address: string, engine: "wasm" | "ts" = "ts") {
    const core = await createCore({ engine, poolBytes: 1 << 20 });
    const link: LoopbackSocket = this.loopback.open(address);
    const { clock, random: entropy } = this;
    const connecting = connectServald({ core, link, daemon, clock, entropy });
    const transport = await this.during(connecting, 3000);
    this.transports.push(transport);
    return { transport, link };
  }

  /** Wait for something, while up to so much virtual time passes. */
  async during<T>(promise: Promise<T>, ms: number): Promise<T> {
    let isSettled = false;
    const settled = () => {
      isSettled = true;
    };
    promise.then(settled, settled);
    for (const untilMs = this.clock.now() + ms; !isSettled && this.clock.now() < untilMs; ) {
      await flush();
      if (isSettled) break;
      this.clock.runUntil(Math.min(untilMs, Math.max(this.clock.nextMs, this.clock.now() + 0.1)));
    }
    return promise;
  }

  async pass(ms: number): Promise<void> {
    for (const untilMs = this.clock.now() + ms; this.clock.now() < untilMs; ) {
      await flush();
      this.clock.runUntil(Math.min(untilMs, Math.max(this.clock.nextMs, this.clock.now() + 0.1)));
    }
    await flush();
  }

  async close(): Promise<void> {
    for (const transport of this.transports) await transport.close();
  }
}

/** Let promises settle. */
async function flush(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}
