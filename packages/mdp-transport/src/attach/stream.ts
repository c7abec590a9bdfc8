/**
 * A reliable, ordered stream of bytes between two processes of one machine: what the attach protocol runs on
 * (docs/wire.md W12). The runtime packages make one of a Unix socket.
 */
export interface ByteStream {
  /** Bytes given to {@link write} that the system has not taken yet. Both sides bound their memory by it. */
  readonly pendingBytes: number;
  /** Send. The stream owns `bytes` from now on. Never throws and never calls back before it returns; after the end it does nothing. */
  write(bytes: Uint8Array): void;
  /** Set the one receiver. What came before is kept for it. A chunk is valid until the receiver returns. */
  onData(receive: (chunk: Uint8Array) => void): void;
  /** Set the one handler for the end, by whichever side: called once, later than this call. */
  onClose(handle: () => void): void;
  /** End the stream. What was written still goes out if the other side takes it within a second or so. May be called twice. */
  close(): void;
}
