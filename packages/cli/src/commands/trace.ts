import type { TraceResult } from "@meshstream/mdp-transport";
import { Sid } from "@meshstream/msp";
import type { Command } from "commander";
import { parseCount } from "../shared/arguments.ts";
import type { Context } from "../shared/context.ts";
import type { Execute } from "../shared/execute.ts";
import { ExitCode } from "../shared/exit-codes.ts";
import { describeRoute, findRoute, isTimeout } from "../shared/find-route.ts";
import type { NodeMesh } from "../shared/runtime.ts";
import { table } from "../shared/table.ts";
import { withMesh } from "../shared/with-mesh.ts";

/** `msp trace SID`: the nodes on the way there and back. */
export function addTrace(program: Command, execute: Execute): void {
  program
    .command("trace")
    .description("name the nodes on the way to a node and back, and the time to each")
    .argument("<SID>", "the node's identity, 64 hex digits")
    .option("--tries <N>", "how often to ask before giving up, 1 s each", "3")
    .addHelpText("after", EXAMPLES)
    .action((sid: string, options: { readonly tries: string }, command: Command) =>
      execute(command, { stdoutCarriesData: false }, (context) => trace(context, sid, options.tries)),
    );
}

async function trace(context: Context, sidText: string, triesText: string): Promise<number> {
  const sid = Sid.fromHex(sidText);
  const tries = parseCount("--tries", triesText, 1);
  const { report } = context;
  return withMesh(context, async (mesh) => {
    await findRoute(context, mesh, sid);
    const traced = await traceAgain(context, mesh, sid, tries);
    if (traced === undefined) {
      const words = `no answer to ${tries} traces, so some node on the way is deaf, or drops them`;
      report.failure({ event: "no-answer", sid: sid.hex }, `${words}: ${await describeRoute(mesh, sid)}`);
      return ExitCode.CONNECTION;
    }
    await tellHops(context, mesh, traced);
    return tellEnd(context, sid, traced);
  });
}

/** Undefined if no try brought an answer. */
async function traceAgain(
  { interruption: { signal } }: Context,
  mesh: NodeMesh,
  sid: Sid,
  tries: number,
): Promise<TraceResult | undefined> {
  for (let left = tries; left > 0; left--) {
    try {
      return await mesh.trace(sid, { timeoutMs: TRY_MS, signal });
    } catch (error) {
      if (!isTimeout(error)) throw error;
    }
  }
  return undefined;
}

/** A trace has no times in it: each node is pinged, all at once. */
async function tellHops(
  { report, interruption }: Context,
  mesh: NodeMesh,
  traced: TraceResult,
): Promise<void> {
  const { signal } = interruption;
  const times = new Map<string, number>();
  const hexes = new Set([...traced.out, ...traced.back].map(({ hex }) => hex));
  await Promise.all(
    [...hexes].map(async (hex) => {
      try {
        times.set(hex, (await mesh.ping(hex, { timeoutMs: TRY_MS, signal })).rttMs);
      } catch (error) {
        if (!isTimeout(error)) throw error;
      }
    }),
  );
  const hops = [
    ...traced.out.map(({ hex }) => ({ direction: "out", sid: hex })),
    ...traced.back.map(({ hex }) => ({ direction: "back", sid: hex })),
  ].map((hop, index) => ({ ...hop, index, rttMs: times.get(hop.sid) }));
  const rows = hops.map(({ direction, index, sid, rttMs }) => {
    return [direction, String(index), sid, rttMs === undefined ? "no answer" : `${rttMs.toFixed(2)} ms`];
  });
  const [header, ...lines] = table(["WAY", "<HOP", "SID", "<PING"], rows);
  report.hint(header!);
  for (const hop of hops) report.result({ event: "trace-hop", ...hop }, lines[hop.index]!);
}

function tellEnd({ report }: Context, sid: Sid, { reached, out, back, rttMs }: TraceResult): number {
  const hops = out.length - 1;
  const event = { event: "trace", sid: sid.hex, reached, hops, hopsBack: back.length, rttMs };
  if (reached) {
    const both = `${hops} ${hops === 1 ? "hop" : "hops"} there, ${back.length} back`;
    report.note(event, `reached: ${both}, ${rttMs.toFixed(2)} ms in all`);
    return ExitCode.DONE;
  }
  const last = hops === 0 ? "this node" : out.at(-1)!.hex;
  report.failure(event, `stopped: ${last} knows no way to ${sid.hex}`);
  return ExitCode.CONNECTION;
}

const TRY_MS = 1000;

const EXAMPLES = `
Exits 1 if the trace did not get there. A node that the trace passed but that answers no ping is marked so.

Examples:
  $ msp trace 57D5...7045
  $ msp trace --json --peer 192.168.1.7:4110 57D5...7045`;
