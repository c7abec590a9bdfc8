/**
 * Spreads packets over time: a token bucket, in packets. Reads no clock. What is left unused is lost beyond one burst, so
 * that a pause of the application is not followed by a flood. Memory: two numbers.
 */
export class Pacer {
  private tokens = Number.POSITIVE_INFINITY; // the first burst is full
  private filledAtMs = 0;

  /** Whether a packet may leave now, at `perMs` packets a millisecond and at most `burst` back to back. */
  allows(nowMs: number, perMs: number, burst: number): boolean {
    this.fill(nowMs, perMs, burst);
    return this.tokens >= 1 - ROUNDING;
  }

  /** A packet has left, allowed or not (a probe may not wait). */
  take(): void {
    this.tokens = Math.max(this.tokens - 1, -DEBT_LIMIT);
  }

  /**
   * When the next packets may leave: a whole train of them; at rates that a timer cannot follow one by one, as many together as a millisecond
   * brings, so that neither a clock of whole milliseconds nor one timer for each packet limits the rate.
   */
  nextMs(nowMs: number, perMs: number, burst: number, train: number): number {
    this.fill(nowMs, perMs, burst);
    const together = Math.min(burst, Math.max(train, perMs * TIMER_MS));
    return this.tokens >= together ? nowMs : nowMs + (together - this.tokens) / perMs;
  }

  private fill(nowMs: number, perMs: number, burst: number): void {
    const grown = perMs === Number.POSITIVE_INFINITY ? burst : (nowMs - this.filledAtMs) * perMs;
    this.tokens = Math.min(burst, this.tokens + grown);
    this.filledAtMs = nowMs;
  }
}

/** What timers of the usual runtimes can do. */
const TIMER_MS = 1;

/** A deadline computed from a rate comes back a rounding error early: that is no reason to wait for another timer. */
const ROUNDING = 1e-6;

/** Probes sent without leave put off the packets after them, but not for ever. */
const DEBT_LIMIT = 4;
