/**
 * The first measure of the round trip, for a side that only receives: the time from its own first packet to the first from the
 * peer that was sent after it. On the connecting side this is the first packet at all; on the other the first without FIRST
 * (docs/wire.md W2.8). It is too long if the first packet was lost or the peer had nothing to say: an upper bound.
 */
export class OpeningRoundTrip {
  /** Undefined until it is known. */
  ms: number | undefined;
  private sentAtMs: number | undefined;

  handleSent(nowMs: number): void {
    this.sentAtMs ??= nowMs;
  }

  /** A packet came; `isFirst`: it has the flag FIRST. */
  handlePacket(isFirst: boolean, isConnecting: boolean, nowMs: number): void {
    if (this.sentAtMs === undefined || (isFirst && !isConnecting)) return;
    this.ms ??= nowMs - this.sentAtMs;
  }
}
