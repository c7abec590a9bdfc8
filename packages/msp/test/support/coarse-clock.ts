import type { Random, VirtualClock } from "@meshstream/netem";
import type { Clock, TimerHandle } from "../../src/stream/transport.ts";

/** A clock as a busy machine has it: timers go by whole milliseconds, and wake later still. */
export class CoarseClock implements Clock {
  private readonly below: VirtualClock;
  private readonly random: Random;
  private readonly latestMs: number;

  /** Timers wake up to `latestMs` after the whole millisecond that follows their time. */
  constructor(below: VirtualClock, random: Random, latestMs: number) {
    this.below = below;
    this.random = random;
    this.latestMs = latestMs;
  }

  now(): number {
    return this.below.now();
  }

  setTimer(atMs: number, wake: () => void): TimerHandle {
    // What is due already wakes in the next turn of the event loop, as everywhere.
    if (atMs <= this.now()) return this.below.setTimer(this.now(), wake);
    return this.below.setTimer(Math.ceil(atMs) + this.random.next() * this.latestMs, wake);
  }
}
