/**
 * What the file transfer needs of a connection; an MspSocket is one.
 * Messages have 1..1024 bytes and arrive in order, exactly once, or the calls reject with the error that ended it.
 */
export interface MessageStream {
  /** Resolves when the message is queued: `message` may be written to again then. */
  send(message: Uint8Array): Promise<void>;
  /**
   * The next message, or undefined once the peer has shut down. The previous message counts as taken, and is
   * acknowledged to the peer, when this is called again: write it out before.
   */
  receive(): Promise<Uint8Array | undefined>;
  /** The last received message is taken now. */
  acknowledge(): void;
  /** No more messages from this side. */
  shutdown(): void;
  /** End at once and tell the peer. */
  stop(): void;
}
