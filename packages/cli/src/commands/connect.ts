import { Sid } from "@meshstream/msp";
import type { Command } from "commander";
import { FORWARD_HELP, type ForwardOptions, parseForward } from "../forward/arguments.ts";
import { forwardOutgoing } from "../forward/outgoing.ts";
import { parsePortText } from "../shared/arguments.ts";
import { carry } from "../shared/carry.ts";
import { openConnection } from "../shared/connection.ts";
import type { Context } from "../shared/context.ts";
import type { Execute } from "../shared/execute.ts";
import { ExitCode, UsageError } from "../shared/exit-codes.ts";
import { findPort } from "../shared/find-port.ts";
import { withMesh } from "../shared/with-mesh.ts";

interface ConnectOptions extends ForwardOptions {
  readonly once?: boolean;
  readonly service?: string;
}

/** `msp connect SID PORT`: standard input to the peer, the peer to standard output. */
export function addConnect(program: Command, execute: Execute): void {
  program
    .command("connect")
    .description("connect to a peer: standard input goes to it, what it sends to standard output")
    .argument("<SID>", "the peer's identity, 64 hex digits")
    .argument("[PORT]", "the MDP port that it listens on, 1 to 4294967295; not with --service")
    .option("--service <NAME>", "ask the peer for the port of the service that it has by this name")
    .option(
      "--forward <[HOST:]PORT>",
      "listen on that TCP port (HOST: 127.0.0.1) and connect to the peer for each TCP client, many at once",
    )
    .option("--max-connections <N>", FORWARD_HELP.maxConnections)
    .option(
      "--once",
      "with --forward: end with the first connection, and exit 1 if it failed; else it is always so",
    )
    .addHelpText("after", EXAMPLES)
    .action((sid: string, port: string | undefined, options: ConnectOptions, command: Command) =>
      execute(command, { stdoutCarriesData: true }, (context) => connect(context, sid, port, options)),
    );
}

async function connect(
  context: Context,
  sidText: string,
  portText: string | undefined,
  { service, once = false, ...options }: ConnectOptions,
): Promise<number> {
  const sid = Sid.fromHex(sidText);
  const given = portText === undefined ? undefined : parsePortText(portText);
  if (given === undefined && service === undefined) {
    throw new UsageError("missing required argument 'PORT', or --service NAME");
  }
  if (given !== undefined && service !== undefined) {
    throw new UsageError("PORT and --service NAME are two ways to say the same: give one");
  }
  const forward = parseForward(options, 0);
  return withMesh(context, async (mesh) => {
    const remote = { sid, port: given ?? (await findPort(context, mesh, sid, service!)) };
    if (forward !== undefined) {
      const { address: local, limit } = forward;
      return await forwardOutgoing(context, mesh, remote, { local, once, limit });
    }
    const connection = await openConnection(context, mesh, remote, context.stdin.isTerminal);
    await connection.run((socket) => carry(socket, context.stdin, context.stdout));
    return ExitCode.DONE;
  });
}

const EXAMPLES = `
The end of the input ends this side's direction; what the peer still sends is written until its own end.
On a terminal the peer's end ends ours, too; there it is said when the connection begins and ends.
Nothing is acknowledged to the peer before it is written out. Exits 1 if nobody answers within 10 s, or if the peer stops
the connection, as one does that is busy or does not let this SID in.

With --forward it runs until it is interrupted, and standard input and output are not used. Each TCP client has a
connection with the peer of its own: the end of each direction is carried across, and a sudden end or a refusal as a
reset. Programs on this machine can then use the peer's port as if it were TCP; HOST lets other machines in, too.

Examples:
  $ msp connect 57D5...7045 512 <backup.tar
  $ echo hello | msp connect --peer 192.168.1.7:4110 57D5...7045 512
  $ msp connect --forward 8022 57D5...7045 512
  $ msp connect --forward 8080 --service printer 57D5...7045`;
