import {
  type DecodedExtendedAck,
  type SendWindow,
  type SequenceNumber,
  sequenceAdd,
  sequenceDistance,
} from "@meshstream/wasm-core";
import type { MspConfig } from "./config.ts";
import { type CongestionController, emptyReport } from "./congestion/controller.ts";
import { createController } from "./congestion/create.ts";
import { Pacer } from "./congestion/pacer.ts";
import { RepairsInFlight } from "./congestion/repairs-in-flight.ts";
import { TrainLog } from "./congestion/train-log.ts";
import type { PeerKind } from "./extension.ts";
import { DeployedRecovery } from "./recovery/deployed.ts";
import { ExtendedRecovery } from "./recovery/extended.ts";
import { FixedTimerRecovery } from "./recovery/fixed-timer.ts";
import type { Recovery } from "./recovery/recovery.ts";
import { RttEstimator } from "./recovery/rtt.ts";

/** What an incoming acknowledgement turned out to be. */
export type AckMeaning = "progress" | "repetition" | "stale" | "beyond-sent";

/**
 * The messages of a send window on their way: which may go now, and which have to go again. Joins what acknowledgements say, the recovery that
 * finds losses, the congestion controller that says how much and how fast, and the pacer that spreads it.
 */
export class Flight {
  readonly rtt = new RttEstimator();
  retransmittedCount = 0;

  private readonly window: SendWindow;
  private readonly config: MspConfig;
  private readonly isThroughDaemon: boolean;
  private recovery: Recovery;
  private readonly congestion: CongestionController;
  private readonly pacer = new Pacer();
  private readonly trains = new TrainLog();
  private readonly repairs = new RepairsInFlight();
  private readonly report = emptyReport();
  private peer: PeerKind = "unknown";
  /** Number of the first message that the peer, as far as it says, will not accept yet. */
  private peerEnd: SequenceNumber | undefined;
  private lastRecovered = 0;
  /** The transmission that the last acknowledgement with an echo named: a repetition of it measures nothing new. */
  private lastEcho = -1;
  /** Probes still to be sent. */
  private probePackets = 0;
  private lastSentAtMs = Number.NEGATIVE_INFINITY;

  constructor(window: SendWindow, config: MspConfig, isThroughDaemon: boolean) {
    this.window = window;
    this.config = config;
    this.isThroughDaemon = isThroughDaemon;
    this.recovery =
      config.sender === "legacy"
        ? new FixedTimerRecovery(window)
        : new DeployedRecovery(window, this.rtt, config);
    this.congestion = createController(config);
  }

  /** The peer was heard for the first time. If all that was sent is one flight, that is the first measure of the round trip. */
  handlePeer(peer: PeerKind, nowMs: number): void {
    this.peer = peer;
    this.congestion.handleConnected(peer === "extended");
    if (peer === "extended") {
      if (this.config.sender !== "legacy")
        this.recovery = new ExtendedRecovery(this.window, this.rtt, this.config);
      return; // its acknowledgements say by themselves what they measure
    }
    const oldest = this.window.oldestSent();
    if (oldest === -1) return;
    const sentAtMs = this.window.sentAtMs(oldest);
    const isOneFlight = this.lastSentAtMs - sentAtMs < ONE_TURN_MS;
    if (this.retransmittedCount === 0 && isOneFlight) this.rtt.sample(nowMs - sentAtMs);
  }

  /** Take in a cumulative acknowledgement (docs/wire.md W2). `isPure`: it came without data, so that a repetition says something. */
  handleAck(ack: SequenceNumber, isPure: boolean, nowMs: number): AckMeaning {
    const { window, report } = this;
    const meaning = this.meaningOf(ack);
    if (meaning === "stale" || meaning === "beyond-sent") return meaning;
    report.rttMs = meaning === "progress" ? this.rttOfOneSent(ack, nowMs) : -1;
    window.beginSample(nowMs);
    if (meaning === "progress") window.acknowledge(ack);
    if (this.peer !== "extended") {
      const isRepetition = meaning === "repetition" && isPure && window.inFlightCount > 0;
      report.lost = this.recovery.handleAck(undefined, isRepetition, nowMs);
      this.reportPath(undefined, nowMs);
    } else if (meaning === "progress") this.reportPath(undefined, nowMs);
    return meaning;
  }

  /** Take in an extended acknowledgement (docs/wire.md W13). */
  handleExtendedAck(
    ack: SequenceNumber,
    hasAck: boolean,
    extended: DecodedExtendedAck,
    nowMs: number,
  ): AckMeaning {
    const { window, report } = this;
    const meaning = hasAck ? this.meaningOf(ack) : "repetition";
    if (meaning === "beyond-sent") return meaning;
    const end = sequenceAdd(hasAck ? ack : NOTHING_TAKEN, extended.window + 1);
    if (this.peerEnd === undefined || sequenceDistance(end, this.peerEnd) > 0) this.peerEnd = end;
    if (!hasAck) return meaning; // nothing else is said yet
    report.rttMs = this.rttOfEcho(extended, nowMs);
    const wasLate = this.echoesEarlier(extended);
    window.beginSample(nowMs);
    if (meaning === "progress") window.acknowledge(ack);
    window.arriveThrough(extended.arrived);
    window.arriveBitmap(extended.bitmapBase, extended.bitmapOffset, extended.bitmapLength);
    report.lost = this.recovery.handleAck(extended, wasLate, nowMs);
    this.reportPath(extended, nowMs);
    return meaning;
  }

  /** Called when {@link deadlineMs} has come, or before: it does what is due. */
  handleTimeout(nowMs: number): void {
    if (nowMs < this.recovery.deadlineMs) return;
    const { lost, probePackets, isSilence } = this.recovery.handleTimeout(nowMs);
    if (probePackets > 0) this.probePackets = probePackets;
    if (isSilence) this.congestion.handleSilence(nowMs);
    if (lost === 0) return;
    this.window.beginSample(nowMs);
    this.report.lost = lost;
    this.report.rttMs = -1;
    this.reportPath(undefined, nowMs);
  }

  /** The message that was marked sent last never left this node: it is the next to go. */
  handleNotSent(sequence: SequenceNumber): void {
    if (!this.window.isArrived(sequence)) this.window.markLost(sequence);
    this.retransmittedCount -= 1;
  }

  /** When to find out what is lost; Infinity if nothing is in flight. */
  get deadlineMs(): number {
    return this.recovery.deadlineMs;
  }

  /** When a message may go that waits for nothing but its turn; Infinity if there is none. */
  pacingAtMs(nowMs: number): number {
    if (!this.windowIsOpen || this.nextMessage() === -1) return Number.POSITIVE_INFINITY;
    return this.turnAtMs(nowMs);
  }

  /** The message to send now: the first that is lost, else the next new one; -1 if none may go. It is marked sent. */
  pollMessage(nowMs: number): SequenceNumber | -1 {
    this.repairs.expire(nowMs);
    const isProbe = this.probePackets > 0;
    if (isProbe) this.probePackets -= 1;
    if (!isProbe && !this.windowIsOpen) return -1;
    let sequence = this.nextMessage();
    if (sequence === -1 && isProbe) sequence = this.repeatable(this.probePackets > 0);
    if (!isProbe && !this.mayLeave(nowMs)) return -1;
    if (sequence === -1) {
      this.window.markAppLimited();
      return -1;
    }
    this.send(sequence, nowMs);
    return sequence;
  }

  /** It is the next packet's turn. A repair counts like a message, against the window and in the pacing. */
  mayLeave(nowMs: number): boolean {
    return this.pacer.allows(nowMs, this.pacingPerMs, this.burstPackets);
  }

  /** When it is the next packet's turn. */
  turnAtMs(nowMs: number): number {
    return this.pacer.nextMs(nowMs, this.pacingPerMs, this.burstPackets, this.congestion.trainPackets);
  }

  /** A repair was sent. */
  handleRepairSent(nowMs: number): void {
    this.pacer.take();
    this.repairs.add(nowMs, this.rtt.srttMs ?? 0);
  }

  /** See {@link CongestionController.lossRatio}. */
  get lossRatio(): number {
    return this.congestion.lossRatio;
  }

  /** Messages that it makes sense to hold beyond those in flight. */
  get windowPackets(): number {
    return this.congestion.windowPackets;
  }

  /** Nothing waits but for new messages of the application: there is capacity to spare. */
  get isAppLimited(): boolean {
    return this.windowIsOpen && this.nextMessage() === -1;
  }

  private send(sequence: SequenceNumber, nowMs: number): void {
    const { window } = this;
    const isFirst = sequence === window.nextUnsent;
    if (!isFirst) this.retransmittedCount += 1;
    if (!isFirst && window.isArrived(sequence)) return; // a probe that no acknowledgement can count
    // Never twice the same time: which of two was sent first is what recovery goes by.
    const sentAtMs = Math.max(nowMs, this.lastSentAtMs + NEXT_MS);
    window.markSent(sequence, sentAtMs);
    this.lastSentAtMs = sentAtMs;
    this.pacer.take();
    this.trains.handleSent(sequence, isFirst, window.messageLength(sequence), sentAtMs);
    this.recovery.handleSent(sentAtMs);
  }

  /** The congestion window has room. */
  get windowIsOpen(): boolean {
    const { windowPackets } = this.congestion;
    const limit = this.recovery.readerIsStopped ? Math.min(windowPackets, STOPPED_PACKETS) : windowPackets;
    return this.window.inFlightCount + this.repairs.count < limit;
  }

  private get pacingPerMs(): number {
    const { pacingPerMs } = this.congestion;
    return this.isRestrained ? Math.min(pacingPerMs, DEPLOYED_PER_MS) : pacingPerMs;
  }

  private get burstPackets(): number {
    const { burstPackets } = this.congestion;
    if (!this.isRestrained) return burstPackets;
    return Math.min(burstPackets, this.peer === "unknown" ? UNKNOWN_BURST_PACKETS : DEPLOYED_BURST_PACKETS);
  }

  /** What a deployed node bears is the limit, unless there is none, on the way neither, or we are to behave like one. */
  private get isRestrained(): boolean {
    return (this.peer !== "extended" || this.isThroughDaemon) && this.config.sender !== "legacy";
  }

  /** The first that is lost, else the next new one that the peer accepts; -1 if there is neither. */
  private nextMessage(): SequenceNumber | -1 {
    const { window, peerEnd } = this;
    const lost = window.firstLost();
    if (lost !== -1) return lost;
    const { nextUnsent } = window;
    if (nextUnsent === window.next) return -1;
    if (peerEnd !== undefined && sequenceDistance(nextUnsent, peerEnd) >= 0) return -1;
    const { windowPackets } = this.config;
    const reach = this.peer === "extended" ? windowPackets : Math.min(windowPackets, DEPLOYED_PACKETS);
    return sequenceDistance(nextUnsent, window.base) < reach ? nextUnsent : -1;
  }

  /**
   * What to send again as a probe when there is nothing new. First the last of all: once it has arrived, all before it is known
   * to be missing or not. Then the oldest in flight, which the peer waits for the most.
   */
  private repeatable(isFirst: boolean): SequenceNumber | -1 {
    const { window } = this;
    if (window.heldCount === 0) return -1;
    const oldest = window.oldestSent();
    const last = sequenceAdd(window.nextUnsent, -1);
    return oldest === -1 || (isFirst && !window.isArrived(last)) ? last : oldest;
  }

  private meaningOf(ack: SequenceNumber): AckMeaning {
    const count = sequenceDistance(ack, sequenceAdd(this.window.base, -1));
    if (count < 0) return "stale";
    if (count === 0) return "repetition";
    return sequenceDistance(ack, this.window.nextUnsent) >= 0 ? "beyond-sent" : "progress";
  }

  private rttOfOneSent(ack: SequenceNumber, nowMs: number): number {
    const { window } = this;
    if (this.peer === "extended" || window.transmissions(ack) !== 1) return -1; // Karn, RFC 6298 section 3
    const sentAtMs = window.sentAtMs(ack);
    return this.recovery.isMeasure(sentAtMs) ? nowMs - sentAtMs : -1;
  }

  /** The echo names the transmission that arrived last: if it is the last one of its message, its round trip is known. */
  private rttOfEcho(extended: DecodedExtendedAck, nowMs: number): number {
    const { window } = this;
    const { echoSequence, echoTransmission, ackDelayUs } = extended;
    if (echoSequence === -1 || ackDelayUs >= ACK_DELAY_LIMIT_US) return -1;
    if (!this.isHeldAndSent(echoSequence) || window.transmissions(echoSequence) !== echoTransmission + 1)
      return -1;
    const echo = echoSequence * 4 + echoTransmission;
    if (echo === this.lastEcho) return -1;
    this.lastEcho = echo;
    return Math.max(nowMs - window.sentAtMs(echoSequence) - ackDelayUs / 1000, 0);
  }

  /** What arrived last is an earlier transmission of a message than our last: we repeated it although it was only late. */
  private echoesEarlier({ echoSequence, echoTransmission }: DecodedExtendedAck): boolean {
    if (echoSequence === -1 || !this.isHeldAndSent(echoSequence)) return false;
    return (
      this.window.transmissions(echoSequence) > echoTransmission + 1 && !this.window.isArrived(echoSequence)
    );
  }

  private isHeldAndSent(sequence: SequenceNumber): boolean {
    const { base, nextUnsent } = this.window;
    return sequenceDistance(sequence, base) >= 0 && sequenceDistance(sequence, nextUnsent) < 0;
  }

  /** Tell the congestion controller what has come out. `report.rttMs` and `report.lost` are set. */
  private reportPath(extended: DecodedExtendedAck | undefined, nowMs: number): void {
    const { window, report } = this;
    const { sample } = window;
    if (report.rttMs >= 0) this.rtt.sample(report.rttMs);
    this.repairs.expire(nowMs);
    report.nowMs = nowMs;
    report.arrived = sample.arrivedCount;
    report.recovered = extended === undefined ? 0 : this.newlyRecovered(extended.recovered);
    report.inFlight = window.inFlightCount + this.repairs.count;
    report.delivered = window.deliveredCount;
    report.priorDelivered = sample.newest === -1 ? -1 : sample.priorDelivered;
    // What waited behind a hole arrives all at once, as it seems where only the order is acknowledged: that is no rate.
    const isMeasure = sample.newest === -1 || this.recovery.isMeasure(sample.priorDeliveredAtMs);
    report.isAppLimited = sample.isAppLimited || !isMeasure;
    report.trainPerMs =
      extended === undefined ? 0 : this.trains.perMs(extended.train, extended.trainSpreadUs);
    report.deliveryPerMs = isMeasure ? this.deliveryPerMs() : 0;
    this.congestion.handleReport(report);
  }

  private deliveryPerMs(): number {
    const { newest, priorDelivered, sendElapsedMs, ackElapsedMs } = this.window.sample;
    if (newest === -1) return 0;
    const elapsedMs = Math.max(sendElapsedMs, ackElapsedMs);
    // Shorter than any round trip: acknowledgements came bundled.
    if (elapsedMs <= 0 || elapsedMs < this.rtt.minMs * MOSTLY) return 0;
    return (this.window.deliveredCount - priorDelivered) / elapsedMs;
  }

  private newlyRecovered(recovered: number): number {
    const count = Math.max(sequenceDistance(recovered, this.lastRecovered), 0);
    this.lastRecovered = sequenceAdd(this.lastRecovered, count);
    return Math.min(count, this.window.sample.arrivedCount);
  }
}

/** What a reader that has stopped is still sent (docs/wire.md W2.17): its acknowledgements go on by them. */
const STOPPED_PACKETS = 4;

/** A deployed peer queues whatever comes, without a limit: as many as were tried, and were well (docs/wire.md W2.18). */
const DEPLOYED_PACKETS = 256;

/**
 * It hands messages to its application over a socket that holds 11 and drops the rest in silence (W2.18): a burst for each turn
 * of its loop, and a rate that numbers of 16 bits bear on a path that may hold packets back for seconds.
 */
const DEPLOYED_BURST_PACKETS = 4;
const UNKNOWN_BURST_PACKETS = 8;
const DEPLOYED_PER_MS = 6.5;

/** Less than any time that matters, more than what a double loses of a time in milliseconds within a century. */
const NEXT_MS = 1 / 1024;

/** What is sent in one turn of the loop is so near together. */
const ONE_TURN_MS = 0.25;

/** What an acknowledgement field holds before anything was taken (docs/wire.md W2.5). */
const NOTHING_TAKEN: SequenceNumber = 0xffff;

/** Saturated (docs/wire.md W13). */
const ACK_DELAY_LIMIT_US = 1_048_000;

/** The shortest round trip is a minimum of noise, too. */
const MOSTLY = 0.99;
