import type { LinkStats } from "@meshstream/netem";

/** What happened on the link in {@link TRACE_MS}, and how it stood at the end of that time. */
export interface TracePoint {
  readonly atMs: number;
  /** What arrived at the far end, everything on the wire. */
  readonly arrivedKbps: number;
  /** How long the queue would have made a packet wait. */
  readonly queueMs: number;
  /** Packets lost on the air, and for want of room in the queue. */
  readonly lost: number;
  readonly overflowed: number;
  /** The sender's smoothed round trip; 0 before it has one. */
  readonly rttMs: number;
}

export const TRACE_MS = 50;

/** Keeps a time series of a run. Memory: one point for each 50 simulated milliseconds. */
export class Trace {
  readonly points: TracePoint[] = [];
  #before: LinkStats | undefined;

  add(atMs: number, stats: LinkStats, queueMs: number, rttMs: number): void {
    const { deliveredBytes = 0, droppedLoss = 0, droppedQueue = 0 } = this.#before ?? {};
    this.points.push({
      atMs,
      arrivedKbps: ((stats.deliveredBytes - deliveredBytes) * 8) / TRACE_MS,
      queueMs,
      lost: stats.droppedLoss - droppedLoss,
      overflowed: stats.droppedQueue - droppedQueue,
      rttMs,
    });
    this.#before = { ...stats };
  }
}
