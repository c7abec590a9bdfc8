import { type SendWindow, type SequenceNumber, sequenceDistance } from "@meshstream/wasm-core";
import type { MspConfig } from "../config.ts";
import type { Recovery } from "./recovery.ts";
import type { RttEstimator } from "./rtt.ts";

/**
 * Recovery from cumulative acknowledgements alone, in the manner of NewReno (RFC 6582): three repetitions of an
 * acknowledgement, or a timeout, mean that the oldest message is lost; until everything sent by then is
 * acknowledged, each partial acknowledgement means that the next hole is lost too.
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

  constructor(window: SendWindow, rtt: RttEstimator, config: MspConfig) {
    this.window = window;
    this.rtt = rtt;
    this.config = config;
  }

  get deadlineMs(): number {
    if (this.window.inFlightCount === 0) return Number.POSITIVE_INFINITY;
    return this.timerStartMs + this.rtoMs();
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
    if (this.recoveryPoint === undefined) return;
    if (sequenceDistance(this.window.base, this.recoveryPoint) >= 0) this.recoveryPoint = undefined;
    else if (nowMs - this.window.sentAtMs(this.window.base) >= (this.rtt.srttMs ?? 0)) this.loseOldest();
  }

  handleRepetition(): void {
    this.repetitions += 1;
    if (this.repetitions === REPETITIONS_OF_A_LOSS && this.recoveryPoint === undefined) this.loseOldest();
  }

  handleTimeout(nowMs: number): void {
    this.backoff *= 2;
    this.timerStartMs = nowMs;
    this.loseOldest();
  }

  private loseOldest(): void {
    this.recoveryPoint = this.window.nextUnsent;
    this.repetitions = 0;
    this.window.markLost(this.window.base);
  }

  private rtoMs(): number {
    const { initialRtoMs, minRtoMs, maxRtoMs } = this.config;
    const rtoMs = Math.max(this.rtt.rtoMs() ?? initialRtoMs, minRtoMs);
    return Math.min(rtoMs * this.backoff, maxRtoMs);
  }
}

/** RFC 5681 section 3.2: fewer may be reordering. */
const REPETITIONS_OF_A_LOSS = 3;
