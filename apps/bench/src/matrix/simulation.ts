import { type DriverEvent, parseConfig, Sid } from "@meshstream/msp";
import { createRandom, Link, type LinkConfig, schedule, VirtualClock } from "@meshstream/netem";
import { createCore, MESSAGE_BYTES } from "@meshstream/wasm-core";
import { DeployedGuard } from "./deployed-guard.ts";
import { DeployedPeer } from "./deployed-peer.ts";
import { Host } from "./host.ts";
import { limitKbps, onShare, throughShare } from "./limit.ts";
import { Measure } from "./measure.ts";
import { OVERHEAD_BYTES, PacketPool, type SimPacket } from "./packets.ts";
import { QueueSamples } from "./queue-samples.ts";
import { ReturnWatch } from "./return-watch.ts";
import type { Cell, PartialConfig, PeerKind, Result } from "./run.ts";
import { TRACE_MS, Trace } from "./trace.ts";
import { ConnectionFailed, Sink, Source, type Work } from "./traffic.ts";

interface Flow {
  readonly measure: Measure;
  readonly work: Work;
  readonly begin: () => void;
  /** Smoothed round trip of a sender of ours. */
  readonly rttMs: () => number | undefined;
  readonly hasFailed: () => boolean;
  dataPackets: number;
  /** Delivered in the first half of a run that lasts. */
  bytesByHalf: number;
}

/** One run: both ends, the link between them in both directions, and what is watched. */
export class Simulation {
  readonly #cell: Cell;
  readonly #seed: number;
  readonly #clock = new VirtualClock();
  readonly #pool = new PacketPool();
  readonly #forth: Link<SimPacket>;
  readonly #back: Link<SimPacket>;
  readonly #flows: Flow[] = [];
  readonly #random;
  readonly #queue = new QueueSamples();
  readonly #return = new ReturnWatch();
  readonly #trace: Trace | undefined;
  #failure: unknown;

  constructor(cell: Cell, seed: number) {
    this.#cell = cell;
    this.#seed = seed;
    this.#random = createRandom(seed);
    if (cell.isTraced) this.#trace = new Trace();
    const { link, back, blackhole } = cell.profile;
    this.#forth = this.#link(link, () => this.#return.handlePacketDone());
    this.#back = this.#link(back ?? link);
    if (blackhole === undefined) return;
    const phases = [
      { forMs: blackhole.onMs, config: { up: true } },
      { forMs: blackhole.offMs, config: { up: false } },
    ];
    schedule(this.#clock, this.#forth, phases, { repeat: true });
    schedule(this.#clock, this.#back, phases, { repeat: true });
    this.#watchReturns(blackhole.onMs + blackhole.offMs);
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
    const { profile, lastsMs } = this.#cell;
    this.#flows[0]!.measure.onHanded = (atMs) => this.#return.handleHanded(atMs);
    this.#flows.forEach((flow, i) => {
      if (lastsMs === undefined || i === 0) flow.begin();
      else this.#clock.setTimer(i * JOIN_MS, flow.begin);
    });
    this.#sampleQueue();
    this.#tracePoint();
    const isRunning = () => this.#failure === undefined && this.#flows.some((flow) => !isOver(flow));
    if (lastsMs !== undefined) {
      this.#clock.runWhile(isRunning, lastsMs / 2);
      for (const flow of this.#flows) flow.bytesByHalf = flow.measure.deliveredBytes;
      this.#clock.runWhile(isRunning, lastsMs / 2);
    } else
      this.#clock.runWhile(
        isRunning,
        (isTransfer(this.#cell) ? profile.withinMs : undefined) ?? RUN_LIMIT_MS,
      );
    if (this.#failure !== undefined && !(this.#failure instanceof ConnectionFailed)) throw this.#failure;
    return this.#result();
  }

  #result(): Result {
    const { profile, peer, coding, lastsMs } = this.#cell;
    const [first] = this.#flows as [Flow];
    const { measure } = first;
    const nowMs = this.#clock.now();
    const isWhole = lastsMs !== undefined || this.#flows.every(isDone);
    const elapsedMs = isWhole ? measure.elapsedMs : nowMs - (measure.startMs ?? 0);
    const goodputKbps = elapsedMs > 0 ? (measure.deliveredBytes * 8) / elapsedMs : 0;
    const limit = this.#limitKbps(elapsedMs);
    this.#return.end(nowMs);
    const isCorrect = this.#flows.every((flow) => flow.measure.wrong === 0 && !flow.hasFailed());
    return {
      profile: profile.name,
      peer,
      coding,
      seed: this.#seed,
      goodputKbps,
      limitKbps: limit,
      share: limit === 0 ? 0 : goodputKbps / limit,
      p50Ms: measure.latencyMs(0.5),
      p99Ms: measure.latencyMs(0.99),
      overhead: measure.delivered === 0 ? 0 : first.dataPackets / measure.delivered - 1,
      queueMs: this.#queue.standingMs,
      completed: isWhole && isCorrect && this.#failure === undefined,
      work: workName(this.#cell),
      elapsedMs,
      returnMs: this.#return.longestMs,
      flowsKbps: this.#flows.map((flow) => flowKbps(flow, lastsMs)),
      simulatedMs: nowMs,
      ...(this.#failure === undefined ? {} : { failure: (this.#failure as Error).message }),
      ...(this.#trace === undefined ? {} : { trace: this.#trace.points }),
    };
  }

  #limitKbps(elapsedMs: number): number {
    const { rateBitsPerSecond } = this.#forth.config;
    if (rateBitsPerSecond === Number.POSITIVE_INFINITY) return 0;
    const startMs = this.#flows[0]!.measure.startMs ?? 0;
    return limitKbps(
      rateBitsPerSecond,
      throughShare(this.#forth.stats, this.#forth.queuedPackets),
      onShare(this.#cell.profile.blackhole, startMs, startMs + elapsedMs),
    );
  }

  get #queueWaitMs(): number {
    return (this.#forth.queuedBytes * 8000) / this.#forth.config.rateBitsPerSecond;
  }

  #sampleQueue(): void {
    this.#queue.add(this.#queueWaitMs);
    this.#clock.setTimer(this.#clock.now() + this.#queue.everyMs, () => this.#sampleQueue());
  }

  #tracePoint(): void {
    if (this.#trace === undefined) return;
    const nowMs = this.#clock.now();
    this.#trace.add(nowMs, this.#forth.stats, this.#queueWaitMs, this.#flows[0]!.rttMs() ?? 0);
    this.#clock.setTimer(nowMs + TRACE_MS, () => this.#tracePoint());
  }

  #watchReturns(everyMs: number): void {
    const watch = (atMs: number) => {
      this.#clock.setTimer(atMs, () => {
        this.#return.handleReturn(this.#forth.queuedPackets, atMs);
        watch(atMs + everyMs);
      });
    };
    watch(everyMs);
  }

  #link(config: Partial<LinkConfig>, done: () => void = () => undefined): Link<SimPacket> {
    return new Link<SimPacket>({
      clock: this.#clock,
      random: this.#random.fork(),
      config,
      sizeBytes: (packet) => packet.length + OVERHEAD_BYTES,
      deliver: (packet) => {
        packet.to.receive(packet);
        this.#pool.give(packet);
        done();
      },
      drop: (packet, reason) => {
        this.#pool.give(packet);
        if (reason === "loss") done();
      },
    });
  }

  async #addOurs(index: number, config: PartialConfig, peer: PeerKind): Promise<void> {
    const port = FIRST_PORT + index;
    const work = this.#work();
    const measure = new Measure();
    const [sender, receiver] = [sid(1, index), sid(2, index)];
    let host: Host;
    const source = new Source(() => host, work, measure);
    const deployed = peer === "legacy" ? this.#deployed(port, measure) : undefined;
    const guard = deployed && new DeployedGuard();
    const flow: Flow = {
      measure,
      work,
      begin: () => source.start(port),
      rttMs: () => source.connection?.stats.srttMs,
      hasFailed: () => deployed?.hasFailed === true,
      dataPackets: 0,
      bytesByHalf: 0,
    };
    this.#flows.push(flow);
    const forth = (packet: SimPacket) => {
      if (packet.length >= 5 && isData(packet.bytes[0]!)) flow.dataPackets += 1;
      this.#catch(() => guard?.handleSent(packet.bytes, packet.length, this.#clock.now()));
      this.#forth.send(packet);
    };
    host = await this.#host(sender, receiver, config, forth, (event) => source.handleEvent(event));
    if (guard !== undefined) host.onReceive = (packet) => guard.handleReceived(packet.bytes, packet.length);
    const other = deployed ?? (await this.#sink(sender, receiver, port, config, measure));
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
    const back = (packet: SimPacket) => this.#back.send(packet);
    host = await this.#host(receiver, sender, config, back, (event) => sink.handleEvent(event));
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
      begin: () => sender.sendAll(work, measure),
      rttMs: () => undefined,
      hasFailed: () => sender.hasFailed || receiver.hasFailed,
      dataPackets: 0,
      bytesByHalf: 0,
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
    const options = {
      core,
      clock: this.#clock,
      entropy: { fill: (bytes: Uint8Array) => void random.fill(bytes) },
      sid: local,
      config: parseConfig(config),
      pool: this.#pool,
      send,
      onEvent: (event: DriverEvent) => this.#catch(() => onEvent(event)),
    };
    return new Host(options, remote);
  }

  /** What is thrown ends the run, not the driver that called. */
  #catch(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#failure ??= error;
    }
  }

  #work(): Work {
    const { profile, lastsMs } = this.#cell;
    const messages = this.#cell.messages ?? profile.messages;
    if (lastsMs !== undefined) return { count: Number.POSITIVE_INFINITY, bytes: MESSAGE_BYTES };
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

function isOver(flow: Flow): boolean {
  return isDone(flow) || flow.hasFailed();
}

function flowKbps({ measure, bytesByHalf }: Flow, lastsMs: number | undefined): number {
  if (lastsMs === undefined) return measure.goodputKbps;
  return ((measure.deliveredBytes - bytesByHalf) * 8) / (lastsMs / 2);
}

/** Not messages at a pace: only a transfer has a time within which it must end. */
function isTransfer({ profile, messages = profile.messages }: Cell): boolean {
  return messages === undefined;
}

function workName({ profile, messages = profile.messages, lastsMs }: Cell): string {
  if (lastsMs !== undefined) return `${lastsMs / 1000} s`;
  return messages === undefined ? "transfer" : `${messages.perSecond}@${messages.bytes}`;
}

function sid(side: number, index: number): Sid {
  return Sid.fromBytes(new Uint8Array(32).fill(side).fill(index, 16));
}

const FIRST_PORT = 100;

/** So much later does each flow of a run that lasts begin. */
const JOIN_MS = 5000;

/** Simulated: longer than the slowest cell, two deployed peers with 40 MB, takes. */
const RUN_LIMIT_MS = 50_000_000;
