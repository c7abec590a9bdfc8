import { encodeRecord, RECORD_HEADER_BYTES, type RecordHeader } from "../mdp2/record.ts";
import { AttachLimit } from "./limits.ts";

/** Version of the attach protocol that this code speaks (docs/wire.md W12). */
export const ATTACH_VERSION = 1;

/** Bytes of a hello: eight letters, then the version, 16 bits little-endian (docs/wire.md W12). */
export const HELLO_BYTES = 10;

/** The hello that each side sends first. */
export function encodeHello(version: number = ATTACH_VERSION): Uint8Array {
  const bytes = new Uint8Array(HELLO_BYTES);
  bytes.set(MAGIC);
  new DataView(bytes.buffer).setUint16(MAGIC.length, version, true);
  return bytes;
}

/** A record as it goes over the stream: its length, 16 bits little-endian, then the record, ports little-endian (docs/wire.md W12). */
export function encodeFrame(header: RecordHeader, payload?: Uint8Array): Uint8Array {
  const bytes = encodeRecord(header, payload, LENGTH_BYTES, true);
  const length = bytes.length - LENGTH_BYTES;
  if (length > AttachLimit.RECORD_BYTES) {
    throw new RangeError(`a record has at most ${AttachLimit.RECORD_BYTES} bytes, not ${length}`);
  }
  new DataView(bytes.buffer).setUint16(0, length, true);
  return bytes;
}

/** Why a stream is out of step: nothing that follows on it can be trusted. */
export type FrameFault =
  /** The other side does not speak this protocol. */
  | { readonly reason: "hello-magic" }
  /** It speaks another version. */
  | { readonly reason: "hello-version"; readonly version: number }
  /** A record too short to be one, or longer than both sides agreed on. */
  | { readonly reason: "record-length"; readonly lengthBytes: number };

/** Takes in what a {@link FrameReader} finds. Each record is valid until the call returns. */
export interface FrameSink {
  handleHello(): void;
  handleRecord(record: Uint8Array): void;
  /** Called at most once, and nothing after it. */
  handleFault(fault: FrameFault): void;
}

/**
 * Cuts a stream into the hello and the records, however the chunks fall. Never throws.
 * Holds at most one incomplete record: {@link AttachLimit.RECORD_BYTES} and its length.
 */
export class FrameReader {
  private readonly sink: FrameSink;
  private readonly partial = new Uint8Array(LENGTH_BYTES + AttachLimit.RECORD_BYTES);
  private partialBytes = 0;
  private greeted = false;
  private stopped = false;

  constructor(sink: FrameSink) {
    this.sink = sink;
  }

  /** Take in the next chunk, which may be reused when this returns. */
  push(chunk: Uint8Array): void {
    let rest = chunk;
    while (this.partialBytes > 0 && rest.length > 0 && !this.stopped) rest = this.completePartial(rest);
    while (!this.stopped) {
      const size = this.frameBytes(rest);
      if (size === undefined || this.stopped || rest.length < size) break;
      this.deliver(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
    if (this.stopped || rest.length === 0) return;
    this.partial.set(rest, this.partialBytes);
    this.partialBytes += rest.length;
  }

  /** Deliver nothing more; may be called from within a delivery. */
  stop(): void {
    this.stopped = true;
  }

  /** Move bytes from `rest` to the incomplete frame, first up to its length, then up to its end. Returns what is left. */
  private completePartial(rest: Uint8Array): Uint8Array {
    const held = this.partial.subarray(0, this.partialBytes);
    const wanted = this.frameBytes(held) ?? LENGTH_BYTES;
    if (this.stopped) return rest;
    const taken = Math.min(wanted - this.partialBytes, rest.length);
    this.partial.set(rest.subarray(0, taken), this.partialBytes);
    this.partialBytes += taken;
    const size = this.frameBytes(this.partial.subarray(0, this.partialBytes));
    if (size === this.partialBytes) {
      this.partialBytes = 0;
      this.deliver(this.partial.subarray(0, size));
    }
    return rest.subarray(taken);
  }

  /** Bytes of the frame that begins at `bytes`, its length included; undefined while that length is not there or is a fault. */
  private frameBytes(bytes: Uint8Array): number | undefined {
    if (!this.greeted) return HELLO_BYTES;
    if (bytes.length < LENGTH_BYTES) return undefined;
    const lengthBytes = bytes[0]! | (bytes[1]! << 8);
    if (lengthBytes < RECORD_HEADER_BYTES || lengthBytes > AttachLimit.RECORD_BYTES) {
      this.fail({ reason: "record-length", lengthBytes });
      return undefined;
    }
    return LENGTH_BYTES + lengthBytes;
  }

  private deliver(frame: Uint8Array): void {
    if (this.greeted) {
      this.sink.handleRecord(frame.subarray(LENGTH_BYTES));
      return;
    }
    this.greeted = true;
    const version = frame[MAGIC.length]! | (frame[MAGIC.length + 1]! << 8);
    if (!MAGIC.every((byte, i) => byte === frame[i])) this.fail({ reason: "hello-magic" });
    else if (version !== ATTACH_VERSION) this.fail({ reason: "hello-version", version });
    else this.sink.handleHello();
  }

  private fail(fault: FrameFault): void {
    if (this.stopped) return;
    this.stopped = true;
    this.sink.handleFault(fault);
  }
}

const LENGTH_BYTES = 2;
const MAGIC = new TextEncoder().encode("mshattch");
