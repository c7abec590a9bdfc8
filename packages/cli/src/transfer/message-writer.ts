import { MESSAGE_BYTES } from "@meshstream/wasm-core";

/**
 * Packs a stream of bytes into messages, each filled to 1024 bytes before it goes, except at a flush.
 * Holds at most one message (1024 bytes).
 *
 * @example
 * const writer = new MessageWriter((message) => socket.send(message));
 * await writer.write(encodeGreeting());
 * await writer.flush();
 */
export class MessageWriter {
  readonly #send: (message: Uint8Array) => Promise<void>;
  readonly #pending = new Uint8Array(MESSAGE_BYTES);
  #pendingBytes = 0;

  /** `send` must be done with the message when it resolves: its bytes are written over then. */
  constructor(send: (message: Uint8Array) => Promise<void>) {
    this.#send = send;
  }

  /** Resolves when no byte of `bytes` is needed any longer. Not to be called again before. */
  async write(bytes: Uint8Array): Promise<void> {
    let position = 0;
    while (position < bytes.length) {
      const leftBytes = bytes.length - position;
      if (this.#pendingBytes === 0 && leftBytes >= MESSAGE_BYTES) {
        await this.#send(bytes.subarray(position, position + MESSAGE_BYTES));
        position += MESSAGE_BYTES;
        continue;
      }
      const taken = Math.min(leftBytes, MESSAGE_BYTES - this.#pendingBytes);
      this.#pending.set(bytes.subarray(position, position + taken), this.#pendingBytes);
      this.#pendingBytes += taken;
      position += taken;
      if (this.#pendingBytes === MESSAGE_BYTES) await this.flush();
    }
  }

  /** Send what is held, if anything. Resolves when it is queued. */
  async flush(): Promise<void> {
    if (this.#pendingBytes === 0) return;
    const message = this.#pending.subarray(0, this.#pendingBytes);
    this.#pendingBytes = 0;
    await this.#send(message);
  }
}
