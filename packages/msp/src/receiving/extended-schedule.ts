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

  constructor(srttMs: () => number | undefined) {
    this.srttMs = srttMs;
  }

  get owes(): boolean {
    return this.isDemanded || this.arrivedCount > 0 || this.takenCount > 0;
  }

  get deadlineMs(): number {
    const isDue = this.isDemanded || this.arrivedCount >= this.everyCount;
    return isDue ? Number.NEGATIVE_INFINITY : this.dueAtMs;
  }

  handleArrival(news: ArrivalNews, nowMs: number): void {
    const gapMs = nowMs - this.arrivedAtMs;
    this.arrivedAtMs = nowMs;
    this.meanGapMs += (Math.min(gapMs, LONGEST_GAP_MS) - this.meanGapMs) * GAP_GAIN;
    this.arrivedCount += 1;
    if (news !== "next" && news !== "waiting") this.isDemanded = true;
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
      this.isDemanded = false;
      this.arrivedCount = 0;
      this.sentAtMs = nowMs;
    }
    if (!this.owes) this.dueAtMs = Number.POSITIVE_INFINITY;
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
