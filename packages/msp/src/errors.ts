/**
 * Everything that can go wrong, as one closed list. Misuse throws at the call; what a peer or a link does
 * arrives as an event or a rejected promise. Guards compare `error.code`.
 */
export type MspErrorCode =
  /** A SID, port or socket address that is none. */
  | "address"
  /** An option or argument outside its range. */
  | "argument"
  /** A call that the object's state does not allow, such as sending after shutdown. */
  | "state"
  /** A message of more bytes than a packet carries. */
  | "message-size"
  /** No room: the window or the pool is full. */
  | "again"
  /** The local port is bound already, or the transport refuses to bind it. */
  | "port-in-use"
  /** Nothing was heard from the peer for the patience of the connection (10 s). */
  | "timeout"
  /** The peer stopped the connection, or knows nothing of it. */
  | "stopped"
  /** This side gave up: stop(), an AbortSignal or close(). */
  | "aborted"
  /** The transport cannot start. */
  | "transport-start"
  /** The transport was lost on the way: the holder of the home or the daemon went. */
  | "transport-lost"
  /** The keyring cannot be read or written. */
  | "keyring";

/** @example if (error instanceof MspError && error.code === "timeout") retry(); */
export class MspError extends Error {
  override readonly name = "MspError";
  readonly code: MspErrorCode;

  constructor(code: MspErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
