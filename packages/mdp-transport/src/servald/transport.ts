import {
  type Address,
  BIND_ALL,
  BIND_PRIMARY,
  type BindAddress,
  type Clock,
  type DatagramTransport,
  type Entropy,
  type LinkAddress,
  MspError,
  type PacketReceiver,
  type PacketWriter,
  type SealedBinding,
  type SealedTransport,
  SID_BYTES,
  Sid,
  type TimerHandle,
} from "@meshstream/msp";
import { type Core, TRANSMIT_HEADROOM } from "@meshstream/wasm-core";
import { equalBytes, SidTable } from "../attach/sid-table.ts";
import { isAny, type MdpRecord, parseRecord, RecordFlag } from "../mdp2/record.ts";
import { Bindings } from "../overlay/bindings.ts";
import { ServicePort } from "../overlay/ports.ts";
import { type PublishedService, ServiceDirectory } from "../overlay/services/service-directory.ts";
import { BindRequests } from "./bind-requests.ts";
import { type BindingOwner, ServaldBinding } from "./binding.ts";
import { DaemonChannel } from "./channel.ts";
import { createServaldCounters, type ServaldCounters } from "./counters.ts";
import { ServaldLimit, ServaldTiming } from "./limits.ts";
import { DaemonQuestion, Questions } from "./questions.ts";
import { type DaemonRoute, parseRoute } from "./route.ts";

export interface ServaldOptions {
  readonly core: Core;
  /** Reaches the daemon; used for nothing else, and closed with the transport. */
  readonly link: DatagramTransport;
  /** The daemon's address on the link. */
  readonly daemon: LinkAddress;
  /** For repeats and for probing. */
  readonly clock: Clock;
  /** For the numbers of automatic ports. */
  readonly entropy: Entropy;
}

/** A Serval daemon of this machine, used as its client. */
export interface ServaldTransport extends SealedTransport {
  /** The daemon's address on the link. */
  readonly daemon: LinkAddress;
  readonly counters: Readonly<ServaldCounters>;
  /** Settles when the transport has ended, closed or lost. */
  readonly closed: Promise<void>;
  /** The nodes that the daemon knows a way to, its own identities among them. Rejects with MspError "transport-lost". */
  routes(): Promise<readonly DaemonRoute[]>;
  /** As OverlayNode.publishService, but for questions that are ciphered only; `ready` rejects with "port-in-use" if another program has port 11. */
  publishService(name: string, port: number): PublishedService;
}

/**
 * Become a client of a Serval daemon on this machine (docs/wire.md W10): its identities, its ports, its mesh. The daemon seals and
 * opens; between it and this program packets are in clear, on this machine only, and the nonces are the daemon's.
 *
 * A daemon that is restarted gets all ports asked for again, and connections go on. One that is silent for 5 s, or does not
 * give a port again, is lost: MspError "transport-lost". A port that is refused rejects `ready` with "port-in-use".
 * Rejects with MspError "transport-start" if no daemon answers within 2 s; the link is closed then.
 * Close it: a daemon keeps a port for a client that vanished, until the daemon is restarted.
 * Worst-case memory: see {@link ServaldLimit}, about 2 MiB, and 500 bytes for each bound port.
 *
 * @example const transport = await connectServald({ core, link, daemon: "127.0.0.1:4210", clock: systemClock, entropy: systemEntropy });
 */
export async function connectServald(options: ServaldOptions): Promise<ServaldTransport> {
  const client = new DaemonClient(options);
  try {
    await client.open();
  } catch (error) {
    await client.close();
    throw error;
  }
  return client;
}

class DaemonClient implements ServaldTransport, BindingOwner {
  readonly core: Core;
  readonly isThroughDaemon = true;
  readonly counters = createServaldCounters();
  readonly daemon: LinkAddress;
  identities: readonly Sid[] = [];
  private readonly options: ServaldOptions;
  private readonly clock: Clock;
  private readonly channel: DaemonChannel;
  private readonly questions: Questions;
  private readonly requests: BindRequests;
  private readonly bound = new Set<ServaldBinding>();
  private readonly remotes = new SidTable(ServaldLimit.SIDS);
  private ports: Bindings;
  /** Asks the daemon's own echo service: it answers only to a port that the daemon knows to be ours. */
  private probe: SealedBinding | undefined;
  private probeAtMs = Number.POSITIVE_INFINITY;
  private probedAtMs = Number.NEGATIVE_INFINITY;
  private unansweredProbes = 0;
  private reboundAtMs = Number.NEGATIVE_INFINITY;
  private timer: TimerHandle | undefined;
  /** Why nothing goes any more; undefined while all is well. */
  private ended: MspError | undefined;
  private handleLost: ((error: MspError) => void) | undefined;
  readonly closed: Promise<void>;
  private settleClosed: (linkClosed: Promise<void>) => void = () => {};
  private readonly services: ServiceDirectory;

  constructor(options: ServaldOptions) {
    this.options = options;
    this.core = options.core;
    this.daemon = options.daemon;
    this.clock = options.clock;
    this.channel = new DaemonChannel(options.link, options.daemon);
    this.questions = new Questions(this.channel);
    this.requests = new BindRequests(this.channel);
    this.ports = this.portsOf([]);
    this.services = new ServiceDirectory(this, this.clock, this.counters);
    this.closed = new Promise((resolve) => {
      this.settleClosed = resolve;
    });
  }

  /** Learn whose daemon it is, and begin to probe it. Nothing else may be called before. */
  async open(): Promise<void> {
    const { clock, daemon } = this;
    this.options.link.onDatagram((datagram, from) => this.handleDatagram(datagram, from));
    const late = clock.setTimer(clock.now() + ServaldTiming.START_MS, () =>
      this.end(
        new MspError(
          "transport-start",
          `no Serval daemon answers at ${daemon} (waited ${ServaldTiming.START_MS} ms)`,
        ),
      ),
    );
    try {
      const answered = this.questions.ask(DaemonQuestion.IDENTITIES, clock.now());
      this.arm();
      const { primary, payloads } = await answered;
      if (isAny(primary)) throw new MspError("transport-start", `the daemon at ${daemon} has no identity`);
      const others = payloads.filter((sid) => sid.length === SID_BYTES && !equalBytes(sid, primary));
      this.identities = Object.freeze([primary, ...others].map((bytes) => Sid.fromBytes(bytes)));
      this.ports = this.portsOf(this.identities);
      this.probe = this.bind({ sid: BIND_PRIMARY, port: 0 }, () => {});
      this.probeAtMs = clock.now() + ServaldTiming.PROBE_MS;
      await this.probe.ready;
    } finally {
      late.cancel();
    }
  }

  bind(local: BindAddress, receive: PacketReceiver): SealedBinding {
    if (this.ended !== undefined) throw this.ended;
    const inner = this.ports.bind(local, receive);
    const sids = local.sid === BIND_ALL ? this.identities : [inner.local.sid];
    const binding = new ServaldBinding(this, inner, sids);
    this.bound.add(binding);
    this.ask(binding);
    this.arm();
    return binding;
  }

  unbind(binding: ServaldBinding): void {
    this.bound.delete(binding);
    for (const sid of binding.sids) {
      const mayBeGiven = this.requests.cancel(sid, binding.port) || binding.isGiven(sid);
      if (mayBeGiven) this.channel.unbind(sid, binding.port);
    }
  }

  handleRefused(binding: ServaldBinding): void {
    const { port } = binding;
    if (binding.wasGiven) {
      this.end(new MspError("transport-lost", `the Serval daemon began anew and refuses port ${port}`));
      return;
    }
    this.unbind(binding); // the daemon may have given it for others of its identities
    binding.end(
      new MspError(
        "port-in-use",
        `the Serval daemon refuses port ${port}: another program has it, or one that was killed had it (then it is free once the daemon is restarted)`,
      ),
    );
  }

  async routes(): Promise<readonly DaemonRoute[]> {
    if (this.ended !== undefined) throw this.ended;
    const answered = this.questions.ask(DaemonQuestion.ROUTES, this.clock.now());
    this.arm();
    return (await answered).payloads.map(parseRoute).filter((route) => route !== undefined);
  }

  publishService(name: string, port: number): PublishedService {
    return this.services.publish(name, port);
  }

  onLost(handle: (error: MspError) => void): void {
    this.handleLost = handle;
    const { ended } = this;
    if (ended?.code === "transport-lost") queueMicrotask(() => handle(ended));
  }

  async close(): Promise<void> {
    this.end(new MspError("state", "the transport is closed"));
    await this.closed;
  }

  private portsOf(identities: readonly Sid[]): Bindings {
    return new Bindings(identities, this.options.entropy, (local, port, remote, write) =>
      this.send(local, port, remote, write),
    );
  }

  /** `port` is undefined once the binding is closed: then the packet goes nowhere. */
  private send(local: Sid, port: number | undefined, remote: Address, write: PacketWriter): boolean {
    const sid = this.identities.find(({ hex }) => hex === local.hex);
    if (sid === undefined) throw new MspError("address", `${local.hex} is no identity of this node`);
    const offset = this.core.transmitRegion.offset + TRANSMIT_HEADROOM;
    const length = write(this.core, offset, ServaldLimit.SENT_PACKET_BYTES);
    if (port === undefined) return false;
    if (!this.requests.isAsked(sid, port)) {
      this.counters.notReady++;
      return false;
    }
    const isSent = this.channel.send(this.core, offset, length, sid, port, remote);
    if (isSent) this.counters.sent++;
    else this.counters.refused++;
    return isSent;
  }

  private handleDatagram(datagram: Uint8Array, from: LinkAddress): void {
    if (this.ended !== undefined) return;
    if (from !== this.daemon) {
      this.counters.droppedStranger++;
      return;
    }
    const record = parseRecord(datagram);
    if (record.kind === "fault") {
      this.counters.droppedMalformed++;
      return;
    }
    this.unansweredProbes = 0;
    if (record.kind === "bind") this.handleBindAnswer(record, false);
    else if (record.kind === "data" && !isAny(record.remote.sid)) this.handlePacket(record);
    else if (record.kind === "error") this.handleError(record);
    else if (!this.questions.handleAnswer(record)) this.counters.droppedMalformed++;
  }

  private handlePacket({ local, remote, payload, flags }: MdpRecord): void {
    const sid = this.identityOf(local.sid);
    const receive = sid && this.ports.receiver(sid, local.port);
    if (sid === undefined || receive === undefined) this.counters.droppedNotBound++;
    else if ((flags & UNPROTECTED) !== 0) this.counters.droppedUnprotected++;
    else if (payload.length === 0 || payload.length > ServaldLimit.RECEIVED_PACKET_BYTES) {
      this.counters.droppedSize++;
    } else {
      this.counters.received++;
      const { offset } = this.core.receiveRegion;
      this.core.bytes.set(payload, offset);
      receive(sid, this.remotes.intern(remote.sid), remote.port, offset, payload.length);
    }
  }

  /** A refused bind, a refused question, or a refused packet. */
  private handleError(record: MdpRecord): void {
    const { local, remote } = record;
    if (!isAny(remote.sid)) {
      this.counters.refusedByDaemon++;
      const sid = this.identityOf(local.sid);
      if (sid === undefined || !this.isGiven(sid, local.port)) return;
      // From other ports it may only be that a queue of the daemon's is full.
      if (local.port === this.probe?.local.port) this.rebind();
      else this.probeSoon();
    } else if (remote.port === 0) this.handleBindAnswer(record, true);
    else if (!this.questions.handleAnswer(record)) this.counters.droppedMalformed++;
  }

  private handleBindAnswer({ local }: MdpRecord, isRefused: boolean): void {
    const sid = this.identityOf(local.sid);
    const nowMs = this.clock.now();
    if (sid === undefined || !this.requests.handleAnswer(sid, local.port, isRefused, nowMs)) {
      this.counters.droppedMalformed++;
    }
  }

  private identityOf(bytes: Uint8Array): Sid | undefined {
    return this.identities.find((identity) => equalBytes(identity.bytes, bytes));
  }

  /** Whether the port is ours as far as we know. */
  private isGiven(sid: Sid, port: number): boolean {
    return this.ports.receiver(sid, port) !== undefined && !this.requests.isOpen(sid, port);
  }

  /** The daemon began anew and knows none of our ports: ask for all of them. */
  private rebind(): void {
    const nowMs = this.clock.now();
    if (nowMs - this.reboundAtMs < ServaldTiming.REBIND_MS) return;
    this.reboundAtMs = nowMs;
    this.counters.rebound++;
    for (const binding of this.bound) this.ask(binding);
    this.arm();
  }

  private ask(binding: ServaldBinding): void {
    for (const sid of binding.sids) this.requests.add(binding, sid, this.clock.now());
  }

  /** Find out whether the daemon knows our ports, but not at every packet. */
  private probeSoon(): void {
    const atMs = Math.max(this.clock.now(), this.probedAtMs + ServaldTiming.EARLY_PROBE_MS);
    if (atMs >= this.probeAtMs) return;
    this.probeAtMs = atMs;
    this.arm();
  }

  /** Do what is due, and set the timer for what comes next. */
  private arm(): void {
    this.timer?.cancel();
    if (this.ended !== undefined) return;
    const nowMs = this.clock.now();
    if (nowMs >= this.probeAtMs) this.sendProbe(nowMs);
    if (this.ended !== undefined) return;
    const nextMs = Math.min(this.probeAtMs, this.questions.step(nowMs), this.requests.step(nowMs));
    this.timer = this.clock.setTimer(nextMs, () => this.arm());
  }

  private sendProbe(nowMs: number): void {
    if (this.unansweredProbes >= ServaldTiming.UNANSWERED_PROBES) {
      const silentS = (ServaldTiming.UNANSWERED_PROBES * ServaldTiming.PROBE_MS) / 1000;
      this.end(
        new MspError(
          "transport-lost",
          `the Serval daemon at ${this.daemon} is gone: silent for ${silentS} s`,
        ),
      );
      return;
    }
    this.probedAtMs = nowMs;
    this.probeAtMs = nowMs + ServaldTiming.PROBE_MS;
    // Whoever has no echo service is still asked who it is.
    if (this.unansweredProbes > 0) this.questions.ask(DaemonQuestion.IDENTITIES, nowMs).catch(() => {});
    this.unansweredProbes++;
    const [primary] = this.identities;
    this.probe?.send(primary!, { sid: primary!, port: ServicePort.ECHO }, (core, offset) => {
      core.bytes[offset] = 0;
      return 1;
    });
  }

  /** Everything stops, for this reason; only the first counts. Tells the daemon that we go, within this call. */
  private end(error: MspError): void {
    if (this.ended !== undefined) return;
    this.ended = error;
    this.timer?.cancel();
    this.channel.unbindAll();
    this.settleClosed(this.options.link.close());
    this.requests.clear();
    this.questions.end(error);
    for (const binding of [...this.bound]) binding.end(error);
    this.bound.clear();
    if (error.code === "transport-lost") this.handleLost?.(error);
  }
}

const UNPROTECTED = RecordFlag.NOT_CIPHERED | RecordFlag.NOT_SIGNED;
