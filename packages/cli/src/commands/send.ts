import type { MspSocket } from "@meshstream/msp";
import type { Command } from "commander";
import { parseTarget } from "../shared/arguments.ts";
import { openConnection } from "../shared/connection.ts";
import type { Context } from "../shared/context.ts";
import type { Execute } from "../shared/execute.ts";
import { ExitCode, UsageError } from "../shared/exit-codes.ts";
import { formatBytes, formatRate, printable } from "../shared/format.ts";
import { withMesh } from "../shared/with-mesh.ts";
import { describeLocalFile } from "../transfer/local-file.ts";
import type { Offer } from "../transfer/records.ts";
import { type FileSource, type SenderObserver, type SentFile, sendFiles } from "../transfer/sender.ts";

/** `msp send FILE... SID[:PORT]`: files to a peer that runs `msp receive`. */
export function addSend(program: Command, execute: Execute): void {
  program
    .command("send")
    .description("send files to a peer that runs msp receive")
    .usage("[options] FILE... SID[:PORT]")
    .argument("<FILE...>", "the files, and last the peer's identity, with its MDP port unless that is 4111")
    .addHelpText("after", EXAMPLES)
    .action((words: readonly string[], _, command: Command) =>
      execute(command, { stdoutCarriesData: false }, (context) => send(context, words)),
    );
}

async function send(context: Context, words: readonly string[]): Promise<number> {
  const target = words.at(-1);
  const paths = words.slice(0, -1);
  if (target === undefined || paths.length === 0) {
    throw new UsageError("name at least one file, and then the peer: msp send FILE... SID[:PORT]");
  }
  const remote = parseTarget(target);
  const files: FileSource[] = [];
  for (const path of paths) files.push(await describeLocalFile(path));

  return withMesh(context, async (mesh) => {
    const connection = await openConnection(context, mesh, remote);
    using report = new SendReport(context, connection.socket);
    const sent = await connection
      .run((socket) => sendFiles(socket, files, report))
      .catch((error: unknown) => {
        report.brokenOff(files.map(({ offer }) => offer));
        throw error;
      });
    return sent.every(({ result }) => result === "done") ? ExitCode.DONE : ExitCode.CONNECTION;
  });
}

/** Tells about the files on their way. */
class SendReport implements SenderObserver {
  readonly #context: Context;
  readonly #socket: MspSocket;
  readonly #sid: string;
  #finishedCount = 0;
  /** The offer that the peer has not answered yet. */
  #waitingFor: Offer | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #startedMs = 0;
  #current: Offer | undefined;
  #currentBytes = 0;

  constructor(context: Context, socket: MspSocket) {
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

const EXAMPLES = `
Exits 0 when every file stands complete at the peer, its SHA-256 compared; 1 if the peer refused one.

Examples:
  $ msp send report.pdf 57D5...7045
  $ msp send --peer 192.168.1.7:4110 a.jpg b.jpg 57D5...7045:4200`;
