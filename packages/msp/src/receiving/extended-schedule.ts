import type { AckSchedule, ArrivalNews } from "./ack-schedule.ts";

/**
 * Acknowledging to a peer that speaks the extension: it learns from each acknowledgement what has arrived, and when. Every
 * second packet while there are few; at a high rate one for each half millisecond, at most for 16 packets, since sealing one
 * and opening it costs as much as two packets of data. At once where the peer may have to act: at a new hole, at one
 * that was filled, at a duplicate. After a pause, when nothing can be made to wait for, nearly at once: the application
 * has a moment to take what came, and one acknowledgement tells both.
 *
 * A receiver does not know the sender's window. It knows the mean gap between arrivals: two gaps without a packet are the end
 * of a burst, and the acknowledgement waits no longer.
 */
export class ExtendedSchedule implements AckSchedule {
  private readonly srttMs: () => number | undefined;
  private arrivedCount = 0;
  private takenCount = 0;
  private isDemanded = false;
  private dueAtMs = Number.POSITIVE_INFINITY;
  private sentAtMs = Number.NEGATIVE_INFINITY;
  private arrivedAtMs = Number.NEGATIVE_INFINITY;
  private meanGapMs = FIRST_GAP_MS;
  /** Share of the arrivals that showed a loss, or made one up. */
  private lossShare = 0;
  private lossGain = FIRST_LOSS_GAIN;
  /** When to repeat the last acknowledgement, for it may have been lost; Infinity if there is no need. */
  private repeatAtMs = Number.POSITIVE_INFINITY;
  private repeatGapMs = 0;
  private repeats = 0;

  constructor(srttMs: () => number | undefined) {
    this.srttMs = srttMs;
  }

  get owes(): boolean {
    return this.isDemanded || this.arrivedCount > 0 || this.takenCount > 0;
  }

  get deadlineMs(): number {
    const isDue = this.isDemanded || this.arrivedCount >= this.everyCount;
    return isDue ? Number.NEGATIVE_INFINITY : Math.min(this.dueAtMs, this.repeatAtMs);
  }

  handleArrival(news: ArrivalNews, nowMs: number): void {
    const gapMs = nowMs - this.arrivedAtMs;
    this.arrivedAtMs = nowMs;
    this.meanGapMs += (Math.min(gapMs, LONGEST_GAP_MS) - this.meanGapMs) * GAP_GAIN;
    this.arrivedCount += 1;
    this.repeats = 0;
    this.repeatGapMs = Math.max(2 * this.meanGapMs, (this.srttMs() ?? 0) / 32, SHORTEST_REPEAT_MS);
    const showsLoss = news !== "next" && news !== "waiting";
    this.lossShare += ((showsLoss ? 1 : 0) - this.lossShare) * this.lossGain;
    this.lossGain = Math.max(this.lossGain / (1 + this.lossGain), LOSS_GAIN);
    if (showsLoss) this.isDemanded = true;
    this.dueBy(nowMs + (gapMs > LATEST_MS ? SHORTEST_MS : this.delayMs));
  }

  handleTaken(nowMs: number): void {
    this.takenCount += 1;
    // Where messages flow, the next acknowledgement is near, and tells it.
    this.dueBy(nowMs + (nowMs - this.sentAtMs > QUIET_MS ? SHORTEST_MS : this.delayMs));
  }

  demand(): void {
    this.isDemanded = true;
  }

  handleSent(isWhole: boolean, nowMs: number): void {
    this.takenCount = 0; // any packet has the cumulative acknowledgement
    if (isWhole) {
      this.planRepeat(nowMs);
      this.isDemanded = false;
      this.arrivedCount = 0;
      this.sentAtMs = nowMs;
    }
    if (!this.owes) this.dueAtMs = Number.POSITIVE_INFINITY;
  }

  /**
   * What is lost on the way here is lost on the way back, too, and a sender that hears nothing stops: then nothing comes any
   * more that would make us speak. So the last acknowledgement before a pause is repeated, less and less often.
   */
  private planRepeat(nowMs: number): void {
    const isDense = this.meanGapMs <= DENSE_GAP_MS;
    const isWanted = isDense && this.lossShare >= LEAST_LOSS_SHARE && this.repeats < REPEATS;
    this.repeatAtMs = isWanted ? nowMs + this.repeatGapMs : Number.POSITIVE_INFINITY;
    this.repeats += 1;
    this.repeatGapMs *= REPEAT_GROWTH;
  }

  private dueBy(atMs: number): void {
    this.dueAtMs = Math.min(this.dueAtMs, atMs);
  }

  /** Arrivals for one acknowledgement. */
  private get everyCount(): number {
    return Math.min(Math.max(Math.ceil(BUSY_MS / this.meanGapMs), FEWEST), MOST);
  }

  /** Longest wait of an arrival, or of a taken message, for its acknowledgement. */
  private get delayMs(): number {
    const srttMs = this.srttMs();
    const limitMs = srttMs === undefined ? LATEST_MS : Math.min(srttMs / 4, LATEST_MS);
    return Math.max(Math.min(2 * this.meanGapMs, limitMs), SHORTEST_MS);
  }
}

/** Timers of the usual runtimes fire on whole milliseconds. */
const SHORTEST_MS = 1;
/** A controller that hears of arrivals later than this is slow to start, whatever the round trip. */
const LATEST_MS = 25;
/** No acknowledgement for so long: messages do not flow. */
const QUIET_MS = 5;
/** Before there is a measure. */
const FIRST_GAP_MS = 1;
/** A pause counts as a gap of this length: one alone must not make a fast sender look slow. */
const LONGEST_GAP_MS = 100;
/** One sixteenth for each arrival: two trains of eight, which a sender's first flight consists of, are seen as one rate. */
const GAP_GAIN = 1 / 16;
const FEWEST = 2;
const MOST = 16;
/** At a high rate there is an acknowledgement for each half millisecond: several for the round trip of a LAN. */
const BUSY_MS = 0.5;
/** Two holes among the last few dozen arrivals, or one hole in fifty: the path loses packets by itself. */
const LEAST_LOSS_SHARE = 0.02;
const LOSS_GAIN = 1 / 64;
/** A hole in a first flight says much: a mean that began with eight arrivals in order. */
const FIRST_LOSS_GAIN = 1 / 8;
/** Messages that come less often are an application's: their sender has not stopped, it has nothing to say. */
const DENSE_GAP_MS = 25;
/** A run of losses in a radio lasts for a dozen packets, or for as long as they take. */
const REPEATS = 12;
const REPEAT_GROWTH = 1.25;
const SHORTEST_REPEAT_MS = 5;
