import type { Clock, TimerHandle } from "../stream/transport.ts";

/**
 * The clock of a driver that the caller drives. Its timers never wake: processing() steps the driver instead. During
 * processing() it stands at the time given there; at no time does it show an earlier one than it has shown.
 */
export class CallerClock implements Clock {
  private readonly below: Clock;
  private latestMs = Number.NEGATIVE_INFINITY;
  private isHeld = false;

  constructor(below: Clock) {
    this.below = below;
  }

  now(): number {
    if (!this.isHeld) this.latestMs = Math.max(this.latestMs, this.below.now());
    return this.latestMs;
  }

  setTimer(): TimerHandle {
    return NO_TIMER;
  }

  /** Stand at `nowMs` until {@link release}. */
  hold(nowMs: number): void {
    this.latestMs = Math.max(this.latestMs, nowMs);
    this.isHeld = true;
  }

  /** Go on with the clock below. */
  release(): void {
    this.isHeld = false;
  }
}

const NO_TIMER: TimerHandle = { cancel: () => {} };
