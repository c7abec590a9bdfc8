/**
 * How long it takes from the return of a link that was off to the next message that is handed over because of a packet
 * offered after the return: what the queue had kept comes through by itself and says nothing of the sender.
 */
export class ReturnWatch {
  /** The longest so far, in milliseconds; 0 if there was no return. */
  longestMs = 0;
  #returnedAtMs: number | undefined;
  #keptPackets = 0;

  /** The link is back, with so many packets in its queue. */
  handleReturn(keptPackets: number, nowMs: number): void {
    // Nothing new since the return before: that wait goes on.
    this.#returnedAtMs ??= nowMs;
    this.#keptPackets = keptPackets;
  }

  /** A packet came to the end of the link, arrived or lost on the air; in order, as they left the queue. */
  handlePacketDone(): void {
    if (this.#keptPackets > 0) this.#keptPackets -= 1;
  }

  /** A message was handed to the application. Called before {@link handlePacketDone} of the packet that did it. */
  handleHanded(nowMs: number): void {
    if (this.#returnedAtMs === undefined || this.#keptPackets > 0) return;
    this.longestMs = Math.max(this.longestMs, nowMs - this.#returnedAtMs);
    this.#returnedAtMs = undefined;
  }

  /** The run is over: a wait that has not ended counts as it is. */
  end(nowMs: number): void {
    if (this.#returnedAtMs !== undefined)
      this.longestMs = Math.max(this.longestMs, nowMs - this.#returnedAtMs);
  }
}
