import type { Socket } from "node:net";
import type { ByteStream } from "@meshstream/mdp-transport";

/**
 * A connected socket as the stream of an attached program. What is written in one turn of the event loop goes out in
 * one system call. The socket must have a handler for its errors; each is followed by the end, which is all that is told.
 */
export function socketStream(socket: Socket): ByteStream {
  return new SocketStream(socket);
}

class SocketStream implements ByteStream {
  private readonly socket: Socket;
  private isCorked = false;
  private isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  get pendingBytes(): number {
    return this.socket.writableLength;
  }

  write(bytes: Uint8Array): void {
    if (this.isClosed || !this.socket.writable) return;
    if (!this.isCorked) {
      this.isCorked = true;
      this.socket.cork();
      setImmediate(() => this.uncork());
    }
    this.socket.write(bytes);
  }

  onData(receive: (chunk: Uint8Array) => void): void {
    this.socket.removeAllListeners("data");
    this.socket.on("data", receive);
  }

  onClose(handle: () => void): void {
    if (this.socket.closed) setImmediate(handle);
    else this.socket.once("close", () => handle());
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (this.socket.closed) return;
    this.uncork();
    this.socket.end();
    // The other side may not read: then what was written is lost with it.
    const timer = setTimeout(() => this.socket.destroy(), GRACE_MS);
    this.socket.once("close", () => clearTimeout(timer));
  }

  private uncork(): void {
    if (this.isCorked) this.socket.uncork();
    this.isCorked = false;
  }
}

const GRACE_MS = 1000;
