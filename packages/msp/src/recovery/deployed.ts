import { type SendWindow, type SequenceNumber, sequenceAdd, sequenceDistance } from "@meshstream/wasm-core";
import type { MspConfig } from "../config.ts";
import { NO_TIMEOUT, type Recovery, SILENCE, type Timeout } from "./recovery.ts";
import type { RttEstimator } from "./rtt.ts";
import { Silence } from "./silence.ts";

/**
 * Recovery towards peers that do not speak the extension, from cumulative acknowledgements alone, in the manner of NewReno
 * (RFC 6582). Deployed peers acknowledge several arrivals with one packet and a duplicate not at all, so one repetition has
 * to do where TCP waits for three (docs/wire.md W2.17): after it, or after a part of what was sent before a loss is
 * acknowledged, the oldest message is lost unless the acknowledgements move on within a moment.
 */
export class DeployedRecovery implements Recovery {
  private readonly window: SendWindow;
  private readonly rtt: RttEstimator;
  private readonly config: MspConfig;
  private readonly silence = new Silence();
  private timerStartMs = 0;
  /** First message not sent when the loss was found; undefined outside of a recovery. */
  private recoveryPoint: SequenceNumber | undefined;
  /** What was sent since then waited behind no hole. */
  private wholeSinceMs = Number.NEGATIVE_INFINITY;
  /** When to take the oldest message for lost, unless there is progress. */
  private holeAtMs = Number.POSITIVE_INFINITY;
  private progressAtMs = 0;
  private packetAtMs = 0;
  private repetitionAtMs = Number.NEGATIVE_INFINITY;
  private timeouts = 0;
  /** The first message behind those that were last found lost together, and how many these were. */
  private rowEnd: SequenceNumber | undefined;
  private rowPackets = 1;

  constructor(window: SendWindow, rtt: RttEstimator, config: MspConfig) {
    this.window = window;
    this.rtt = rtt;
    this.config = config;
  }

  /** Messages keep arriving, which is what repeats an acknowledgement, and yet none is taken for long. */
  get readerIsStopped(): boolean {
    return this.repetitionAtMs - this.progressAtMs > STOPPED_MS;
  }

  get deadlineMs(): number {
    if (this.window.inFlightCount === 0) return Number.POSITIVE_INFINITY;
    return Math.min(this.timerStartMs + this.timeoutMs(), this.holeAtMs);
  }

  handleSent(nowMs: number): void {
    // The timer belongs to the oldest message: it starts with the first one in flight, and again when that one is repeated.
    const { window } = this;
    if (window.inFlightCount !== 1 && window.sentAtMs(window.base) !== nowMs) return;
    this.timerStartMs = nowMs;
    if (window.heldCount === 1) this.progressAtMs = nowMs;
  }

  handleAck(_report: undefined, isRepetition: boolean, nowMs: number): number {
    if (this.window.sample.arrivedCount > 0) this.handleProgress(nowMs);
    else if (isRepetition) this.handleRepetition(nowMs);
    return 0;
  }

  isMeasure(sentAtMs: number): boolean {
    return this.recoveryPoint === undefined && sentAtMs >= this.wholeSinceMs;
  }

  handleTimeout(nowMs: number): Timeout {
    const isHole = nowMs >= this.holeAtMs;
    this.holeAtMs = Number.POSITIVE_INFINITY;
    this.recoveryPoint ??= this.window.nextUnsent;
    if (isHole) {
      this.timerStartMs = nowMs;
      return { lost: this.markRow(), probePackets: 0, isSilence: false };
    }
    this.timerStartMs = nowMs;
    this.silence.deepen(nowMs);
    this.timeouts += 1;
    const isAnswered = this.rtt.srttMs !== undefined;
    if (!isAnswered) return this.repeatOpening();
    if (this.timeouts === 1) {
      this.window.markLost(this.window.base);
      return NO_TIMEOUT;
    }
    // The repeated one did not help either: nothing of all that can be believed to have arrived.
    for (let oldest = this.window.oldestSent(); oldest !== -1; oldest = this.window.oldestSent()) {
      this.window.markLost(oldest);
    }
    return SILENCE;
  }

  /** Nothing was ever heard: send a few again, for radios lose several packets in a row, and an answer to any will do. */
  private repeatOpening(): Timeout {
    for (let count = 0; count < OPENING_REPEATS; count += 1) {
      const oldest = this.window.oldestSent();
      if (oldest !== -1) this.window.markLost(oldest);
    }
    return NO_TIMEOUT;
  }

  private handleProgress(nowMs: number): void {
    this.timerStartMs = nowMs;
    this.progressAtMs = nowMs;
    this.packetAtMs = nowMs;
    this.timeouts = 0;
    this.silence.end();
    this.holeAtMs = Number.POSITIVE_INFINITY;
    if (this.recoveryPoint === undefined) return;
    if (sequenceDistance(this.window.base, this.recoveryPoint) >= 0) {
      this.recoveryPoint = undefined;
      this.wholeSinceMs = nowMs;
    } else this.expectHole(nowMs, STANDSTILL_MS);
  }

  private handleRepetition(nowMs: number): void {
    // Their keep-alive repeats it too, and says nothing.
    const isKeepAlive = nowMs - this.packetAtMs >= this.config.keepAliveMs - KEEP_ALIVE_SLACK_MS;
    this.packetAtMs = nowMs;
    if (isKeepAlive) return;
    this.repetitionAtMs = nowMs;
    this.expectHole(nowMs, Math.max((this.rtt.srttMs ?? 0) / 4, STANDSTILL_MS));
  }

  /** The oldest message seems to be missing: give it a moment, in case it was only overtaken, and repeat it once a round trip. */
  private expectHole(nowMs: number, waitMs: number): void {
    if (this.holeAtMs !== Number.POSITIVE_INFINITY || this.window.inFlightCount === 0) return;
    const { srttMs } = this.rtt;
    const { base } = this.window;
    const wasRepeated = this.window.transmissions(base) > 1;
    const notBeforeMs = wasRepeated ? this.window.sentAtMs(base) + (srttMs ?? 0) + STANDSTILL_MS : 0;
    this.holeAtMs = Math.max(nowMs + waitMs, notBeforeMs);
  }

  /**
   * Mark the oldest message lost. If what was repeated last lay right before it, whole rows are lost, as where a reader was
   * not in time for a moment: then twice as many as the last time, for one by one each of them costs a round trip. Returns
   * how many. What of them had arrived is repeated for nothing; a deployed peer drops it in silence.
   */
  private markRow(): number {
    const { window } = this;
    const { base } = window;
    const isRow = this.rowEnd !== undefined && base === this.rowEnd;
    this.rowPackets = isRow ? Math.min(2 * this.rowPackets, ROW_LIMIT_PACKETS) : 1;
    let count = 0;
    let sequence = base;
    while (count < this.rowPackets && sequence !== this.recoveryPoint) {
      if (window.transmissions(sequence) > 1 && sequence !== base) break;
      window.markLost(sequence);
      count += 1;
      sequence = sequenceAdd(sequence, 1);
    }
    this.rowEnd = sequence;
    return count;
  }

  private timeoutMs(): number {
    const { initialRtoMs, minRtoMs, maxRtoMs } = this.config;
    const measuredMs = this.rtt.rtoMs(TIMER_MS) ?? initialRtoMs;
    const rtoMs = Math.min(Math.max(measuredMs, minRtoMs), maxRtoMs);
    return this.silence.timeoutMs(rtoMs, this.rtt.srttMs, maxRtoMs, this.timerStartMs);
  }
}

/** No more than a deployed peer bears back to back (docs/wire.md W2.18). */
const ROW_LIMIT_PACKETS = 8;

const OPENING_REPEATS = 4;

/** Deployed peers hold small packets back for up to 5 ms, and their applications take messages in batches (docs/wire.md W2.16). */
const STANDSTILL_MS = 5;

/** Timers of the usual runtimes fire on whole milliseconds. */
const TIMER_MS = 1;

const KEEP_ALIVE_SLACK_MS = 100;

/** A reader that takes nothing for so long has stopped: deployed peers queue without a limit, so it is for us to stop, too. */
const STOPPED_MS = 1000;
