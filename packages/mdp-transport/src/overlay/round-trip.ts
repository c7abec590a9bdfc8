import { Timing } from "./timing.ts";

/**
 * How long a neighbour takes to acknowledge a frame that asks for it, and so when to send the frame again (docs/wire.md
 * W5). The samples have the neighbour's own delay in them: 10 to 20 ms, or up to 500 where it acknowledges only at its
 * tick. Mean and deviation as in RFC 6298.
 */
export class RoundTrip {
  #meanMs = -1;
  #deviationMs = 0;
  #shortestMs = -1;

  /** The shortest of late; undefined before the first. */
  get shortestMs(): number | undefined {
    return this.#shortestMs < 0 ? undefined : this.#shortestMs;
  }

  /** From sending a frame to sending it again. */
  get resendMs(): number {
    if (this.#meanMs < 0) return Timing.RESEND_FIRST;
    const delayMs = this.#meanMs + 4 * this.#deviationMs;
    return Math.min(Math.max(delayMs, Timing.RESEND), Timing.RESEND_LONGEST);
  }

  /** A frame was acknowledged `sampleMs` after it was sent. */
  handleSample(sampleMs: number): void {
    if (this.#meanMs < 0) {
      this.#meanMs = sampleMs;
      this.#deviationMs = sampleMs / 2;
      this.#shortestMs = sampleMs;
      return;
    }
    this.#deviationMs += (Math.abs(sampleMs - this.#meanMs) - this.#deviationMs) / 4;
    this.#meanMs += (sampleMs - this.#meanMs) / 8;
    const longer = sampleMs - this.#shortestMs;
    // Follows a longer way slowly.
    this.#shortestMs += longer < 0 ? longer : longer / 64;
  }
}
