import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { addConnect } from "./commands/connect.ts";
import { addId } from "./commands/id.ts";
import { addListen } from "./commands/listen.ts";
import { addPeers } from "./commands/peers.ts";
import { addPing } from "./commands/ping.ts";
import { addReceive } from "./commands/receive.ts";
import { addRoutes } from "./commands/routes.ts";
import { addSend } from "./commands/send.ts";
import { addServices } from "./commands/services.ts";
import { addTrace } from "./commands/trace.ts";
import { collect } from "./shared/arguments.ts";
import { type Execute, execute } from "./shared/execute.ts";
import { ExitCode, exitCodeOf } from "./shared/exit-codes.ts";
import { openStandardOutput } from "./shared/standard-streams.ts";

/**
 * Run the command `msp` with the words after its name, on this process's standard streams and signals. Resolves to the exit code.
 *
 * @example process.exitCode = await run(["id", "show"]);
 */
export async function run(words: readonly string[]): Promise<number> {
  // Nobody is left to be told if standard error fails.
  process.stderr.on("error", () => undefined);
  let exitCode: number = ExitCode.DONE;
  let help = "";
  const program = buildProgram(
    async (command, mode, body) => {
      exitCode = await execute(command, mode, body);
    },
    (text) => {
      help += text;
    },
  );
  try {
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    exitCode = await endEarly(error, help);
  }
  return exitCode;
}

/** The exit code for what was thrown before any command could report: a wrong command line, or commander's way to end after --help. */
async function endEarly(error: unknown, help: string): Promise<number> {
  if (error instanceof CommanderError && error.exitCode === 0) {
    try {
      await openStandardOutput().write(help);
      return ExitCode.DONE;
    } catch (failure) {
      return endEarly(failure, "");
    }
  }
  // Without a command, commander has shown the help text on standard error.
  const words =
    error instanceof CommanderError && error.code === "commander.help" ? "" : `msp: ${messageOf(error)}\n`;
  await new Promise((resolve) => process.stderr.write(words, resolve));
  return exitCodeOf(error);
}

function buildProgram(execute: Execute, writeHelp: (text: string) => void): Command {
  const program = new Command("msp")
    .description("Reliable, encrypted message streams over mesh networks: Serval's Mesh Stream Protocol")
    .version(version())
    .option("--home <DIR>", "folder of the node's identity (default: MSP_HOME, else ~/.meshstream)")
    .option(
      "--bind <ADDR:PORT>",
      "UDP address of the node, if this command holds the home (default: 0.0.0.0:4110)",
    )
    .option(
      "--peer <ADDR:PORT>",
      "UDP address of a neighbour (may be given several times); told to the program that holds the home",
      collect,
    )
    .option("--no-broadcast", "do not look for neighbours by broadcast, if this command holds the home")
    .option(
      "--transport <NAME>",
      "overlay: a node of our own; servald, servald:PORT or servald:/PATH: a Serval daemon of this machine (default: overlay)",
    )
    .option("--engine <NAME>", "wasm, ts or auto (default: auto)")
    .option(
      "--json",
      "events as lines of JSON, described in packages/cli/README.md: on standard error where standard output carries data",
    )
    .option("--quiet", "say only what went wrong")
    .option("-v, --verbose", "say more")
    .configureHelp({
      showGlobalOptions: true,
      subcommandTerm: (command) => `${command.name()} ${command.usage()}`,
    })
    .configureOutput({ writeOut: writeHelp, outputError: () => undefined })
    .exitOverride()
    .addHelpText("after", EXAMPLES);
  for (const add of [
    addId,
    addListen,
    addConnect,
    addSend,
    addReceive,
    addPing,
    addTrace,
    addPeers,
    addRoutes,
    addServices,
  ])
    add(program, execute);
  return program;
}

/** In one line, and without commander's own "error: ". */
function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^error: /, "").replace(/\s*\n\s*/g, " ");
}

function version(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}

const EXAMPLES = `
One home is one node: the first command that opens a home holds it, later ones with the same home attach to it.
--bind and --no-broadcast are the holder's, and ignored by those that attach; a --peer is added to the holder's.
With --transport servald a Serval daemon of this machine is the node, over UDP (its option mdp.enable_inet) on the first
of the ports 4210 to 4260 that answers, or on PORT; /PATH is its folder or socket. It has its own identities and network.

Exit codes:
  0  done
  1  the connection failed, was stopped or timed out, a file was refused, or nothing answered ping or trace
  2  the command line is wrong
  3  the transport cannot start (the port, the home's socket, no daemon)
  4  the transport was lost on the way
  5  local input or output failed
  128 + n  ended by signal n

Examples:
  $ msp id show
  $ msp listen --once 512 >backup.tar
  $ msp connect 57D5...7045 512 <backup.tar`;
