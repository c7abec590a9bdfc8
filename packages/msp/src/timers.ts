/** The deadlines of a connection, by name. */
export const Timer = {
  /** When to find out which messages in flight are lost. */
  RETRANSMIT: 0,
  /** When the next message may leave that waits for its turn only. */
  PACE: 1,
  /** When to acknowledge what the application has taken. */
  ACKNOWLEDGE: 2,
  /** When to send something, because nothing was sent for long (docs/wire.md W2). */
  KEEP_ALIVE: 3,
  /** When to try again what the transport had no route for. */
  NO_ROUTE: 4,
  /** When to fail, because nothing was heard for long (docs/wire.md W2). */
  PATIENCE: 5,
} as const;
export type Timer = (typeof Timer)[keyof typeof Timer];

/** When each deadline of one connection comes; Infinity where none is set. */
export class TimerTable {
  private readonly atMs = new Float64Array(Object.keys(Timer).length).fill(Number.POSITIVE_INFINITY);

  set(timer: Timer, atMs: number): void {
    this.atMs[timer] = atMs;
  }

  isDue(timer: Timer, nowMs: number): boolean {
    return this.atMs[timer]! <= nowMs;
  }

  /** The earliest deadline; Infinity if there is none. */
  nextMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const atMs of this.atMs) if (atMs < nextMs) nextMs = atMs;
    return nextMs;
  }
}
