import { Timing } from "./timing.ts";

/**
 * The drop rate of a link as it counts in routes and as it is announced (docs/wire.md W8.6): the mean over some seconds of
 * the packets missing out of 15, and only if that has moved by more than chance would move it. Every change goes to
 * every node of the mesh.
 */
export class LinkRate {
  #counted = 0;
  #mean = 0;
  #atMs: number | undefined;

  /** 0..15; up to 3 counts as 0. A new link counts as a good one. */
  get counted(): number {
    return this.#counted <= COUNTS_AS_NONE ? 0 : this.#counted;
  }

  /** Take in how many of the last 15 packets are missing at `nowMs`. */
  note(missedOf15: number, nowMs: number): void {
    const weight = Math.min(1, (nowMs - (this.#atMs ?? nowMs)) / Timing.DROP_RATE_MEAN);
    this.#atMs = nowMs;
    this.#mean += weight * (missedOf15 - this.#mean);
    if (Math.abs(this.#mean - this.#counted) >= LEAST_CHANGE) this.#counted = Math.round(this.#mean);
  }
}

const COUNTS_AS_NONE = 3;

const LEAST_CHANGE = 2;
