/** Figures of one connection; counts of messages, times in milliseconds. */
export interface ConnectionStats {
  readonly sent: number;
  readonly retransmitted: number;
  readonly received: number;
  readonly inFlight: number;
  readonly srttMs: number | undefined;
  readonly minRttMs: number | undefined;
}
