/**
 * Decides which sent messages are lost, by marking them so in the send window; what is marked is sent again at once.
 * Called by the send side of a connection; knows no clock.
 */
export interface Recovery {
  /** A message has just been sent, for the first time or again. */
  handleSent(nowMs: number): void;
  /** The cumulative acknowledgement moved on; the window has been told. */
  handleProgress(nowMs: number): void;
  /** A packet without data repeated the last acknowledgement while messages were in flight. */
  handleRepetition(nowMs: number): void;
  /** Called when {@link deadlineMs} has come. */
  handleTimeout(nowMs: number): void;
  /**
   * Whether the acknowledgement of a message sent once, at `sentAtMs`, measures the round trip: not if it may have waited
   * at the receiver for the repair of another.
   */
  isMeasure(sentAtMs: number): boolean;
  /** When to call handleTimeout; Infinity if nothing is in flight. */
  readonly deadlineMs: number;
}
