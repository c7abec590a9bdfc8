/** What a process of a subject is told to do. */
export interface SubjectRequest {
  readonly role: "sender" | "receiver";
  /** UDP port of the relay's side, on 127.0.0.1. */
  readonly relayPort: number;
  readonly bytes: number;
  /** What the receiver said of itself, for the sender. */
  readonly receiver?: unknown;
}

/** What it tells: `ready` first, then `started` with the moment of the first send call, or `progress` with what has come. */
export type SubjectReport =
  | { readonly kind: "ready"; readonly self?: unknown }
  | { readonly kind: "started"; readonly atMs: number }
  | { readonly kind: "progress"; readonly bytes: number; readonly atMs: number };

/** A clock that all processes of one machine share, in milliseconds. */
export function sharedNowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Tell the process that asked. */
export function tell(report: SubjectReport): void {
  process.send!(report);
}

/** Serve one request, then wait to be ended. */
export function subject(serve: (request: SubjectRequest) => Promise<void>): void {
  process.once("message", (request: SubjectRequest) => {
    serve(request).catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
  });
}

/** Report what has come, at most every `REPORT_MS`, and at the end. */
export class Progress {
  readonly #totalBytes: number;
  #bytes = 0;
  #toldAtMs = 0;

  constructor(totalBytes: number) {
    this.#totalBytes = totalBytes;
  }

  came(bytes: number): void {
    this.#bytes += bytes;
    const atMs = sharedNowMs();
    if (this.#bytes < this.#totalBytes && atMs - this.#toldAtMs < REPORT_MS) return;
    this.#toldAtMs = atMs;
    tell({ kind: "progress", bytes: this.#bytes, atMs });
  }
}

const REPORT_MS = 100;
