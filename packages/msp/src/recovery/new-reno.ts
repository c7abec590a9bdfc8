import { type SendWindow, type SequenceNumber, sequenceDistance } from "@meshstream/wasm-core";
import type { MspConfig } from "../config.ts";
import type { Recovery } from "./recovery.ts";
import type { RttEstimator } from "./rtt.ts";

/**
 * Recovery from cumulative acknowledgements alone, in the manner of NewReno (RFC 6582): three repetitions of an
 * acknowledgement, or a timeout, mean that the oldest message is lost; until everything sent by then is
 * acknowledged, each partial acknowledgement means that the next hole is lost too. Unlike TCP's, an acknowledgement says what
 * the application has taken, and it takes what waited behind a hole bit by bit: the next hole is known only when
 * the acknowledgements have stood still for a moment.
 */
export class NewRenoRecovery implements Recovery {
  private readonly window: SendWindow;
  private readonly rtt: RttEstimator;
  private readonly config: MspConfig;
  private timerStartMs = 0;
  private backoff = 1;
  private repetitions = 0;
  /** First message not sent when the loss was found; undefined outside of a recovery. */
  private recoveryPoint: SequenceNumber | undefined;
  /** What was sent since then waited behind no hole. */
  private wholeSinceMs = Number.NEGATIVE_INFINITY;
  /** When to take the oldest message for the next hole, unless there is progress. */
  private nextHoleAtMs = Number.POSITIVE_INFINITY;

  constructor(window: SendWindow, rtt: RttEstimator, config: MspConfig) {
    this.window = window;
    this.rtt = rtt;
    this.config = config;
  }

  get deadlineMs(): number {
    if (this.window.inFlightCount === 0) return Number.POSITIVE_INFINITY;
    return Math.min(this.timerStartMs + this.rtoMs(), this.nextHoleAtMs);
  }

  handleSent(nowMs: number): void {
    // The timer belongs to the oldest message: it starts with the first one in flight, and again when that one is repeated.
    const oldest = this.window.base;
    if (this.window.inFlightCount === 1 || this.window.sentAtMs(oldest) === nowMs) this.timerStartMs = nowMs;
  }

  handleProgress(nowMs: number): void {
    this.timerStartMs = nowMs;
    this.backoff = 1;
    this.repetitions = 0;
    this.nextHoleAtMs = Number.POSITIVE_INFINITY;
    if (this.recoveryPoint === undefined) return;
    if (sequenceDistance(this.window.base, this.recoveryPoint) >= 0) {
      this.recoveryPoint = undefined;
      this.wholeSinceMs = nowMs;
    } else this.nextHoleAtMs = nowMs + Math.max((this.rtt.srttMs ?? 0) / 4, STANDSTILL_MS);
  }

  handleRepetition(): void {
    this.repetitions += 1;
    if (this.repetitions === REPETITIONS_OF_A_LOSS && this.recoveryPoint === undefined) this.loseOldest();
  }

  isMeasure(sentAtMs: number): boolean {
    return this.recoveryPoint === undefined && sentAtMs >= this.wholeSinceMs;
  }

  handleTimeout(nowMs: number): void {
    if (nowMs < this.nextHoleAtMs) this.backoff *= 1.5;
    this.timerStartMs = nowMs;
    this.loseOldest();
  }

  private loseOldest(): void {
    this.recoveryPoint ??= this.window.nextUnsent;
    this.nextHoleAtMs = Number.POSITIVE_INFINITY;
    this.repetitions = 0;
    this.window.markLost(this.window.base);
  }

  /**
   * Backs off while there is no answer at all. Once a round trip is known, one packet each 250 ms or two round trips cannot
   * harm a link, and on a bad one each further doubling would cost more than the loss (docs/wire.md W11).
   */
  private rtoMs(): number {
    const { initialRtoMs, minRtoMs, maxRtoMs } = this.config;
    const { srttMs } = this.rtt;
    const rtoMs = Math.min(Math.max(this.rtt.rtoMs() ?? initialRtoMs, minRtoMs), maxRtoMs);
    const limitMs = srttMs === undefined ? maxRtoMs : Math.min(Math.max(2 * srttMs, 250), maxRtoMs);
    return Math.max(rtoMs, Math.min(rtoMs * this.backoff, limitMs));
  }
}

/** RFC 5681 section 3.2: fewer may be reordering. */
const REPETITIONS_OF_A_LOSS = 3;

/** Longer than the acknowledgements of one batch of taken messages are apart. */
const STANDSTILL_MS = 5;
