import type { CongestionController, PathReport } from "../controller.ts";
import { Cycle } from "./cycle.ts";
import { LossEstimate } from "./loss-estimate.ts";
import { RoundTrips } from "./round-trips.ts";
import { Rounds } from "./rounds.ts";
import { Start } from "./start.ts";
import { WindowedMax } from "./windowed-max.ts";

export interface RadioOptions {
  /** Packets before anything was heard from the peer. */
  readonly firstFlightPackets: number;
  /** Most packets in flight. */
  readonly limitPackets: number;
}

/**
 * Congestion control by a model of the path, in the manner of BBRv1: how fast packets come through, how long the path is when
 * nothing is queued, and, beyond BBR, what share of packets a radio loses by itself. It sends at the rate that just fills
 * the slowest link, and makes up for random losses by sending that much more. A loss as such slows nothing down.
 *
 * The parts: {@link Rounds} counts round trips; {@link WindowedMax}, {@link RoundTrips} and {@link LossEstimate} filter the samples
 * into the model; {@link Start} and {@link Cycle} decide how fast to send against the model. This class joins them.
 */
export class RadioController implements CongestionController {
  private readonly options: RadioOptions;
  private readonly rounds = new Rounds();
  private readonly bandwidth = new WindowedMax();
  private readonly roundTrips = new RoundTrips();
  private readonly loss = new LossEstimate();
  private readonly start: Start;
  private readonly cycle = new Cycle();
  private mode: Mode = "start";
  private roundArrived = 0;
  private roundLost = 0;
  private roundIsAppLimited = false;
  /** The two rounds before this one: a part of their losses is found only now. */
  private last: RoundKind = "fast";
  private beforeLast: RoundKind = "fast";
  private windowGain = WINDOW_GAIN;
  private isSilent = false;
  /** The path was not seen empty for long: for one round trip, let it get empty. */
  private emptyUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: RadioOptions) {
    this.options = options;
    this.start = new Start(options.firstFlightPackets);
  }

  handleConnected(knowsExtension: boolean): void {
    if (knowsExtension) return;
    this.start.beCautious();
    this.cycle.beCautious();
    this.windowGain = CAUTIOUS_WINDOW_GAIN;
  }

  handleReport(report: Readonly<PathReport>): void {
    if (report.rttMs >= 0) this.roundTrips.sample(report.rttMs, report.nowMs);
    if (report.trainPerMs > 0) this.start.addTrain(report.trainPerMs);
    if (report.lost > 0) this.start.handleLoss();
    if (this.roundTrips.queueNowMs > this.queueOfHalfPathMs) this.start.handleQueue();
    this.roundArrived += report.arrived - report.recovered;
    this.roundLost += report.lost + report.recovered;
    this.roundIsAppLimited ||= report.isAppLimited;
    if (report.arrived > 0) this.isSilent = false;
    this.takeRate(report);
    if (this.rounds.advance(report)) this.endRound(report);
    if (this.mode === "start" && this.start.isOver && this.bandwidth.value > 0) this.mode = "drain";
    if (this.mode === "drain" && report.inFlight <= this.pathPackets) this.mode = "cycle";
    if (this.mode === "cycle") this.cycle.handleReport(report.inFlight <= this.pathPackets);
  }

  handleSilence(): void {
    this.isSilent = true;
  }

  get lossRatio(): number {
    return this.loss.ratio;
  }

  get pacingPerMs(): number {
    const { minMs } = this.roundTrips;
    // Whatever the model says: as much as the smallest window is, or nothing would ever be measured again.
    return Math.max(this.modelPerMs, LEAST_PACKETS / minMs);
  }

  private get modelPerMs(): number {
    if (this.mode === "start") return this.start.pacingPerMs(this.bandwidth.value, this.roundTrips.minMs);
    const made = this.kind === "plain" ? 0 : this.loss.madeUp;
    return (this.gain * this.bandwidth.value) / (1 - made);
  }

  private get kind(): RoundKind {
    if (this.mode === "start" || this.gain > 1) return "fast";
    return this.mode === "cycle" && this.cycle.isPlain ? "plain" : "even";
  }

  get windowPackets(): number {
    return Math.min(Math.max(Math.ceil(this.wantedPackets()), LEAST_PACKETS), this.options.limitPackets);
  }

  get burstPackets(): number {
    if (this.mode === "start") return TRAIN_PACKETS;
    return Math.max(SHORT_BURST_PACKETS, Math.ceil(this.pacingPerMs * BURST_MS));
  }

  get trainPackets(): number {
    return this.mode === "start" ? TRAIN_PACKETS : 1;
  }

  /** The model's pacing, as a multiple of the path's rate, once the start is over. */
  private get gain(): number {
    return this.mode === "drain" ? DRAIN_GAIN : this.cycle.gain;
  }

  /** What fits on the path without a queue, lost packets and what jitter holds back included. */
  private get pathPackets(): number {
    const { minMs, jitterMs } = this.roundTrips;
    return (this.bandwidth.value * (minMs + 2 * jitterMs)) / (1 - this.loss.madeUp);
  }

  private wantedPackets(): number {
    if (this.bandwidth.value === 0) return this.options.firstFlightPackets;
    if (this.isSilent) return LEAST_PACKETS; // whatever comes back ends this
    if (this.mode === "start")
      return this.start.windowPackets(this.pacingPerMs, this.roundTrips.minMs, this.windowGain);
    if (this.rounds.startedAtMs < this.emptyUntilMs) return this.pathPackets * EMPTYING_SHARE;
    // What is lost here is lost on the way back, too: a burst of lost acknowledgements must not close the window.
    const slackPackets = ACK_SLACK_PACKETS + ACK_LOSS_PACKETS * this.loss.ratio;
    return this.windowGain * this.pathPackets + slackPackets;
  }

  private takeRate({ deliveryPerMs, isAppLimited }: Readonly<PathReport>): void {
    // What an idle application sent shows at best that the path can do as much, not that it can do no more.
    if (!isAppLimited || deliveryPerMs > this.bandwidth.value) this.bandwidth.add(deliveryPerMs);
  }

  private endRound(report: Readonly<PathReport>): void {
    const { roundTrips, loss, rounds } = this;
    const isStanding = this.queueStands;
    // A few packets of an idle application fill no queue, whatever the gain: their losses are the path's own.
    const isSparse = this.roundIsAppLimited && report.inFlight <= this.windowPackets / 4;
    const wasFast = this.last === "fast" || this.beforeLast === "fast";
    const wasPlain = this.last === "plain" && this.beforeLast === "plain";
    if (!isStanding && (!wasFast || isSparse))
      loss.add(this.roundLost, this.roundArrived, wasPlain || isSparse);
    if (!wasFast) loss.judge(isStanding);
    this.beforeLast = this.last;
    this.last = this.kind;
    if (this.mode === "start" && rounds.count > 1)
      this.start.endRound(this.bandwidth.value, this.roundIsAppLimited);
    if (this.mode === "cycle")
      this.cycle.endRound(this.bandwidth.value, this.trimShare(), this.roundIsAppLimited);
    roundTrips.nextRound();
    // Rounds that the application did not fill would let the memory of the path's rate run out.
    if (!this.roundIsAppLimited) this.bandwidth.nextRound();
    this.renewShortest(report.nowMs);
    this.roundArrived = 0;
    this.roundLost = 0;
    this.roundIsAppLimited = false;
  }

  /** A queue that does not go away within a round: more than a quarter of the path, and more than bursts and timers make. */
  private get queueStands(): boolean {
    return this.roundTrips.queueMs > this.queueAllowedMs;
  }

  private get queueAllowedMs(): number {
    const burstMs = this.bandwidth.value === 0 ? 0 : QUEUE_PACKETS / this.bandwidth.value;
    return Math.max(this.roundTrips.minMs / 4, burstMs, 1);
  }

  private get queueOfHalfPathMs(): number {
    return Math.max(this.roundTrips.minMs / 2, this.queueAllowedMs);
  }

  /** What share of the path's packets stands in the queue beyond what is wanted there. */
  private trimShare(): number {
    const excessMs = this.roundTrips.queueMs - this.queueAllowedMs / 2;
    return this.queueStands ? excessMs / this.roundTrips.minMs : 0;
  }

  private renewShortest(nowMs: number): void {
    if (!this.roundTrips.isStale(nowMs)) return;
    if (this.emptyUntilMs < this.roundTrips.metAtMs) {
      this.emptyUntilMs = nowMs + this.roundTrips.minMs;
      return;
    }
    if (nowMs >= this.emptyUntilMs) this.roundTrips.renew(nowMs);
  }
}

type Mode =
  /** Find the path's rate. */
  | "start"
  /** Let the queue run empty that finding it has made. */
  | "drain"
  /** Keep to it, and try now and then whether there is more. */
  | "cycle";

/** How the packets of a round were sent: above the path's rate, at it, or at it without making up for losses. */
type RoundKind = "fast" | "even" | "plain";

/** BBRv1: undoes in one round what the start has added in another. */
const DRAIN_GAIN = 1 / 2.77;

/** BBRv1: twice the path, so that late and bundled acknowledgements do not stop the sender. */
const WINDOW_GAIN = 2;

/** Towards a peer that cannot tell which of many packets were lost: a full queue costs a round trip for each of them. */
const CAUTIOUS_WINDOW_GAIN = 1.25;

/** Shortens a queue by a third of the path in a round trip. With half of the path, a slow radio stood idle (profile P9). */
const EMPTYING_SHARE = 2 / 3;

/** BBRv1: below this, one loss leaves nothing to find it by. */
const LEAST_PACKETS = 4;

/** Acknowledgements that stand for 2 packets each, and a few of them lost. */
const ACK_SLACK_PACKETS = 8;

/** Two dozen more, at twenty per cent, for bursts of eight acknowledgements (profile P8 of docs/benchmarks.md). */
const ACK_LOSS_PACKETS = 120;

/** Packets that a burst may put into the queue without its being called one. */
const QUEUE_PACKETS = 4;

/** A train: as many as the wire's train field measures (docs/wire.md W13), and as a deployed peer bears (W2.18). */
const TRAIN_PACKETS = 8;

const SHORT_BURST_PACKETS = 2;

/** Timers of 1 ms that come 1 ms late. */
const BURST_MS = 2;
