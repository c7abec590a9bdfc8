import type { Command } from "commander";
import { parseTarget } from "../shared/arguments.ts";
import { openConnection } from "../shared/connection.ts";
import type { Context } from "../shared/context.ts";
import type { Execute } from "../shared/execute.ts";
import { ExitCode, UsageError } from "../shared/exit-codes.ts";
import { SendReport } from "../shared/send-report.ts";
import { withMesh } from "../shared/with-mesh.ts";
import { describeLocalFile } from "../transfer/local-file.ts";
import { type FileSource, sendFiles } from "../transfer/sender.ts";

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

const EXAMPLES = `
Exits 0 when every file stands complete at the peer, its SHA-256 compared; 1 if the peer refused one.

Examples:
  $ msp send report.pdf 57D5...7045
  $ msp send --peer 192.168.1.7:4110 a.jpg b.jpg 57D5...7045:4200`;
