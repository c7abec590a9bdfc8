import type { NeighbourInfo } from "@meshstream/mdp-transport";
import type { Command } from "commander";
import type { Context } from "../shared/context.ts";
import { tellDaemonRoutes } from "../shared/daemon-routes.ts";
import type { Execute } from "../shared/execute.ts";
import { ExitCode } from "../shared/exit-codes.ts";
import { isTimeout } from "../shared/find-route.ts";
import { pause } from "../shared/pause.ts";
import type { NodeMesh } from "../shared/runtime.ts";
import { parseSeconds } from "../shared/seconds.ts";
import { table } from "../shared/table.ts";
import { withMesh } from "../shared/with-mesh.ts";

/** `msp peers`: the neighbours of the node, and how each direction fares. */
export function addPeers(program: Command, execute: Execute): void {
  program
    .command("peers")
    .description("list the nodes that this one hears directly, and what gets lost in either direction")
    .option("--wait <SECONDS>", "how long to listen first, if this command starts the node", "3")
    .addHelpText("after", EXAMPLES)
    .action((options: { readonly wait: string }, command: Command) =>
      execute(command, { stdoutCarriesData: false }, (context) => peers(context, options.wait)),
    );
}

async function peers(context: Context, waitText: string): Promise<number> {
  const waitMs = parseSeconds("--wait", waitText, 0);
  const { report, interruption } = context;
  return withMesh(context, async (mesh) => {
    if (mesh.role === "daemon") return tellDaemonRoutes(context, mesh, "neighbours");
    // A node that has just begun knows nobody yet; one that others hold has been listening all along.
    if (mesh.role === "holder") await pause(waitMs, interruption.signal);
    const neighbours = await mesh.neighbours();
    const times = await pingAll(context, mesh, neighbours);
    const [header, ...lines] = table(HEADERS, neighbours.flatMap(directions));
    if (neighbours.length > 0) report.hint(header!);
    for (const [index, { sid, ...facts }] of neighbours.entries()) {
      const rttMs = times.get(sid.hex);
      const echo = rttMs === undefined ? "no echo" : `echo in ${rttMs.toFixed(2)} ms`;
      const whom = `${sid.hex}  ${facts.address}  link ${facts.link}  ${echo}`;
      report.result(
        { event: "neighbour", sid: sid.hex, ...facts, rttMs },
        [whom, lines[2 * index], lines[2 * index + 1]].join("\n"),
      );
    }
    if (neighbours.length === 0) report.note({ event: "no-neighbours" }, "no node heard");
    return ExitCode.DONE;
  });
}

/** The round trips to those in use, all asked at once: by SID, absent where no echo came. */
async function pingAll(
  { interruption: { signal } }: Context,
  mesh: NodeMesh,
  neighbours: readonly NeighbourInfo[],
): Promise<ReadonlyMap<string, number>> {
  const times = new Map<string, number>();
  const hexes = new Set(neighbours.filter(({ reachable }) => reachable).map(({ sid }) => sid.hex));
  const ask = async (hex: string) => {
    try {
      times.set(hex, (await mesh.ping(hex, { timeoutMs: PATIENCE_MS, signal })).rttMs);
    } catch (error) {
      if (!isTimeout(error)) throw error;
    }
  };
  await Promise.all([...hexes].map(ask));
  return times;
}

/** Two rows of the table: from the neighbour to us, and back. */
function directions(row: NeighbourInfo): readonly (readonly string[])[] {
  const { reachable, heardAgoMs, hearsUsAgoMs, dropPercent, heardDropPercent } = row;
  const hears = hearsUsAgoMs === undefined ? "it does not hear us" : `it heard us ${ago(hearsUsAgoMs)}`;
  const resent = row.framesResent === undefined ? UNKNOWN : String(row.framesResent);
  return [
    ["  from it", `heard ${ago(heardAgoMs)}`, percent(heardDropPercent), count(row.packetsReceived), ""],
    [
      "  to it",
      reachable ? hears : `${hears}: not used`,
      percent(dropPercent),
      count(row.packetsSent),
      resent,
    ],
  ];
}

function ago(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms ago` : `${Math.round(ms / 1000)} s ago`;
}

function percent(value: number | undefined): string {
  return value === undefined ? UNKNOWN : `${value} %`;
}

function count(value: number | undefined): string {
  return value === undefined ? UNKNOWN : String(value);
}

const HEADERS = ["  WAY", "STATE", "<LOST OF 15", "<PACKETS", "<SENT AGAIN"];
const UNKNOWN = "?";
const PATIENCE_MS = 1000;

const EXAMPLES = `
Packets go to a node only while it says that it hears this one. "?" stands for what is not known: what is lost
is known after 16 packets.

Examples:
  $ msp peers
  $ msp peers --json --peer 192.168.1.7:4110`;
