/**
 * Repairs that may still be on the path. No acknowledgement names them, so each counts for one round trip after it was sent.
 * Memory: two numbers for each round trip's half.
 */
export class RepairsInFlight {
  private older = 0;
  private newer = 0;
  private turnAtMs = Number.NEGATIVE_INFINITY;
  private turnMs = 0;

  add(nowMs: number, srttMs: number): void {
    this.expire(nowMs);
    this.turnMs = srttMs / 2;
    if (this.count === 0) this.turnAtMs = nowMs + this.turnMs;
    this.newer += 1;
  }

  get count(): number {
    return this.older + this.newer;
  }

  /** Those sent longer ago than a round trip, or a little more, are no longer on the path. */
  expire(nowMs: number): void {
    if (nowMs < this.turnAtMs || this.count === 0) return;
    this.older = nowMs < this.turnAtMs + this.turnMs ? this.newer : 0;
    this.newer = 0;
    this.turnAtMs = nowMs + this.turnMs;
  }
}
