import type { RouteInfo } from "@meshstream/mdp-transport";
import type { Command } from "commander";
import type { Context } from "../shared/context.ts";
import { tellDaemonRoutes } from "../shared/daemon-routes.ts";
import type { Execute } from "../shared/execute.ts";
import { ExitCode } from "../shared/exit-codes.ts";
import { pause } from "../shared/pause.ts";
import { parseSeconds } from "../shared/seconds.ts";
import { table } from "../shared/table.ts";
import { withMesh } from "../shared/with-mesh.ts";

/** `msp routes`: the nodes that this one reaches. */
export function addRoutes(program: Command, execute: Execute): void {
  program
    .command("routes")
    .description("list the nodes that this one reaches, and by which neighbour")
    .option("--wait <SECONDS>", "how long to listen first, if this command starts the node", "3")
    .addHelpText("after", EXAMPLES)
    .action((options: { readonly wait: string }, command: Command) =>
      execute(command, { stdoutCarriesData: false }, (context) => routes(context, options.wait)),
    );
}

async function routes(context: Context, waitText: string): Promise<number> {
  const waitMs = parseSeconds("--wait", waitText, 0);
  const { report, interruption } = context;
  return withMesh(context, async (mesh) => {
    if (mesh.role === "daemon") return tellDaemonRoutes(context, mesh, "all");
    // A node that has just begun knows nobody yet; one that others hold has been listening all along.
    if (mesh.role === "holder") await pause(waitMs, interruption.signal);
    const known = [...(await mesh.routes())].sort(
      (a, b) => a.hops - b.hops || (a.sid.hex < b.sid.hex ? -1 : 1),
    );
    const [header, ...lines] = table(
      ["SID", "<HOPS", "BY WAY OF", "<LINK", "<LOST", "<CONFIRMED"],
      known.map(cells),
    );
    if (known.length > 0) report.hint(header!);
    for (const [index, route] of known.entries()) report.result(eventOf(route), lines[index]!);
    if (known.length === 0) report.note({ event: "no-routes" }, "no node in reach");
    return ExitCode.DONE;
  });
}

function cells({ sid, hops, nextHop, viaLink, dropRate, heardAgoMs }: RouteInfo): readonly string[] {
  const lost = dropRate >= VERY_BAD ? "very many" : `${Math.round((100 * dropRate) / 15)} %`;
  const by = hops === 1 ? "itself" : `${nextHop.hex.slice(0, 16)}...`;
  return [sid.hex, String(hops), by, String(viaLink), lost, `${(heardAgoMs / 1000).toFixed(1)} s ago`];
}

function eventOf(route: RouteInfo): { readonly event: string } {
  const { sid, nextHop, lastHop, viaLink, ...facts } = route;
  return {
    event: "route",
    ...{ sid: sid.hex, nextHop: nextHop.hex, lastHop: lastHop.hex, link: viaLink, ...facts },
  };
}

/** What nodes announce of a link that hardly works. */
const VERY_BAD = 32;

const EXAMPLES = `
LOST adds up what gets lost on each link of the way, as the nodes there tell; up to 20 % of a link counts as none.

Examples:
  $ msp routes
  $ msp routes --json --peer 192.168.1.7:4110`;
