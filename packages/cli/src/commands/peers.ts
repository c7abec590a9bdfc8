import type { Command } from "commander";
import { parseCount } from "../shared/arguments.ts";
import type { Context } from "../shared/context.ts";
import type { Execute } from "../shared/execute.ts";
import { ExitCode } from "../shared/exit-codes.ts";
import { pause } from "../shared/pause.ts";
import { withMesh } from "../shared/with-mesh.ts";

/** `msp peers`: the neighbours of the node. */
export function addPeers(program: Command, execute: Execute): void {
  program
    .command("peers")
    .description("list the nodes that this one hears directly")
    .option("--wait <SECONDS>", "how long to listen first, if this command starts the node", "3")
    .addHelpText("after", EXAMPLES)
    .action((options: { readonly wait: string }, command: Command) =>
      execute(command, { stdoutCarriesData: false }, (context) => peers(context, options.wait)),
    );
}

async function peers(context: Context, waitText: string): Promise<number> {
  const waitMs = parseCount("--wait", waitText, 0) * 1000;
  const { report, interruption } = context;
  return withMesh(context, async (mesh) => {
    // A node that has just begun knows nobody yet; one that others hold has been listening all along.
    if (mesh.role === "holder") await pause(waitMs, interruption.signal);
    const neighbours = await mesh.neighbours();
    for (const { sid, ...facts } of neighbours) {
      const { address, reachable, heardAgoMs } = facts;
      const how = reachable ? "hears us" : "does not hear us";
      report.result(
        { event: "neighbour", sid: sid.hex, ...facts },
        `${sid.hex}  ${address}  ${how}, heard ${Math.round(heardAgoMs)} ms ago`,
      );
    }
    if (neighbours.length === 0) report.note({ event: "no-neighbours" }, "no node heard");
    return ExitCode.DONE;
  });
}

const EXAMPLES = `
Examples:
  $ msp peers
  $ msp peers --json --peer 192.168.1.7:4110`;
