import { MspError, type MspSocket } from "@meshstream/msp";
import { adopt } from "../shared/connection.ts";
import type { Context } from "../shared/context.ts";
import { ExitCode, exitCodeOf } from "../shared/exit-codes.ts";
import { formatBytes } from "../shared/format.ts";
import type { TcpStream } from "../shared/runtime.ts";
import { splice } from "./splice.ts";

/** Which way a forwarder's connections are opened: by peers towards a TCP port, or by TCP clients towards a peer. */
export type Direction = "to-tcp" | "from-tcp";

/** Connections that are forwarded: joined, counted, and told of. */
export class Forwarder {
  /** How many may be open at once. */
  readonly limit: number;
  readonly #context: Context;
  readonly #direction: Direction;
  readonly #open = new Set<Promise<unknown>>();
  #lastId = 0;

  constructor(context: Context, direction: Direction, limit: number) {
    this.#context = context;
    this.#direction = direction;
    this.limit = limit;
  }

  /** Connections being opened or open. */
  get openCount(): number {
    return this.#open.size;
  }

  /** Count a connection as open while `serve` runs. */
  async hold<T>(serve: () => Promise<T>): Promise<T> {
    const serving = serve();
    this.#open.add(serving);
    try {
      return await serving;
    } finally {
      this.#open.delete(serving);
    }
  }

  /** Resolves when none is open any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#open);
  }

  /** Join the two until both have ended. Resolves to the exit code that this connection alone would give; never rejects. */
  async join(socket: MspSocket, tcp: TcpStream): Promise<number> {
    const id = ++this.#lastId;
    const { report, interruption } = this.#context;
    const sid = socket.remote.sid.hex;
    const ends = { id, sid, port: socket.remote.port, tcp: tcp.remote };
    const counts = { toTcpBytes: 0, fromTcpBytes: 0 };
    const startedMs = performance.now();
    const peer = `${sid}, port ${socket.remote.port}`;
    const way = this.#direction === "to-tcp" ? `${peer} -> ${tcp.remote}` : `${tcp.remote} -> ${peer}`;
    const connection = adopt(this.#context, socket);
    socket.connected.then(
      () => report.note({ event: "forward-opened", ...ends }, `#${id} opened: ${way}`),
      () => undefined,
    );
    const summary = () => {
      const seconds = (performance.now() - startedMs) / 1000;
      const fields = { ...ends, ...counts, seconds };
      const words = `after ${seconds.toFixed(1)} s, ${formatBytes(counts.toTcpBytes)} to TCP, ${formatBytes(counts.fromTcpBytes)} from it`;
      return { fields, words };
    };
    try {
      await connection.run(() => splice(socket, tcp, counts));
      const { fields, words } = summary();
      report.note(
        { event: "forward-closed", ...fields, how: "gracefully" },
        `#${id} closed gracefully ${words}`,
      );
      return ExitCode.DONE;
    } catch (error) {
      if (interruption.exitCode === undefined) {
        const { fields, words } = summary();
        const how = error instanceof MspError && error.code === "timeout" ? "timed-out" : "suddenly";
        const message = error instanceof Error ? error.message : String(error);
        report.failure(
          { event: "forward-closed", ...fields, how, message },
          `#${id} ${how === "timed-out" ? "timed out" : "closed suddenly"} ${words}: ${message}`,
        );
      }
      return exitCodeOf(error);
    }
  }
}
