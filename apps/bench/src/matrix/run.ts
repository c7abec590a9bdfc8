import { type DriverEvent, type MspConfig, parseConfig, Sid } from "@meshstream/msp";
import { createRandom, Link, type LinkConfig, schedule, VirtualClock } from "@meshstream/netem";
import { createCore, type Engine, MESSAGE_BYTES } from "@meshstream/wasm-core";
import { DeployedPeer } from "./deployed-peer.ts";
import { Host } from "./host.ts";
import { Measure, percentile } from "./measure.ts";
import { OVERHEAD_BYTES, PacketPool, type SimPacket, type Station } from "./packets.ts";
import type { Profile } from "./profiles.ts";
import { Sink, Source, type Work } from "./traffic.ts";

/** Who is at the ends: two of ours; ours towards a deployed peer; two deployed peers. */
export type PeerKind = "ext" | "legacy" | "deployed-both";

export type PartialConfig = NonNullable<Parameters<typeof parseConfig>[0]>;

/** One cell of the matrix: everything that a run depends on, but for the seed. */
export interface Cell {
  readonly profile: Profile;
  readonly peer: PeerKind;
  readonly engine: Engine;
  /** Of every flow of ours. */
  readonly config: PartialConfig;
  /** For the tables. */
  readonly coding: string;
  /** Flows of ours that share the link, 1 or more; the figures are of the first, but for `flows`. */
  readonly flows: number;
  /** A further flow with this sender. */
  readonly cross?: MspConfig["sender"];
  /** Instead of what the profile says. */
  readonly messages?: Profile["messages"];
}

/** What one run gave. */
export interface Result {
  readonly profile: string;
  readonly peer: PeerKind;
  readonly coding: string;
  readonly seed: number;
  readonly goodputKbps: number;
  readonly limitKbps: number;
  /** goodput / limit. */
  readonly share: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Data and repair packets sent beyond one for each message delivered, as a share of these. */
  readonly overhead: number;
  /** Median time that the bottleneck's queue would have made a packet wait, once the first tenth was through. */
  readonly queueMs: number;
  /** From the first send call to the last message handed over. */
  readonly elapsedMs: number;
  readonly completed: boolean;
  /** Goodput of every flow, the cross traffic last. */
  readonly flowsKbps: readonly number[];
  /** Simulated milliseconds. */
  readonly simulatedMs: number;
}

/** Run a cell with one seed. Deterministic. */
export async function run(cell: Cell, seed: number): Promise<Result> {
  const simulation = new Simulation(cell, seed);
  await simulation.start();
  return simulation.finish();
}

interface Flow {
  readonly measure: Measure;
  readonly work: Work;
  readonly begin: () => void;
  dataPackets: number;
}

class Simulation {
  readonly #cell: Cell;
  readonly #seed: number;
  readonly #clock = new VirtualClock();
  readonly #pool = new PacketPool();
  readonly #forth: Link<SimPacket>;
  readonly #back: Link<SimPacket>;
  readonly #flows: Flow[] = [];
  readonly #random;
  readonly #queueMs: number[] = [];
  #failure: unknown;

  constructor(cell: Cell, seed: number) {
    this.#cell = cell;
    this.#seed = seed;
    this.#random = createRandom(seed);
    const { link, back, blackhole } = cell.profile;
    this.#forth = this.#link(link);
    this.#back = this.#link(back ?? link);
    if (blackhole !== undefined) {
      const phases = [
        { forMs: blackhole.onMs, config: { up: true } },
        { forMs: blackhole.offMs, config: { up: false } },
      ];
      schedule(this.#clock, this.#forth, phases, { repeat: true });
      schedule(this.#clock, this.#back, phases, { repeat: true });
    }
  }

  async start(): Promise<void> {
    const { flows, cross, peer, config } = this.#cell;
    for (let i = 0; i < flows; i++) {
      if (peer === "deployed-both") this.#addDeployed(i);
      else await this.#addOurs(i, config, peer);
    }
    if (cross !== undefined) await this.#addOurs(flows, { ...config, sender: cross }, "ext");
  }

  finish(): Result {
    const { profile } = this.#cell;
    for (const flow of this.#flows) flow.begin();
    const isRunning = () => this.#failure === undefined && this.#flows.some((flow) => !isDone(flow));
    const sampleMs = 0.5;
    const sample = () => {
      this.#queueMs.push((this.#forth.queuedBytes * 8000) / this.#forth.config.rateBitsPerSecond);
      this.#clock.setTimer(this.#clock.now() + Math.max(sampleMs, this.#clock.now() / 2000), sample);
    };
    sample();
    this.#clock.runWhile(isRunning, profile.withinMs ?? RUN_LIMIT_MS);
    if (this.#failure !== undefined && !(this.#failure instanceof Error)) throw this.#failure;
    return this.#result();
  }

  #result(): Result {
    const { profile, peer, coding } = this.#cell;
    const [first] = this.#flows as [Flow];
    const { measure } = first;
    const limitKbps = this.#limitKbps();
    const afterStart = this.#queueMs.slice(Math.floor(this.#queueMs.length / 10));
    return {
      profile: profile.name,
      peer,
      coding,
      seed: this.#seed,
      goodputKbps: measure.goodputKbps,
      limitKbps,
      share: Number.isFinite(limitKbps) ? measure.goodputKbps / limitKbps : 0,
      p50Ms: measure.latencyMs(0.5),
      p99Ms: measure.latencyMs(0.99),
      overhead: measure.delivered === 0 ? 0 : first.dataPackets / measure.delivered - 1,
      queueMs: percentile(afterStart, 0.5),
      elapsedMs: measure.elapsedMs,
      completed: isDone(first) && measure.wrong === 0,
      flowsKbps: this.#flows.map((flow) => flow.measure.goodputKbps),
      simulatedMs: this.#clock.now(),
    };
  }

  /** Rate x message share of a full packet x what the loss model let through, and the share of time that the link was on. */
  #limitKbps(): number {
    const { stats, config } = this.#forth;
    const { blackhole } = this.#cell.profile;
    const met = stats.delivered + this.#forth.inFlightPackets + stats.droppedLoss;
    const through = met === 0 ? 1 : 1 - stats.droppedLoss / met;
    const on = blackhole === undefined ? 1 : blackhole.onMs / (blackhole.onMs + blackhole.offMs);
    return (config.rateBitsPerSecond / 1000) * FULL_PACKET_SHARE * through * on;
  }

  #link(config: Partial<LinkConfig>): Link<SimPacket> {
    return new Link<SimPacket>({
      clock: this.#clock,
      random: this.#random.fork(),
      config,
      sizeBytes: (packet) => packet.length + OVERHEAD_BYTES,
      deliver: (packet) => {
        packet.to.receive(packet);
        this.#pool.give(packet);
      },
      drop: (packet) => this.#pool.give(packet),
    });
  }

  async #addOurs(index: number, config: PartialConfig, peer: PeerKind): Promise<void> {
    const port = FIRST_PORT + index;
    const work = this.#work();
    const measure = new Measure();
    const [sender, receiver] = [sid(1, index), sid(2, index)];
    let host: Host;
    const source = new Source(() => host, work, measure);
    const flow: Flow = { measure, work, dataPackets: 0, begin: () => source.start(port) };
    this.#flows.push(flow);
    const forth = (packet: SimPacket) => {
      if (packet.length >= 5 && isData(packet.bytes[0]!)) flow.dataPackets += 1;
      this.#forth.send(packet);
    };
    host = await this.#host(sender, receiver, config, forth, (event) => source.handleEvent(event));
    const other =
      peer === "legacy"
        ? this.#deployed(port, measure)
        : await this.#sink(sender, receiver, port, config, measure);
    host.peer = other;
    other.peer = host;
  }

  async #sink(
    sender: Sid,
    receiver: Sid,
    port: number,
    config: PartialConfig,
    measure: Measure,
  ): Promise<Host> {
    let host: Host;
    const sink = new Sink(() => host, measure);
    host = await this.#host(
      receiver,
      sender,
      config,
      (packet) => this.#back.send(packet),
      (event) => sink.handleEvent(event),
    );
    host.driver.listen({ sid: receiver, port });
    return host;
  }

  #deployed(port: number, measure: Measure): DeployedPeer {
    const { clock, pool } = { clock: this.#clock, pool: this.#pool };
    const send = (packet: SimPacket) => this.#back.send(packet);
    return new DeployedPeer({ clock, pool, send, localPort: port, remotePort: 0, measure });
  }

  #addDeployed(index: number): void {
    const port = FIRST_PORT + index;
    const work = this.#work();
    const measure = new Measure();
    const receiver = this.#deployed(port, measure);
    const flow: Flow = {
      measure,
      work,
      dataPackets: 0,
      begin: () => sender.sendAll(work.count, work.bytes, measure),
    };
    this.#flows.push(flow);
    const sender = new DeployedPeer({
      clock: this.#clock,
      pool: this.#pool,
      send: (packet) => {
        if (packet.length >= 5) flow.dataPackets += 1;
        this.#forth.send(packet);
      },
      localPort: 1,
      remotePort: port,
    });
    sender.peer = receiver;
    receiver.peer = sender;
  }

  async #host(
    local: Sid,
    remote: Sid,
    config: PartialConfig,
    send: (packet: SimPacket) => void,
    onEvent: (event: DriverEvent) => void,
  ): Promise<Host> {
    const core = await createCore({ engine: this.#cell.engine });
    const random = this.#random.fork();
    const host = new Host(
      {
        core,
        clock: this.#clock,
        entropy: { fill: (bytes) => void random.fill(bytes) },
        sid: local,
        config: parseConfig(config),
        pool: this.#pool,
        send,
        onEvent: (event) => {
          try {
            onEvent(event);
          } catch (error) {
            this.#failure ??= error;
          }
        },
      },
      remote,
    );
    return host;
  }

  #work(): Work {
    const { profile } = this.#cell;
    const messages = this.#cell.messages ?? profile.messages;
    if (messages === undefined)
      return { count: Math.ceil(profile.bytes / MESSAGE_BYTES), bytes: MESSAGE_BYTES };
    const { perSecond, bytes, forMs } = messages;
    return { count: Math.round((perSecond * forMs) / 1000), bytes, everyMs: 1000 / perSecond };
  }
}

/** Data, or a repair: not an acknowledgement. */
function isData(flags: number): boolean {
  const type = (flags >> 4) & 7;
  return (flags & 0x80) === 0 || type <= 3 || type === 5;
}

function isDone({ measure, work }: Flow): boolean {
  return measure.delivered >= work.count;
}

function sid(side: number, index: number): Sid {
  return Sid.fromBytes(new Uint8Array(32).fill(side).fill(index, 16));
}

const FIRST_PORT = 100;

/** What of a full packet on the link is message. */
const FULL_PACKET_SHARE = MESSAGE_BYTES / (MESSAGE_BYTES + 5 + OVERHEAD_BYTES);

/** Simulated: longer than the slowest cell, two deployed peers with 40 MB, takes. */
const RUN_LIMIT_MS = 50_000_000;

export type { Station };
