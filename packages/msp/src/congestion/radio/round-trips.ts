/**
 * How long the path is when nothing is queued, and how long a queue stands. Radios hold single packets back at random: so
 * a queue is what even the fastest packet of a whole round had to wait for, not what the average did.
 */
export class RoundTrips {
  /** Shortest round trip of the last {@link MEMORY_MS}; Infinity before the first. */
  minMs = Number.POSITIVE_INFINITY;
  /** When the shortest was last met, or nearly. */
  metAtMs = 0;
  /** Mean deviation of single packets: the jitter of the path. */
  jitterMs = 0;
  private smoothMs = -1;
  private roundMinMs = Number.POSITIVE_INFINITY;
  /** Shortest of the last eight to fifteen samples: of the eights that are full, and of those before. */
  private eightMinMs = Number.POSITIVE_INFINITY;
  private lastEightMinMs = Number.POSITIVE_INFINITY;
  private eightCount = 0;
  /** Shortest of the round that was over last. */
  private lastRoundMinMs = Number.POSITIVE_INFINITY;

  sample(measuredMs: number, nowMs: number): void {
    const rttMs = Math.max(measuredMs, LEAST_MS);
    if (rttMs <= this.minMs * NEARLY) this.metAtMs = nowMs;
    if (rttMs < this.minMs) this.minMs = rttMs;
    if (rttMs < this.roundMinMs) this.roundMinMs = rttMs;
    if (this.eightCount === FEW_SAMPLES) {
      this.lastEightMinMs = this.eightMinMs;
      this.eightMinMs = Number.POSITIVE_INFINITY;
      this.eightCount = 0;
    }
    this.eightCount += 1;
    this.eightMinMs = Math.min(this.eightMinMs, rttMs);
    if (this.smoothMs < 0) this.smoothMs = rttMs;
    this.jitterMs += (Math.abs(rttMs - this.smoothMs) - this.jitterMs) / 16;
    this.smoothMs += (rttMs - this.smoothMs) / 8;
  }

  nextRound(): void {
    if (this.roundMinMs !== Number.POSITIVE_INFINITY) this.lastRoundMinMs = this.roundMinMs;
    this.roundMinMs = Number.POSITIVE_INFINITY;
  }

  /** What the fastest packet of the last whole round, or of this one, waited in queues. */
  get queueMs(): number {
    const fastestMs = Math.min(this.lastRoundMinMs, this.roundMinMs);
    return fastestMs === Number.POSITIVE_INFINITY ? 0 : fastestMs - this.minMs;
  }

  /** The same of the last few packets, for when a whole round is too long to wait. 0 before there are so many. */
  get queueNowMs(): number {
    if (this.lastEightMinMs === Number.POSITIVE_INFINITY) return 0;
    return Math.min(this.lastEightMinMs, this.eightMinMs) - this.minMs;
  }

  /** The shortest was not met for so long that the path itself may have changed. */
  isStale(nowMs: number): boolean {
    return nowMs - this.metAtMs > MEMORY_MS;
  }

  /** Forget the shortest: what comes next is believed. */
  renew(nowMs: number): void {
    this.minMs = Math.min(this.roundMinMs, this.lastRoundMinMs);
    this.metAtMs = nowMs;
  }
}

/** A clock of whole milliseconds reads 0 on a short path: rates are divided by this, and no path is shorter. */
const LEAST_MS = 0.02;

/** BBRv1: routes of a mesh change in seconds, not in round trips. */
const MEMORY_MS = 10_000;

/** Enough that jitter has let one of them pass nearly unhindered. */
const FEW_SAMPLES = 8;

/** A round trip that is so near to the shortest proves that the queue was empty. */
const NEARLY = 1.05;
