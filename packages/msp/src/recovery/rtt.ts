/** Smoothed round-trip time and the retransmission timeout from it (RFC 6298). Milliseconds, fractions allowed. */
export class RttEstimator {
  /** Smoothed round-trip time; undefined before the first sample. */
  srttMs: number | undefined;
  /** Mean deviation of the samples. */
  rttvarMs = 0;
  /** Shortest sample. */
  minMs = Number.POSITIVE_INFINITY;

  /**
   * Take in one measurement, of a transmission that cannot be mistaken for another (Karn). Section 2 of the RFC.
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

  /** srtt + 4 rttvar, the latter at least `slackMs`; undefined before the first sample. The caller sets the bounds. */
  rtoMs(slackMs: number): number | undefined {
    return this.srttMs === undefined ? undefined : this.srttMs + Math.max(4 * this.rttvarMs, slackMs);
  }
}
