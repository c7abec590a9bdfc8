import type { FoundService } from "@meshstream/mdp-transport";
import { Sid } from "@meshstream/msp";
import type { Command } from "commander";
import type { Context } from "../shared/context.ts";
import type { Execute } from "../shared/execute.ts";
import { ExitCode } from "../shared/exit-codes.ts";
import { describeRoute, findRoute } from "../shared/find-route.ts";
import { printable } from "../shared/format.ts";
import { pause } from "../shared/pause.ts";
import { parseSeconds } from "../shared/seconds.ts";
import { table } from "../shared/table.ts";
import { withMesh } from "../shared/with-mesh.ts";

/** `msp services [SID]`: the services that nodes tell of. */
export function addServices(program: Command, execute: Execute): void {
  program
    .command("services")
    .description("ask a node, or all in reach, for their services: MDP ports that have a name")
    .argument("[SID]", "the node's identity, 64 hex digits")
    .option("--wait <SECONDS>", "how long to listen first, if this command starts the node", "3")
    .addHelpText("after", EXAMPLES)
    .action((sid: string | undefined, options: { readonly wait: string }, command: Command) =>
      execute(command, { stdoutCarriesData: false }, (context) => services(context, sid, options.wait)),
    );
}

async function services(context: Context, sidText: string | undefined, waitText: string): Promise<number> {
  const sid = sidText === undefined ? undefined : Sid.fromHex(sidText);
  const waitMs = parseSeconds("--wait", waitText, 0);
  const { report, interruption } = context;
  return withMesh(context, async (mesh) => {
    const { signal } = interruption;
    if (sid !== undefined) await findRoute(context, mesh, sid);
    else if (mesh.role === "holder") await pause(waitMs, signal);
    const asked = sid === undefined ? undefined : [sid];
    const found = [...(await mesh.findServices(asked, { timeoutMs: PATIENCE_MS, signal }))].sort(compare);
    const rows = found.map(({ sid, port, name }) => [sid.hex, String(port), printable(name)]);
    const [header, ...lines] = table(["SID", "<PORT", "NAME"], rows);
    if (found.length > 0) report.hint(header!);
    for (const [index, { sid, name, port }] of found.entries()) {
      report.result({ event: "service", sid: sid.hex, name, port }, lines[index]!);
    }
    if (found.length === 0) {
      const isOther = sid !== undefined && mesh.identities.every(({ hex }) => hex !== sid.hex);
      const why = isOther ? `: ${await describeRoute(mesh, sid)}` : "";
      report.note({ event: "no-services" }, `no service told of${why}`);
    }
    return ExitCode.DONE;
  });
}

function compare(a: FoundService, b: FoundService): number {
  return a.sid.hex === b.sid.hex ? a.port - b.port : a.sid.hex < b.sid.hex ? -1 : 1;
}

const PATIENCE_MS = 1500;

const EXAMPLES = `
Without a SID, this node and the 255 nearest that it reaches are asked. One packet each: what is lost is missing.

Examples:
  $ msp services
  $ msp services 57D5...7045`;
