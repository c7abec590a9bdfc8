import type { Clock, TimerHandle } from "@meshstream/msp";

/**
 * The machine's monotonic clock, in milliseconds since the process began: steps of the wall clock do not touch it.
 * A timer never wakes early by this clock's own `now()`; usually 1 to 2 ms late, at once if its time has passed.
 * A pending timer keeps the process alive.
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer: (atMs, wake) => new SystemTimer(atMs, wake),
};

class SystemTimer implements TimerHandle {
  private readonly atMs: number;
  private readonly wake: () => void;
  private stop: () => void = () => {};

  constructor(atMs: number, wake: () => void) {
    this.atMs = atMs;
    this.wake = wake;
    this.arm();
  }

  cancel(): void {
    this.stop();
  }

  private arm(): void {
    const remainingMs = this.atMs - performance.now();
    if (remainingMs > 0) {
      const timeout = setTimeout(() => this.check(), Math.min(Math.ceil(remainingMs), LONGEST_TIMEOUT_MS));
      this.stop = () => clearTimeout(timeout);
    } else {
      const immediate = setImmediate(this.wake);
      this.stop = () => clearImmediate(immediate);
    }
  }

  /** Timeouts go by a clock of whole milliseconds, and have a longest length: it may be too early yet. */
  private check(): void {
    if (performance.now() < this.atMs) this.arm();
    else this.wake();
  }
}

const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;
