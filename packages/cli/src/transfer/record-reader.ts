import { Fault } from "./fault.ts";
import { HEADER_BYTES } from "./records.ts";

/** The start of a record: its type and the bytes of its payload. */
export interface RecordHeader {
  readonly type: number;
  readonly length: number;
}

/**
 * Reads records from messages whose boundaries mean nothing. It asks for another message only when every byte of
 * the last one was handed out and the caller came back for more: so a payload that the caller writes before it asks
 * again is never acknowledged unwritten. Holds one message and, for {@link payload}, what the caller allows.
 *
 * @example
 * const reader = new RecordReader(() => socket.receive());
 * const greeting = await reader.take(GREETING_BYTES);
 */
export class RecordReader {
  readonly #receive: () => Promise<Uint8Array | undefined>;
  #message: Uint8Array = new Uint8Array(0);
  #position = 0;
  #payloadLeftBytes = 0;

  constructor(receive: () => Promise<Uint8Array | undefined>) {
    this.#receive = receive;
  }

  /** The next `length` bytes, whatever they are part of. Fault if the stream ends before. */
  async take(length: number): Promise<Uint8Array | Fault> {
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const piece = await this.#piece(length - filled);
      if (piece === undefined) return CUT_SHORT;
      bytes.set(piece, filled);
      filled += piece.length;
    }
    return bytes;
  }

  /** The next record's header, skipping what was not read of the last payload; undefined at a clean end of the stream. */
  async next(): Promise<RecordHeader | Fault | undefined> {
    for (;;) {
      const skipped = await this.chunk();
      if (skipped instanceof Fault) return skipped;
      if (skipped === undefined) break;
    }
    const first = await this.#piece(1);
    if (first === undefined) return undefined;
    const rest = await this.take(HEADER_BYTES - 1);
    if (rest instanceof Fault) return rest;
    const length = new DataView(rest.buffer).getUint32(0, true);
    this.#payloadLeftBytes = length;
    return { type: first[0]!, length };
  }

  /** The whole payload of the current record. Fault if it has more than `limitBytes`. */
  async payload(limitBytes: number): Promise<Uint8Array | Fault> {
    const length = this.#payloadLeftBytes;
    if (length > limitBytes) return new Fault(`a record of ${length} bytes, where ${limitBytes} is the most`);
    this.#payloadLeftBytes = 0;
    return this.take(length);
  }

  /** The next stretch of the current payload, lent until the next call; undefined at the payload's end. */
  async chunk(): Promise<Uint8Array | Fault | undefined> {
    if (this.#payloadLeftBytes === 0) return undefined;
    const piece = await this.#piece(this.#payloadLeftBytes);
    if (piece === undefined) return CUT_SHORT;
    this.#payloadLeftBytes -= piece.length;
    return piece;
  }

  /** 1..limit bytes from the message at hand, or from the next one; undefined at the end of the stream. */
  async #piece(limit: number): Promise<Uint8Array | undefined> {
    while (this.#position === this.#message.length) {
      const message = await this.#receive();
      if (message === undefined) return undefined;
      this.#message = message;
      this.#position = 0;
    }
    const end = Math.min(this.#position + limit, this.#message.length);
    const piece = this.#message.subarray(this.#position, end);
    this.#position = end;
    return piece;
  }
}

const CUT_SHORT = new Fault("the peer ended in the middle of a record");
