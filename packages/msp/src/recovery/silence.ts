/**
 * How long to wait while nothing comes back: longer each time, but once the peer has been heard never so long that the
 * return of a broken link goes unnoticed. Four packets each quarter of a second, or each two round trips, harm no link,
 * and on a bad one a further doubling would cost more than the loss (docs/wire.md W11).
 */
export class Silence {
  private backoff = 1;
  private sinceMs = Number.NEGATIVE_INFINITY;

  /** Something has come back. */
  end(): void {
    this.backoff = 1;
    this.sinceMs = Number.NEGATIVE_INFINITY;
  }

  /** A timeout has come in silence. */
  deepen(nowMs: number): void {
    if (this.sinceMs === Number.NEGATIVE_INFINITY) this.sinceMs = nowMs;
    this.backoff *= BACKOFF;
  }

  /** The present timeout. `rtoMs`: the first one; `srttMs`: undefined before the first answer; `maxMs`: never longer. */
  timeoutMs(rtoMs: number, srttMs: number | undefined, maxMs: number, nowMs: number): number {
    const isLong = nowMs - this.sinceMs > SHORT_FOR_MS && this.backoff > 1;
    const limitMs = srttMs === undefined || isLong ? maxMs : Math.min(Math.max(2 * srttMs, SHORT_MS), maxMs);
    return Math.max(rtoMs, Math.min(rtoMs * this.backoff, limitMs));
  }
}

const BACKOFF = 1.5;
const SHORT_MS = 250;
/** As long as deployed peers are patient (docs/wire.md W2.15); whoever waits longer can wait for us, too. */
const SHORT_FOR_MS = 10_000;
