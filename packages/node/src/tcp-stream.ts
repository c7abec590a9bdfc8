import type { Socket } from "node:net";
import { formatTcpAddress } from "./tcp-address.ts";

/**
 * One TCP connection: bytes in both directions, each of which ends on its own. Holds at most what the system gave with one read
 * (64 KiB) and one that lies before it, and what the caller writes without waiting.
 */
export interface TcpStream {
  /** "ADDR:PORT" of the other end. */
  readonly remote: string;
  /**
   * Resolves when both directions have ended; rejects with TcpError "reset" if the other end reset the connection, "timeout" if it
   * does not answer any more, "aborted" after {@link reset}.
   */
  readonly closed: Promise<void>;
  /** All that has arrived, at least one byte; undefined at the other side's end. One call at a time. Rejects as `closed` does. */
  read(): Promise<Uint8Array | undefined>;
  /** Resolves when the system has taken the bytes; they are lent until then. Rejects as `closed` does. */
  write(bytes: Uint8Array): Promise<void>;
  /** No more bytes from this side (FIN), after those written; those of the other side still come. */
  shutdown(): void;
  /** End at once (RST): discard what is not sent, and let the other side know that this is no good end. May be called at any time. */
  reset(): void;
}

/** What can become of a TCP connection: the other end's refusal or reset, the way there, or this side's own reset(). */
export type TcpErrorCode =
  | "refused"
  | "reset"
  | "timeout"
  | "unreachable"
  | "unknown-host"
  | "aborted"
  /** What the system said is the cause. */
  | "failed";

/** A TCP connection that did not come about or has ended suddenly. The message names the other end. */
export class TcpError extends Error {
  override readonly name = "TcpError";
  readonly code: TcpErrorCode;

  constructor(code: TcpErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** A connected socket, made with `allowHalfOpen`, as a {@link TcpStream}. `name` stands for the other end in errors. */
export function tcpStream(socket: Socket, name?: string): TcpStream {
  return new NetStream(socket, name);
}

class NetStream implements TcpStream {
  readonly remote: string;
  readonly closed: Promise<void>;
  private readonly socket: Socket;
  private failure: TcpError | undefined;
  private isEnded = false;
  private wakeReader: (() => void) | undefined;

  constructor(socket: Socket, name: string | undefined) {
    this.socket = socket;
    const { remoteAddress: host = "unknown", remotePort: port = 0 } = socket;
    this.remote = name ?? formatTcpAddress({ host, port });
    // Small writes are people typing, or the last bytes of an answer.
    socket.setNoDelay(true);
    // An end that has vanished would hold its connection, for MSP's keep-alives go on.
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on("error", (cause) => {
      this.failure ??= tcpError(this.remote, cause);
    });
    socket.on("readable", () => this.wakeReader?.());
    socket.on("end", () => this.handleEnd());
    this.closed = new Promise((resolve, reject) => {
      socket.once("close", () => {
        if (this.failure === undefined) resolve();
        else reject(this.failure);
        this.wakeReader?.();
      });
    });
    // Who is in the middle of a read or a write learns it there.
    this.closed.catch(() => undefined);
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk = this.socket.read() as Buffer | null;
      if (chunk !== null) return chunk;
      if (this.failure !== undefined) throw this.failure;
      if (this.isEnded) return undefined;
      await new Promise<void>((resolve) => {
        this.wakeReader = resolve;
      });
    }
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.write(bytes, (cause) => {
        if (cause === undefined || cause === null) resolve();
        else reject(this.failure ?? tcpError(this.remote, cause));
      });
    });
  }

  shutdown(): void {
    this.socket.end();
  }

  reset(): void {
    if (this.socket.destroyed) return;
    this.failure ??= new TcpError("aborted", `the connection with ${this.remote} was reset on this side`);
    this.socket.resetAndDestroy();
  }

  /**
   * A reset that comes right behind bytes is told as an end by the system library. Writing nothing brings it to light, as
   * long as this side has not ended its own direction; after that it remains an end.
   */
  private handleEnd(): void {
    const end = (cause?: Error | null): void => {
      if (cause !== undefined && cause !== null) this.failure ??= tcpError(this.remote, cause);
      this.isEnded = true;
      this.wakeReader?.();
    };
    if (this.socket.writable) this.socket.write(NOTHING, end);
    else end();
  }
}

/** What the system said of a TCP connection with `remote`, for people. */
export function tcpError(remote: string, cause: unknown): TcpError {
  const systemCode = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const [code, words] = MEANINGS[systemCode] ?? ["failed", `failed (${systemCode || String(cause)})`];
  return new TcpError(code, `${remote} ${words}`, { cause });
}

const MEANINGS: Readonly<Record<string, readonly [TcpErrorCode, string]>> = {
  ECONNREFUSED: ["refused", "refuses connections: is a program listening there?"],
  ECONNRESET: ["reset", "reset the connection"],
  EPIPE: ["reset", "reset the connection"],
  ETIMEDOUT: ["timeout", "does not answer"],
  EHOSTUNREACH: ["unreachable", "cannot be reached"],
  ENETUNREACH: ["unreachable", "cannot be reached"],
  ENOTFOUND: ["unknown-host", "is not known: its name has no address"],
  EAI_AGAIN: ["unknown-host", "is not known: the look-up of its name failed"],
  EMFILE: ["failed", "was not connected to: too many files are open in this program"],
};

const NOTHING = new Uint8Array(0);
const KEEP_ALIVE_MS = 60_000;
