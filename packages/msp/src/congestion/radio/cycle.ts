/**
 * How fast to send once the path's rate is known: one round above it, to see whether there is more, one below it, to let the
 * queue run empty that this has made, and some rounds at it (BBRv1).
 */
export class Cycle {
  /** As a multiple of the path's rate. */
  gain = 1;
  private round = FIRST_ROUND;
  private firstProbeGain = PROBE_GAIN;
  private probeGain = PROBE_GAIN;
  private bandwidthBefore = 0;
  private trims = 0;
  private skips = 0;
  private count = 0;

  /** Losses are dear: try for less at a time. */
  beCautious(): void {
    this.firstProbeGain = CAUTIOUS_PROBE_GAIN;
    this.probeGain = CAUTIOUS_PROBE_GAIN;
  }

  /** Do not make up for losses in this round: to see whether it is that which makes them. */
  get isPlain(): boolean {
    return this.count % PLAIN_CYCLES === 0 && (this.round === PLAIN_ROUND || this.round === PLAIN_ROUND + 1);
  }

  /** `isEmpty`: no more is in flight than fits on the path. */
  handleReport(isEmpty: boolean): void {
    if (this.gain < 1 && isEmpty) this.gain = 1;
  }

  /** A round is over. `trim`: what share of the path stands in a queue, beyond what is wanted there; 0 if none does. */
  endRound(bandwidth: number, trim: number, isAppLimited: boolean): void {
    if (isAppLimited) {
      this.gain = 1;
      return;
    }
    this.round = (this.round + 1) % ROUNDS;
    if (this.round === RESULT_ROUND && bandwidth > this.bandwidthBefore * (1 + (this.probeGain - 1) / 2)) {
      this.round = PROBE_ROUND; // there was more: go on at once
      this.probeGain = Math.min(this.probeGain * PROBE_GAIN, PROBE_GAIN_LIMIT);
    } else if (this.round === RESULT_ROUND) this.probeGain = this.firstProbeGain;
    if (this.round === PROBE_ROUND) this.bandwidthBefore = bandwidth;
    this.gain = this.gainNow(trim);
  }

  private gainNow(trim: number): number {
    if (this.round === PROBE_ROUND) {
      this.count += 1;
      this.trims = 0;
      if (trim > 0 && this.skips < SKIPS_LIMIT) {
        this.skips += 1; // where a queue stands, nothing is free
        return 1;
      }
      this.skips = 0;
      return this.probeGain;
    }
    if (this.round === HOLD_BACK_ROUND) return HOLD_BACK_GAIN;
    if (trim > 0 && this.trims < TRIMS_LIMIT) {
      this.trims += 1;
      return Math.max(1 - trim, HOLD_BACK_GAIN);
    }
    return 1;
  }
}

/** BBRv1. */
const ROUNDS = 8;
const PROBE_ROUND = 0;
const HOLD_BACK_ROUND = 1;
/** What was sent in the probe round has been acknowledged. */
const RESULT_ROUND = 2;
/** After the start the path's rate is known, or nearly. */
const FIRST_ROUND = 5;

/** Two rounds, for a part of the losses is found a round late; in every fourth cycle, for it costs a little. */
const PLAIN_ROUND = 4;
const PLAIN_CYCLES = 4;
const PROBE_GAIN = 1.25;
const CAUTIOUS_PROBE_GAIN = 1.1;
const HOLD_BACK_GAIN = 0.75;

/** While each try finds more, the next is bolder. */
const PROBE_GAIN_LIMIT = 2;

/** A queue that is still there after two rounds of holding back is not ours: giving way for longer would only starve us. */
const TRIMS_LIMIT = 2;

/**
 * Cycles in a row without a try because a queue stands. This is what leaves a NewReno flow its share: each try into a full
 * queue would halve its rate. Three: then it keeps over a third of a link whose queue holds one path (docs/benchmarks.md);
 * with none of them it kept a ninth.
 */
const SKIPS_LIMIT = 3;
