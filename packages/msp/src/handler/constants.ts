/**
 * The bits of a socket's state, as a handler gets them and getState returns them. Several may be set at once.
 * Which values they have is of no meaning.
 */
export const SocketState = {
  /** There is room for another message: the next send() will take it. */
  DATA_OUT: 0x01,
  /** shutdown() was called, and the peer has acknowledged everything that was queued before. */
  SHUTDOWN_LOCAL: 0x02,
  /** The peer has shut down, and nothing comes after the message of this call. */
  SHUTDOWN_REMOTE: 0x04,
  /** The socket is closed, and this is the last call of its handler. */
  CLOSED: 0x08,
  /** Something went wrong: lastError() says what. What had arrived before is still handed over. */
  ERROR: 0x10,
  /** With CLOSED: the end was a stop(), here or at the peer (there with ERROR as well). */
  STOPPED: 0x20,
} as const;

/** A time that is always past: what a main loop begins with. */
export const NEVER_HAS = Number.NEGATIVE_INFINITY;
