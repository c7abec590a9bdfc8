/** Smoothed round-trip time and the retransmission timeout from it (RFC 6298). Milliseconds, fractions allowed. */
export class RttEstimator {
  /** Smoothed round-trip time; undefined before the first sample. */
  srttMs: number | undefined;
  /** Mean deviation of the samples. */
  rttvarMs = 0;
  /** Shortest sample. */
  minMs = Number.POSITIVE_INFINITY;

  /**
   * Take in one measurement, which must come from a message that was sent only once (Karn). Section 2 of the RFC.
   */
  sample(rttMs: number): void {
    this.minMs = Math.min(this.minMs, rttMs);
    if (this.srttMs === undefined) {
      this.srttMs = rttMs;
      this.rttvarMs = rttMs / 2;
      return;
    }
    this.rttvarMs += (Math.abs(this.srttMs - rttMs) - this.rttvarMs) / 4;
    this.srttMs += (rttMs - this.srttMs) / 8;
  }

  /** srtt + 4 rttvar; undefined before the first sample. The caller sets the bounds. */
  rtoMs(): number | undefined {
    return this.srttMs === undefined
      ? undefined
      : this.srttMs + Math.max(4 * this.rttvarMs, CLOCK_GRANULARITY_MS);
  }
}

/** Timers of the usual runtimes fire on whole milliseconds. */
const CLOCK_GRANULARITY_MS = 1;
