/** The largest of what came in the last {@link ROUNDS} rounds (see {@link Rounds}). Memory: one number for each round. */
export class WindowedMax {
  /** 0 before the first sample. */
  value = 0;
  private readonly ofRound = new Float64Array(ROUNDS);
  private at = 0;

  add(sample: number): void {
    if (sample > this.ofRound[this.at]!) this.ofRound[this.at] = sample;
    if (sample > this.value) this.value = sample;
  }

  /** A round is over: what is older than the window no longer counts. */
  nextRound(): void {
    this.at = (this.at + 1) % ROUNDS;
    this.ofRound[this.at] = 0;
    this.value = 0;
    for (const sample of this.ofRound) if (sample > this.value) this.value = sample;
  }
}

/** More than the eight rounds of one cycle, so that each round of trying more is within the window (BBRv1). */
const ROUNDS = 10;
