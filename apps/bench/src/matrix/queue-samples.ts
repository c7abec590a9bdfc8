import { percentile } from "./measure.ts";

/**
 * How long the bottleneck's queue would have made a packet wait, looked at again and again at even intervals. Memory:
 * {@link MOST} numbers; a long run is looked at more rarely, and what was seen is thinned out alike.
 */
export class QueueSamples {
  readonly #samples: number[] = [];
  #everyMs = 0.5;

  /** Milliseconds until the next look. */
  get everyMs(): number {
    return this.#everyMs;
  }

  add(waitMs: number): void {
    this.#samples.push(waitMs);
    if (this.#samples.length < MOST) return;
    this.#everyMs *= 2;
    for (let i = 0; i < MOST / 2; i++) this.#samples[i] = this.#samples[2 * i]!;
    this.#samples.length = MOST / 2;
  }

  /** The standing queue: the median, once the first tenth of the run was over. */
  get standingMs(): number {
    return percentile(this.#samples.slice(Math.floor(this.#samples.length / 10)), 0.5);
  }
}

const MOST = 65_536;
