import {
  type Core,
  type DecodedPacket,
  PacketFlag,
  PacketKind,
  type SequenceNumber,
} from "@meshstream/wasm-core";
import type { Address } from "./address.ts";
import type { Repair } from "./coding/repair-policy.ts";
import type { ConnectionHost } from "./connection-host.ts";
import type { ConnectionStats } from "./connection-stats.ts";
import type { Output } from "./endpoint.ts";
import { MspError } from "./errors.ts";
import type { EventType, Outcome } from "./events.ts";
import { Extension, type PeerKind } from "./extension.ts";
import type { Listener } from "./listener.ts";
import { checkMessage } from "./message.ts";
import { ReceiveSide } from "./receive-side.ts";
import { OpeningRoundTrip } from "./receiving/opening-round-trip.ts";
import { DEPLOYED_RETRANSMIT_MS } from "./recovery/fixed-timer.ts";
import { SendSide } from "./send-side.ts";
import type { PacketWriter } from "./stream/transport.ts";
import { Timer, TimerTable } from "./timers.ts";

/**
 * One MSP connection: a two-way, reliable, ordered stream of messages (docs/wire.md W2). It reads no clock and touches
 * no socket. Its methods are of four kinds: nouns look, plain verbs say what the application wants, handle* takes in
 * what happened, poll* gives out what to do. Only the {@link Endpoint} calls the last two kinds.
 */
export class Connection<Path = unknown> {
  readonly local: Address;
  readonly remote: Address;
  /** The caller's own: where packets of this connection go out. */
  readonly path: Path;
  /** The listener that made it for a peer that connected; undefined on the connecting side. */
  readonly listener: Listener | undefined;
  /** How it ended; undefined while it is open. */
  outcome: Outcome | undefined;
  /** Why it failed. May be set while messages that had arrived are still to be taken. */
  failure: MspError | undefined;
  /** For the endpoint alone: the packet that pollTransmit has announced. */
  readonly transmit: Output<Path> & { kind: "transmit" };
  /** For the endpoint alone: its place among those to poll and among the deadlines. */
  readonly place: {
    isAwake: boolean;
    deadlineMs: number;
    heapIndex: number;
    readonly owner: Connection<Path>;
  };

  private readonly endpoint: ConnectionHost<Path>;
  private readonly extension: Extension;
  private readonly sending: SendSide;
  private readonly receiving: ReceiveSide;
  private readonly opening = new OpeningRoundTrip();
  private readonly timers = new TimerTable();
  private readonly events: EventType[] = [];
  private heardFromPeer = false;
  private heardAtMs: number;
  private sentAtMs = Number.NEGATIVE_INFINITY;
  private sentCount = 0;
  private mustSend = false;
  /** An extended acknowledgement was sent. */
  private reportedInFull = false;
  private stopWanted = false;
  private shutdownReported = false;
  /** A SHUTDOWN of ours went out before the peer's was taken: its acknowledgement does not prove that the peer has ours. */
  private shutdownWentFirst = false;
  /** Kept once the windows are given back. */
  private lastAck: SequenceNumber | undefined;
  private noRouteUntilMs = Number.NEGATIVE_INFINITY;
  private announced: Announced = ACK;

  constructor(
    endpoint: ConnectionHost<Path>,
    local: Address,
    remote: Address,
    path: Path,
    listener?: Listener,
  ) {
    this.endpoint = endpoint;
    this.local = local;
    this.remote = remote;
    this.path = path;
    this.listener = listener;
    this.extension = new Extension(endpoint.config.extension);
    this.sending = new SendSide(endpoint.core, endpoint.config, endpoint.isThroughDaemon);
    this.receiving = new ReceiveSide(endpoint.core, endpoint.config, () => this.roundTripMs);
    this.heardAtMs = endpoint.nowMs;
    this.mustSend = true; // the opening packet, or the answer to one; with data if there is any by then
    if (listener !== undefined) this.say("incoming");
    const write: PacketWriter = (core, offset) => this.encode(core, offset);
    this.transmit = { kind: "transmit", path, local: local.sid, remote, write, connection: this };
    this.place = { isAwake: false, deadlineMs: Number.POSITIVE_INFINITY, heapIndex: -1, owner: this };
  }

  // What it is like.

  /** A packet from the peer has come. */
  get isConnected(): boolean {
    return this.heardFromPeer && !this.isClosed;
  }

  get isClosed(): boolean {
    return this.outcome !== undefined;
  }

  /** shutdown() was called. */
  get isShutdownLocal(): boolean {
    return this.sending.isShutdown;
  }

  /** shutdown() was called and no queued message is unacknowledged any more. */
  get isDrainedLocal(): boolean {
    return this.sending.isDrained;
  }

  /** The peer has shut down and every message before that is taken. */
  get isShutdownRemote(): boolean {
    return this.receiving.isShutdown;
  }

  /** The next send() of a message will take it. */
  get canSend(): boolean {
    return !this.isEnding && this.sending.hasRoom;
  }

  /** Bytes of the next message to take, 1..1195; -1 if there is none now. */
  get frontLength(): number {
    return this.isClosed ? -1 : this.receiving.frontLength;
  }

  /** Offset in the core's memory of the next message to take, valid until take(); -1 if there is none now. */
  get frontOffset(): number {
    return this.isClosed ? -1 : this.receiving.frontOffset;
  }

  /** The next message to take is there, and the last: the peer has shut down behind it. */
  get frontIsLast(): boolean {
    return !this.isClosed && this.receiving.frontIsLast;
  }

  /**
   * How long somebody should stay to repeat the last acknowledgement: 0 once the peer is known to have it. Repeats come one
   * timeout apart: stay for a few, and for the first of a peer that has not measured the round trip; for two of a deployed peer.
   */
  get stayMs(): number {
    if (this.outcome !== "clean" || !this.shutdownWentFirst) return 0;
    const { initialRtoMs, minRtoMs } = this.endpoint.config;
    if (this.extension.peer === "legacy") return LEGACY_STAY_REPEATS * DEPLOYED_RETRANSMIT_MS + minRtoMs;
    return Math.max(STAY_TIMEOUTS * minRtoMs, initialRtoMs + minRtoMs);
  }

  /** Whether the peer speaks the extension; "unknown" until its first packet came (docs/wire.md W13). */
  get peerKind(): PeerKind {
    return this.extension.peer;
  }

  /** The flag bits that every packet of this connection has. */
  get extensionFlag(): number {
    return this.extension.flag;
  }

  /** The last cumulative acknowledgement, for the memory of closed connections. */
  get ack(): SequenceNumber {
    return this.lastAck ?? this.receiving.ack;
  }

  get stats(): ConnectionStats {
    const { rtt } = this.sending;
    return {
      sent: this.sentCount,
      retransmitted: this.sending.retransmittedCount,
      received: this.receiving.receivedCount,
      inFlight: this.isClosed ? 0 : this.sending.inFlightCount,
      srttMs: rtt.srttMs,
      minRttMs: rtt.srttMs === undefined ? undefined : rtt.minMs,
    };
  }

  // What the application wants.

  /**
   * Queue a message of 1..1024 bytes; it is copied. False if there is no room now: "writable" will say when there is.
   * Throws RangeError for another length, MspError "argument" for what is no Uint8Array, "state" after shutdown(), and the failure once the connection is over.
   */
  send(message: Uint8Array): boolean {
    checkMessage(message);
    this.checkOpen("send");
    if (this.sending.isShutdown) throw new MspError("state", "cannot send after shutdown()");
    const taken = this.sending.queue(message);
    if (taken) this.endpoint.wake(this);
    return taken;
  }

  /** End the outgoing direction: what is queued still goes, then SHUTDOWN. A second call does nothing. */
  shutdown(): void {
    if (this.isEnding || this.sending.isShutdown) return;
    this.sending.shutdown();
    this.endpoint.wake(this);
  }

  /** End at once: both queues are discarded, the peer is told once. Does nothing on a closed connection. */
  stop(): void {
    if (this.isClosed) return;
    if (this.failure === undefined) this.stopWanted = true;
    this.close("stopped");
  }

  /** Let go of the next message (it must be there: else MspError "state"): only now it counts as received and is acknowledged. */
  take(): void {
    if (this.frontLength === -1) throw new MspError("state", "take(): there is no message to take");
    this.receiving.take(this.endpoint.nowMs);
    this.reportProgress();
    this.closeIfFailedAndRead();
    this.endpoint.wake(this);
  }

  /** End with an error that comes from below, such as the loss of the transport. What has arrived can still be taken. */
  fail(failure: MspError): void {
    if (this.isEnding) return;
    this.failure = failure;
    this.say("failed");
    this.closeIfFailedAndRead();
    this.endpoint.wake(this);
  }

  // What happened.

  /** Take in a packet from the peer. STOP and every fault are the endpoint's. */
  handlePacket(packet: DecodedPacket): void {
    if (this.isEnding) return;
    const { nowMs, counters } = this.endpoint;
    const admission = this.extension.handlePacket(packet);
    if (admission !== "admitted") {
      counters.count(`msp.extension-${admission}`);
      this.endpoint.wake(this);
      return;
    }
    this.heardAtMs = nowMs;
    const isFirst = (packet.flags & PacketFlag.FIRST) !== 0;
    this.opening.handlePacket(isFirst, this.listener === undefined, nowMs);
    if (!this.heardFromPeer) this.handleConnected();
    else if (isFirst && packet.kind === PacketKind.ACK) this.mustSend = true; // it has not heard us: our answer was lost
    this.handleAck(packet);
    const before = this.receiving.frontLength;
    if (packet.kind === PacketKind.DATA) {
      const meaning = this.receiving.handleData(packet, nowMs);
      if (meaning !== "kept") counters.count(`msp.data-${meaning}`);
    } else if (packet.kind === PacketKind.REPAIR) {
      const meaning = this.receiving.handleRepair(packet, nowMs);
      if (meaning !== "used") counters.count(`msp.repair-${meaning}`);
    }
    if (before === -1 && this.receiving.frontLength !== -1) this.say("readable");
    this.reportProgress();
    this.endpoint.wake(this);
  }

  /** The peer says that the connection is gone. */
  handleStop(): void {
    if (this.isEnding) return;
    if (this.endsUnconfirmed()) return;
    const failure = this.heardFromPeer
      ? "the peer ended the connection suddenly"
      : "the peer refused the connection (nothing listens on that port, or it turned us away)";
    this.failure = new MspError("stopped", failure);
    this.say("failed");
    this.close("failed"); // at once: the peer's stop discards what it sent before
  }

  /** Deadlines up to the endpoint's `nowMs` have come. */
  handleTime(): void {
    if (this.isEnding) return;
    const { nowMs, config } = this.endpoint;
    if (this.timers.isDue(Timer.PATIENCE, nowMs)) {
      if (this.endsUnconfirmed()) return;
      const silence = `nothing heard from the peer for ${config.patienceMs / 1000} s`;
      this.fail(
        new MspError(
          "timeout",
          this.heardFromPeer ? silence : `${silence}: it is not there, or no route leads to it`,
        ),
      );
      return;
    }
    if (this.timers.isDue(Timer.RETRANSMIT, nowMs)) this.sending.handleTimeout(nowMs);
    if (this.timers.isDue(Timer.KEEP_ALIVE, nowMs)) this.mustSend = true;
    this.endpoint.wake(this);
  }

  /** The packet just given out had no route: nothing left this node. Hold everything for a moment. */
  handleNoRoute(): void {
    if (this.isEnding) return;
    this.noRouteUntilMs = this.endpoint.nowMs + this.endpoint.config.noRouteRetryMs;
    this.sentCount -= 1;
    if (typeof this.announced === "number") this.sending.handleNotSent(this.announced);
    else this.mustSend = true;
  }

  // What to do.

  /** The next thing to tell the application, or undefined. */
  pollEvent(): EventType | undefined {
    return this.events.shift();
  }

  /** Whether a packet is to be sent now: the one that `transmit` stands for. */
  pollTransmit(): boolean {
    if (this.stopWanted) {
      this.stopWanted = false;
      this.announced = STOP;
      return true;
    }
    const { nowMs } = this.endpoint;
    if (this.isEnding || this.isHeld) return false;
    const next = this.nextToSend(nowMs);
    if (next === undefined) return false;
    this.announced = next;
    this.mustSend = false;
    this.sentAtMs = nowMs;
    this.opening.handleSent(nowMs);
    this.sentCount += 1;
    const isExtended = this.extension.peer === "extended";
    if (next === ACK && isExtended) this.reportedInFull = true;
    // To an extended peer a packet with a message says less than an acknowledgement of its own.
    this.receiving.handleAckSent(next === ACK || !isExtended, nowMs);
    return true;
  }

  /** After everything is polled: close what is finished, set the deadlines. Returns the earliest; Infinity if there is none. */
  pollDeadline(): number {
    if (this.isFinishedButForAck && !this.receiving.owesAck && !this.isEnding) this.close("clean");
    if (this.isEnding) return Number.POSITIVE_INFINITY;
    this.rearm();
    return this.timers.nextMs();
  }

  private nextToSend(nowMs: number): Announced | undefined {
    const isExtended = this.extension.peer === "extended";
    if (isExtended && (this.mustSend || this.ackIsDue(nowMs))) return ACK;
    const sequence = this.sending.pollMessage(nowMs);
    if (sequence !== -1) {
      if (this.sending.isShutdownMessage(sequence)) this.shutdownWentFirst ||= !this.receiving.isShutdown;
      return sequence;
    }
    if (this.mustSend || this.ackIsDue(nowMs)) return ACK;
    if (!this.extension.peerCodes) return undefined;
    const repair = this.sending.pollRepair(nowMs);
    // Lost, for once: the first extended packet is an acknowledgement (docs/wire.md W13.4).
    return repair !== undefined && !this.reportedInFull ? ACK : repair;
  }

  private get isEnding(): boolean {
    return this.outcome !== undefined || this.failure !== undefined;
  }

  /** Nothing is sent at present. */
  private get isHeld(): boolean {
    return this.endpoint.nowMs < this.noRouteUntilMs || this.extension.isDoubtful;
  }

  private get isFinishedButForAck(): boolean {
    return this.sending.isDone && this.receiving.isShutdown;
  }

  private ackIsDue(nowMs: number): boolean {
    return this.receiving.ackDeadlineMs <= nowMs || (this.receiving.owesAck && this.isFinishedButForAck);
  }

  private checkOpen(verb: string): void {
    if (this.failure !== undefined) throw this.failure;
    if (this.isClosed) throw new MspError("state", `cannot ${verb}: the connection is closed`);
  }

  private get roundTripMs(): number | undefined {
    return this.sending.rtt.srttMs ?? this.opening.ms;
  }

  private handleAck(packet: DecodedPacket): void {
    const { nowMs, counters } = this.endpoint;
    const isExtended = packet.kind === PacketKind.EXTENDED_ACK;
    if (!isExtended && (packet.flags & PacketFlag.ACK) === 0) return;
    const meaning = isExtended
      ? this.sending.handleExtendedAck(packet, nowMs)
      : this.sending.handleAck(packet.ack, packet.kind === PacketKind.ACK, nowMs);
    if (meaning === "beyond-sent") counters.count("msp.ack-beyond-sent");
  }

  private handleConnected(): void {
    this.heardFromPeer = true;
    this.receiving.handlePeer(this.extension.peer);
    this.sending.handlePeer(this.extension.peer, this.endpoint.nowMs);
    this.say("connected");
  }

  /** Row 7 of the departures (docs/wire.md W11): nothing is missing on either side but the peer's last acknowledgement. */
  private endsUnconfirmed(): boolean {
    if (!this.sending.lacksOnlyShutdown || !this.receiving.isShutdown) return false;
    this.close("unconfirmed");
    return true;
  }

  private closeIfFailedAndRead(): void {
    if (this.failure !== undefined && this.receiving.frontLength === -1) this.close("failed");
  }

  private close(outcome: Outcome): void {
    if (this.isClosed) return;
    this.outcome = outcome;
    this.lastAck = this.receiving.ack;
    this.sending.release();
    this.receiving.release();
    this.say("closed");
    this.endpoint.wake(this);
  }

  private reportProgress(): void {
    if (this.sending.wasFull && this.sending.hasRoom) {
      this.sending.wasFull = false;
      this.say("writable");
    }
    if (this.receiving.isShutdown && !this.shutdownReported) {
      this.shutdownReported = true;
      this.say("shutdown");
    }
  }

  private say(event: EventType): void {
    if (this.events.at(-1) !== event) this.events.push(event);
  }

  private rearm(): void {
    const { nowMs, config } = this.endpoint;
    const { isHeld } = this;
    const { timers } = this;
    timers.set(Timer.RETRANSMIT, isHeld ? NEVER : this.sending.deadlineMs);
    timers.set(Timer.PACE, isHeld ? NEVER : this.turnAtMs(nowMs));
    timers.set(Timer.ACKNOWLEDGE, isHeld ? NEVER : this.receiving.ackDeadlineMs);
    timers.set(Timer.KEEP_ALIVE, isHeld ? NEVER : this.sentAtMs + this.silenceMs);
    timers.set(Timer.NO_ROUTE, nowMs < this.noRouteUntilMs ? this.noRouteUntilMs : NEVER);
    timers.set(Timer.PATIENCE, this.heardAtMs + config.patienceMs);
  }

  /** Longest time without a packet of ours. An opening with messages is repeated sooner: a run of losses may have taken all of it. */
  private get silenceMs(): number {
    const { keepAliveMs, initialRtoMs } = this.endpoint.config;
    if (this.heardFromPeer) return keepAliveMs;
    const hasMessages = this.sending.inFlightCount > 0;
    return Math.min(keepAliveMs, hasMessages ? initialRtoMs / OPENINGS_PER_TIMEOUT : initialRtoMs);
  }

  /** When a message or a repair may go that waits for its turn only. */
  private turnAtMs(nowMs: number): number {
    const messageAtMs = this.sending.pacingAtMs(nowMs);
    return this.extension.peerCodes ? Math.min(messageAtMs, this.sending.repairAtMs(nowMs)) : messageAtMs;
  }

  private encode(core: Core, offset: number): number {
    if (this.announced === STOP) return core.encodeStop(offset);
    let flags: number = this.extension.flag | (this.heardFromPeer ? 0 : PacketFlag.FIRST);
    if (this.receiving.gotData) flags |= PacketFlag.ACK;
    const { ack } = this.receiving;
    const { announced } = this;
    if (typeof announced === "number") return this.sending.encode(announced, offset, flags, ack);
    if (announced !== ACK) return this.sending.encodeRepair(announced, offset, flags, ack);
    if (this.extension.peer === "extended") {
      return this.receiving.encodeExtendedAck(offset, flags, this.endpoint.nowMs);
    }
    return this.extension.isOpening
      ? core.encodeOpeningAck(offset, flags, ack)
      : core.encodeAck(offset, flags, ack);
  }
}

const ACK = "ack";
const STOP = "stop";

/** The packet that is given out: a message, or one of these. */
type Announced = SequenceNumber | Repair | typeof ACK | typeof STOP;

const NEVER = Number.POSITIVE_INFINITY;

/** Retransmission timeouts of a peer of our kind. */
const STAY_TIMEOUTS = 4;

/** Of a deployed peer, which reports a failure if nothing answers (docs/wire.md W2.13). */
const LEGACY_STAY_REPEATS = 2;

/** A packet each 250 ms harms no link, and 40 of them within the patience outlast long runs of losses. */
const OPENINGS_PER_TIMEOUT = 4;
