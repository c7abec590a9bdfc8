import type { Clock, TimerHandle } from "@meshstream/msp";

/**
 * The one timer of a node. `run` does everything that is due and returns when the next thing will be; in between
 * {@link wakeBy} brings the next run forward.
 */
export class Agenda {
  readonly #clock: Clock;
  readonly #run: (nowMs: number) => number;
  #timer: TimerHandle | undefined;
  #armedForMs = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(clock: Clock, run: (nowMs: number) => number) {
    this.#clock = clock;
    this.#run = run;
  }

  /** Make sure that `run` is called at `atMs` or a little later, never from within this call. */
  wakeBy(atMs: number): void {
    if (this.#closed || atMs >= this.#armedForMs) return;
    this.#timer?.cancel();
    this.#armedForMs = atMs;
    this.#timer = this.#clock.setTimer(atMs, () => {
      this.#armedForMs = Number.POSITIVE_INFINITY;
      this.wakeBy(this.#run(this.#clock.now()));
    });
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }
}
