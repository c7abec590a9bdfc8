import type { ByteStream } from "../../src/attach/stream.ts";

/** How a stream cuts what it carries into chunks: one length for all, or one for each in turn. */
export type Cut = (chunkIndex: number) => number;

/** Two ends of one stream in memory. Chunks arrive in microtasks, never within a write. */
export function streamPair(cut: Cut = () => Number.POSITIVE_INFINITY): [MemoryStream, MemoryStream] {
  const first = new MemoryStream(cut);
  const second = new MemoryStream(cut);
  first.other = second;
  second.other = first;
  return [first, second];
}

/** Let everything that happens in microtasks happen. */
export async function drain(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

export class MemoryStream implements ByteStream {
  other!: MemoryStream;
  /** While true this end takes nothing: a program that does not read. */
  isPaused = false;
  pendingBytes = 0;
  private readonly cut: Cut;
  private chunks = 0;
  private written: Uint8Array[] = [];
  private isScheduled = false;
  private isClosing = false;
  private isClosed = false;
  private receive: ((chunk: Uint8Array) => void) | undefined;
  private handleClose: (() => void) | undefined;

  constructor(cut: Cut) {
    this.cut = cut;
  }

  write(bytes: Uint8Array): void {
    if (this.isClosing) return;
    this.written.push(bytes);
    this.pendingBytes += bytes.length;
    this.schedule();
  }

  onData(receive: (chunk: Uint8Array) => void): void {
    this.receive = receive;
    this.other.schedule();
  }

  onClose(handle: () => void): void {
    this.handleClose = handle;
    if (this.isClosed) queueMicrotask(handle);
  }

  close(): void {
    this.isClosing = true;
    this.schedule();
  }

  /** Take what has been held back. */
  resume(): void {
    this.isPaused = false;
    this.other.schedule();
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    queueMicrotask(() => this.carry());
  }

  private carry(): void {
    this.isScheduled = false;
    if (this.other.receive === undefined || this.other.isPaused) return;
    const bytes = joinBytes(this.written.splice(0));
    this.pendingBytes = 0;
    for (let at = 0; at < bytes.length; ) {
      const chunk = bytes.slice(at, at + this.cut(this.chunks++));
      at += chunk.length;
      this.other.receive(chunk);
      // Whoever kept the chunk beyond the call shall notice.
      chunk.fill(0xdd);
    }
    if (!this.isClosing) return;
    this.end();
    this.other.end();
  }

  private end(): void {
    if (this.isClosed) return;
    this.isClosing = true;
    this.isClosed = true;
    this.handleClose?.();
  }
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
