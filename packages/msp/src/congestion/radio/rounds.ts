import type { PathReport } from "../controller.ts";

/**
 * Counts round trips by packets: a round is over when a message arrives that was sent after the round began. Needs no
 * clock, and gets longer by itself where a queue makes the path longer.
 */
export class Rounds {
  count = 0;
  /** When the present round began. */
  startedAtMs = 0;
  private endDelivered = 0;

  /** Whether this report begins a new round. */
  advance({ priorDelivered, delivered, nowMs }: Readonly<PathReport>): boolean {
    if (priorDelivered < this.endDelivered) return false;
    this.endDelivered = delivered;
    this.startedAtMs = nowMs;
    this.count += 1;
    return true;
  }
}
