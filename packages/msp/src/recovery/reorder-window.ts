/**
 * How long a message may be overtaken by others before it counts as lost (RFC 8985 section 6.2.4). Grows when a repetition
 * proves to have been in vain, and shrinks again when there was no such proof for some rounds.
 */
export class ReorderWindow {
  private steps = 1;
  private quietRounds = 0;
  private grownAtMs = Number.NEGATIVE_INFINITY;

  /** In milliseconds. */
  ms(minRttMs: number, srttMs: number): number {
    const stepMs = Math.max(minRttMs / 4, LEAST_MS);
    return Math.min(this.steps * stepMs, Math.max(srttMs, stepMs));
  }

  /** A message that was declared lost has arrived by itself. */
  grow(nowMs: number, srttMs: number): void {
    this.quietRounds = 0;
    if (nowMs - this.grownAtMs < srttMs) return; // what the last step could not prevent any more
    this.grownAtMs = nowMs;
    this.steps = Math.min(this.steps * 2, STEPS_LIMIT);
  }

  nextRound(): void {
    this.quietRounds += 1;
    if (this.quietRounds < QUIET_ROUNDS || this.steps === 1) return;
    this.quietRounds = 0;
    this.steps -= 1;
  }
}

/** Of a timer, and of two sockets that take turns. */
const LEAST_MS = 2;

/**
 * Four shortest round trips, of which the limit of one present round trip leaves what it will. Links that repair their own losses deliver
 * later by one round trip of theirs, queue included: with a limit of one shortest round trip, MSP sent again whatever
 * a link had lost, too (docs/wire.md W11.21). RFC 8985 adds a step at a time; a radio that reorders does so from the beginning.
 */
const STEPS_LIMIT = 16;

/** RFC 8985. */
const QUIET_ROUNDS = 16;
