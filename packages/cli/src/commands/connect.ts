import { Sid } from "@meshstream/msp";
import type { Command } from "commander";
import { parsePortText } from "../shared/arguments.ts";
import { carry } from "../shared/carry.ts";
import { openConnection } from "../shared/connection.ts";
import type { Context } from "../shared/context.ts";
import type { Execute } from "../shared/execute.ts";
import { ExitCode } from "../shared/exit-codes.ts";
import { withMesh } from "../shared/with-mesh.ts";

/** `msp connect SID PORT`: standard input to the peer, the peer to standard output. */
export function addConnect(program: Command, execute: Execute): void {
  program
    .command("connect")
    .description("connect to a peer: standard input goes to it, what it sends to standard output")
    .argument("<SID>", "the peer's identity, 64 hex digits")
    .argument("<PORT>", "the MDP port that it listens on, 1 to 4294967295")
    .addHelpText("after", EXAMPLES)
    .action((sid: string, port: string, _, command: Command) =>
      execute(command, { stdoutCarriesData: true }, (context) => connect(context, sid, port)),
    );
}

async function connect(context: Context, sidText: string, portText: string): Promise<number> {
  const remote = { sid: Sid.fromHex(sidText), port: parsePortText(portText) };
  return withMesh(context, async (mesh) => {
    const connection = await openConnection(context, mesh, remote, context.stdin.isTerminal);
    await connection.run((socket) => carry(socket, context.stdin, context.stdout));
    return ExitCode.DONE;
  });
}

const EXAMPLES = `
The end of the input ends this side's direction; what the peer still sends is written until its own end.
On a terminal the peer's end ends ours, too; there it is said when the connection begins and ends.
Nothing is acknowledged to the peer before it is written out. Exits 1 if nobody answers within 10 s.

Examples:
  $ msp connect 57D5...7045 512 <backup.tar
  $ echo hello | msp connect --peer 192.168.1.7:4110 57D5...7045 512`;
