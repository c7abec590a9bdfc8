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
import { type FileSource, type SentFile, sendFiles } from "../transfer/sender.ts";

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
    const sent = await connection.run((socket) => sendFiles(socket, files, new SendReport(context)));
    return sent.every(({ result }) => result === "done") ? ExitCode.DONE : ExitCode.CONNECTION;
  });
}

/** Tells about the files on their way. */
class SendReport {
  readonly #context: Context;
  #startedMs = 0;
  #current: Offer | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  accepted(offer: Offer): void {
    this.#startedMs = performance.now();
    this.#current = offer;
  }

  progress({ name, sizeBytes }: Offer, doneBytes: number): void {
    this.#context.report.progress({ name, doneBytes, totalBytes: sizeBytes });
  }

  finished(file: SentFile): void {
    const { report } = this.#context;
    if (file.result === "refused") {
      const { reason, text } = file.refuse;
      const event = { event: "file", name: file.name, result: file.result, reason, text: printable(text) };
      report.failure(event, `${file.name}: refused: ${printable(text)}`);
      return;
    }
    const bytes = this.#current?.sizeBytes ?? 0;
    const seconds = (performance.now() - this.#startedMs) / 1000;
    report.note(
      { event: "file", name: file.name, result: file.result, bytes, seconds, sha256: file.sha256 },
      `${file.name}: sent, ${formatBytes(bytes)} in ${seconds.toFixed(1)} s (${formatRate(bytes / seconds)})`,
    );
  }
}

const EXAMPLES = `
Exits 0 when every file stands complete at the peer, its SHA-256 compared; 1 if the peer refused one.

Examples:
  $ msp send report.pdf 57D5...7045
  $ msp send --peer 192.168.1.7:4110 a.jpg b.jpg 57D5...7045:4200`;
