import type { MspSocket } from "@meshstream/msp";
import type { Offer } from "../transfer/records.ts";
import type { SenderObserver, SentFile } from "../transfer/sender.ts";
import type { Context } from "./context.ts";
import { formatBytes, formatRate, printable } from "./format.ts";

type ReportedSocket = Pick<MspSocket, "remote" | "connected">;

/** Tells about the files that `msp send` has on their way. Dispose of it in the end. */
export class SendReport implements SenderObserver {
  readonly #context: Context;
  readonly #socket: ReportedSocket;
  readonly #sid: string;
  #finishedCount = 0;
  /** The offer that the peer has not answered yet. */
  #waitingFor: Offer | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #startedMs = 0;
  #current: Offer | undefined;
  #currentBytes = 0;

  constructor(context: Context, socket: ReportedSocket) {
    this.#context = context;
    this.#socket = socket;
    this.#sid = socket.remote.sid.hex;
  }

  offered(offer: Offer): void {
    this.#waitingFor = offer;
    const wait = (): void => {
      if (this.#waitingFor !== offer) return;
      this.#patience = setTimeout(
        () => this.#context.report.hint(`waiting for the receiver to accept ${printable(offer.name)}`),
        PATIENCE_MS,
      );
    };
    this.#socket.connected.then(wait, () => undefined);
  }

  accepted(offer: Offer): void {
    this.#answered();
    this.#startedMs = performance.now();
    this.#current = offer;
    this.#currentBytes = 0;
  }

  progress({ name, sizeBytes }: Offer, doneBytes: number): void {
    this.#currentBytes = doneBytes;
    this.#context.report.progress({ sid: this.#sid, name, doneBytes, totalBytes: sizeBytes });
  }

  finished(file: SentFile): void {
    this.#answered();
    this.#finishedCount++;
    const offer = this.#current;
    this.#current = undefined;
    const { report } = this.#context;
    const name = printable(file.name);
    if (file.result === "refused") {
      const { reason, text } = file.refuse;
      const event = { event: "file", name: file.name, result: file.result, reason, text: printable(text) };
      report.failure(event, `${name}: refused: ${printable(text)}`);
      return;
    }
    const bytes = offer?.sizeBytes ?? 0;
    const seconds = (performance.now() - this.#startedMs) / 1000;
    report.note(
      { event: "file", name: file.name, result: file.result, bytes, seconds, sha256: file.sha256 },
      `${name}: sent, ${formatBytes(bytes)} in ${seconds.toFixed(1)} s (${formatRate(bytes / seconds)})`,
    );
  }

  /** The session ended before `offers` were all done: say which were not. What a signal broke off is no news. */
  brokenOff(offers: readonly Offer[]): void {
    const { report, interruption } = this.#context;
    if (interruption.exitCode !== undefined) return;
    for (const offer of offers.slice(this.#finishedCount)) {
      const { name, sizeBytes } = offer;
      const isBegun = offer === this.#current;
      const words = !isBegun
        ? "was not sent"
        : this.#currentBytes < sizeBytes
          ? "was not sent completely"
          : "was sent, but the peer has not confirmed it";
      report.failure(
        { event: "file", name, result: isBegun ? "broken-off" : "not-begun" },
        `${printable(name)} ${words}`,
      );
    }
  }

  [Symbol.dispose](): void {
    this.#answered();
  }

  #answered(): void {
    this.#waitingFor = undefined;
    clearTimeout(this.#patience);
  }
}

const PATIENCE_MS = 1000;
