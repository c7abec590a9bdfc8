import {
  type DecodedExtendedAck,
  PacketFlag,
  type SendWindow,
  sequenceAdd,
  sequenceDistance,
} from "@meshstream/wasm-core";
import type { MspConfig } from "../config.ts";
import { NO_TIMEOUT, PROBE, type Recovery, SILENCE, type Timeout } from "./recovery.ts";
import { ReorderWindow } from "./reorder-window.ts";
import type { RttEstimator } from "./rtt.ts";
import { Silence } from "./silence.ts";

/**
 * Recovery towards peers that say what has arrived (docs/wire.md W13), in the manner of RACK and TLP (RFC 8985): a message
 * is lost if one that was sent some time after it has arrived. Repetitions are sent later than what they repeat, so
 * a lost repetition is found in the same way. What no bitmap covers is unknown, not missing.
 */
export class ExtendedRecovery implements Recovery {
  readonly readerIsStopped = false;
  private readonly window: SendWindow;
  private readonly rtt: RttEstimator;
  private readonly config: MspConfig;
  private readonly reordering = new ReorderWindow();
  private readonly silence = new Silence();
  /** When the latest transmission was sent that is known to have arrived. */
  private newestSentAtMs = Number.NEGATIVE_INFINITY;
  /** When the oldest transmission was sent that is missing and may only be late; Infinity if there is none. */
  private missingSentAtMs = Number.POSITIVE_INFINITY;
  private sentAtMs = 0;
  private arrivedAtMs = 0;
  /** Probes since something arrived. */
  private probes = 0;
  private roundEndDelivered = 0;
  private lastRecovered = 0;

  constructor(window: SendWindow, rtt: RttEstimator, config: MspConfig) {
    this.window = window;
    this.rtt = rtt;
    this.config = config;
  }

  get deadlineMs(): number {
    if (this.window.inFlightCount > 0) return Math.min(this.overdueAtMs, this.silenceAtMs);
    return this.lacksOnlyTaking ? this.sinceMs + this.closingTimeoutMs : Number.POSITIVE_INFINITY;
  }

  handleSent(nowMs: number): void {
    this.sentAtMs = nowMs;
    if (this.window.inFlightCount === 1) this.arrivedAtMs = Math.max(this.arrivedAtMs, nowMs);
  }

  handleAck(report: DecodedExtendedAck, echoesEarlier: boolean, nowMs: number): number {
    const { window } = this;
    const { sample } = window;
    if (sample.arrivedCount > 0) {
      this.arrivedAtMs = nowMs;
      this.probes = 0;
      this.silence.end();
      if (this.isBelievable(nowMs)) {
        this.newestSentAtMs = Math.max(this.newestSentAtMs, sample.newestSentAtMs);
      }
      this.noteRound();
    }
    this.noteSpurious(report, echoesEarlier, nowMs);
    const { arrived, bitmapBase, bitmapOffset, bitmapLength } = report;
    // A hair more, so that what was sent exactly so long before is lost by now and not by a timer that is due now.
    const before = this.newestSentAtMs - this.reorderMs + ROUNDING_MS;
    const lost = window.markMissing(arrived, bitmapBase, bitmapOffset, bitmapLength, before);
    // What was sent after the newest that has arrived is not missing, it is on its way.
    const { missingSentAtMs } = window;
    this.missingSentAtMs = missingSentAtMs < this.newestSentAtMs ? missingSentAtMs : Number.POSITIVE_INFINITY;
    return lost;
  }

  isMeasure(): boolean {
    return true; // acknowledgements say what arrived, not what was taken
  }

  handleTimeout(nowMs: number): Timeout {
    if (this.window.inFlightCount === 0) {
      this.silence.deepen(nowMs);
      this.sentAtMs = nowMs;
      return PROBE;
    }
    if (nowMs >= this.overdueAtMs) {
      const lost = this.markOverdue(nowMs);
      if (lost > 0) return { lost, probePackets: 0, isSilence: false };
    }
    if (nowMs < this.silenceAtMs) return NO_TIMEOUT;
    this.probes += 1;
    this.sentAtMs = nowMs;
    const isAnswered = this.rtt.srttMs !== undefined;
    if (this.probes <= PROBES || !isAnswered) {
      if (!isAnswered) this.silence.deepen(nowMs);
      return isAnswered ? PROBES_IN_SILENCE : PROBE;
    }
    this.silence.deepen(nowMs);
    for (let oldest = this.window.oldestSent(); oldest !== -1; oldest = this.window.oldestSent()) {
      this.window.markLost(oldest);
    }
    return SILENCE;
  }

  /** A transmission that was seen missing counts as lost then, even if nothing more comes. */
  private get overdueAtMs(): number {
    return this.missingSentAtMs + this.roundTripMs + this.reorderMs;
  }

  private markOverdue(nowMs: number): number {
    const sentBeforeMs = nowMs - this.roundTripMs - this.reorderMs + ROUNDING_MS;
    // Others that are missing were sent later, but before the newest that has arrived.
    const nextMs = sentBeforeMs + Math.max(this.reorderMs / 4, 1);
    this.missingSentAtMs = nextMs < this.newestSentAtMs ? nextMs : Number.POSITIVE_INFINITY;
    return this.window.markOverdue(Math.min(sentBeforeMs, this.newestSentAtMs));
  }

  /** When silence has lasted too long: first for a probe, then for believing that everything is lost. */
  private get silenceAtMs(): number {
    const { sinceMs } = this;
    if (this.rtt.srttMs === undefined || this.probes >= PROBES) return sinceMs + this.timeoutMs();
    const { presentRttMs } = this;
    const ackDelayMs = Math.min(Math.max(presentRttMs / 4, ACK_DELAY_LEAST_MS), ACK_DELAY_MS);
    const probeMs = presentRttMs + Math.min(4 * this.rtt.rttvarMs, presentRttMs) + ackDelayMs;
    return sinceMs + Math.min(probeMs, this.timeoutMs());
  }

  /** The round trip to expect now: once a probe has stayed without an answer, no queue of ours is left on the path. */
  private get presentRttMs(): number {
    const { srttMs, minMs } = this.rtt;
    return this.probes === 0 ? srttMs! : Math.min(srttMs!, EMPTY_PATH * minMs);
  }

  private get sinceMs(): number {
    return Math.max(this.sentAtMs, this.arrivedAtMs);
  }

  /**
   * Everything has arrived, the SHUTDOWN too, and is still to be taken. The peer may have done so and be gone, and its last
   * acknowledgement lost: it answers nothing but a message then (docs/wire.md W2.13).
   */
  private get lacksOnlyTaking(): boolean {
    const { arrivedCount, heldCount, next } = this.window;
    if (arrivedCount === 0 || arrivedCount < heldCount) return false;
    return (this.window.messageFlags(sequenceAdd(next, -1)) & PacketFlag.SHUTDOWN) !== 0;
  }

  /** Less and less often: the peer's application may just be slow. */
  private get closingTimeoutMs(): number {
    return this.silence.timeoutMs(this.rtoMs, undefined, this.config.maxRtoMs, this.sinceMs);
  }

  private timeoutMs(): number {
    return this.silence.timeoutMs(this.rtoMs, this.rtt.srttMs, this.config.maxRtoMs, this.sinceMs);
  }

  private get rtoMs(): number {
    const { initialRtoMs, maxRtoMs } = this.config;
    if (this.rtt.srttMs === undefined) return initialRtoMs / HEARD_FASTER; // it was heard: it is not far
    const { presentRttMs } = this;
    const slackMs = Math.max(Math.min(4 * this.rtt.rttvarMs, presentRttMs), RTO_SLACK_MS);
    return Math.min(Math.max(presentRttMs + slackMs + ACK_DELAY_MS, RTO_FLOOR_MS), maxRtoMs);
  }

  private get roundTripMs(): number {
    return this.rtt.srttMs ?? this.config.initialRtoMs;
  }

  private get reorderMs(): number {
    return this.reordering.ms(
      this.rtt.minMs === Number.POSITIVE_INFINITY ? 0 : this.rtt.minMs,
      this.roundTripMs,
    );
  }

  /** An arrival of a message that was sent again may be that of its first transmission: not if it is younger than any round trip. */
  private isBelievable(nowMs: number): boolean {
    const { newestTransmissions, newestSentAtMs } = this.window.sample;
    return newestTransmissions === 1 || nowMs - newestSentAtMs >= this.rtt.minMs;
  }

  private noteRound(): void {
    const { sample, deliveredCount } = this.window;
    if (sample.priorDelivered < this.roundEndDelivered) return;
    this.roundEndDelivered = deliveredCount;
    this.reordering.nextRound();
  }

  /** Messages that count as lost have arrived, and not by decoding: they were only late. */
  private noteSpurious({ recovered }: DecodedExtendedAck, echoesEarlier: boolean, nowMs: number): void {
    const newlyRecovered = Math.max(sequenceDistance(recovered, this.lastRecovered), 0);
    this.lastRecovered = (this.lastRecovered + newlyRecovered) & 0xffff;
    const wereLate = this.window.sample.arrivedLostCount > newlyRecovered;
    if (wereLate || echoesEarlier) this.reordering.grow(nowMs, this.roundTripMs);
  }
}

/** What the peer may wait to acknowledge (docs/wire.md W13): a quarter of the round trip, within these. */
const ACK_DELAY_MS = 25;
const ACK_DELAY_LEAST_MS = 5;

/** Timers of 1 ms on both sides, and what a busy machine adds. */
const RTO_SLACK_MS = 10;

/** A timeout declares everything lost: dear, if it was only a pause of the radio. */
const RTO_FLOOR_MS = 100;

/** What the shortest round trip is exceeded by without a queue: jitter. */
const EMPTY_PATH = 1.25;

const PROBES_IN_SILENCE: Timeout = { lost: 0, probePackets: 4, isSilence: false };

/** Times that we may ask how things stand before everything counts as lost: one may be lost itself. */
const PROBES = 2;

/** Times are sums of fractions. */
const ROUNDING_MS = 1e-6;

/** A peer that was heard is nearer than one that may not be there. */
const HEARD_FASTER = 4;
