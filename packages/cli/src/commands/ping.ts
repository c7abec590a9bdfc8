import { MspError, Sid } from "@meshstream/msp";
import type { Command } from "commander";
import { parseCount } from "../shared/arguments.ts";
import type { Context } from "../shared/context.ts";
import type { Execute } from "../shared/execute.ts";
import { ExitCode } from "../shared/exit-codes.ts";
import { pause } from "../shared/pause.ts";
import type { NodeMesh } from "../shared/runtime.ts";
import { withMesh } from "../shared/with-mesh.ts";

/** `msp ping SID`: echo requests to MDP port 7. */
export function addPing(program: Command, execute: Execute): void {
  program
    .command("ping")
    .description("ask a node for echoes and tell the times")
    .argument("<SID>", "the node's identity, 64 hex digits")
    .option("--count <N>", "how many echoes to ask for", "4")
    .addHelpText("after", EXAMPLES)
    .action((sid: string, options: { readonly count: string }, command: Command) =>
      execute(command, { stdoutCarriesData: false }, (context) => ping(context, sid, options.count)),
    );
}

async function ping(context: Context, sidText: string, countText: string): Promise<number> {
  const sid = Sid.fromHex(sidText);
  const count = parseCount("--count", countText, 1);
  return withMesh(context, async (mesh) => {
    await findNeighbour(context, mesh, sid);
    const times: number[] = [];
    for (let sequence = 1; sequence <= count; sequence++) {
      if (sequence > 1) await pause(PING_INTERVAL_MS, context.interruption.signal);
      const rttMs = await pingOnce(context, mesh, sid, sequence);
      if (rttMs !== undefined) times.push(rttMs);
    }
    summarize(context, sid, count, times);
    return times.length > 0 ? ExitCode.DONE : ExitCode.CONNECTION;
  });
}

/** A node that this command has just started must first be heard, or its first echo request is lost for want of a way. */
async function findNeighbour({ interruption }: Context, mesh: NodeMesh, sid: Sid): Promise<void> {
  if (mesh.role !== "holder" || mesh.identities.some(({ hex }) => hex === sid.hex)) return;
  const giveUpMs = performance.now() + FIND_PATIENCE_MS;
  while (performance.now() < giveUpMs) {
    const neighbours = await mesh.neighbours();
    if (neighbours.some(({ reachable }) => reachable)) return;
    await pause(FIND_INTERVAL_MS, interruption.signal);
  }
}

async function pingOnce(
  context: Context,
  mesh: NodeMesh,
  sid: Sid,
  sequence: number,
): Promise<number | undefined> {
  const { report, interruption } = context;
  try {
    const { rttMs } = await mesh.ping(sid, { timeoutMs: PING_PATIENCE_MS, signal: interruption.signal });
    report.result(
      { event: "ping", sid: sid.hex, sequence, rttMs },
      `${sid.hex}: sequence ${sequence}, ${rttMs.toFixed(2)} ms`,
    );
    return rttMs;
  } catch (error) {
    if (!(error instanceof MspError && error.code === "timeout")) throw error;
    report.result({ event: "ping", sid: sid.hex, sequence }, `${sid.hex}: sequence ${sequence}, no answer`);
    return undefined;
  }
}

function summarize({ report }: Context, sid: Sid, count: number, times: readonly number[]): void {
  const min = Math.min(...times);
  const max = Math.max(...times);
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
  const figures = times.length === 0 ? {} : { minMs: min, meanMs: mean, maxMs: max };
  const words =
    times.length === 0
      ? ""
      : `, ${min.toFixed(2)} / ${mean.toFixed(2)} / ${max.toFixed(2)} ms (least, mean, most)`;
  report.note(
    { event: "ping-summary", sid: sid.hex, asked: count, answered: times.length, ...figures },
    `${times.length} of ${count} answered${words}`,
  );
}

const PING_INTERVAL_MS = 1000;
const PING_PATIENCE_MS = 2000;
const FIND_PATIENCE_MS = 3000;
const FIND_INTERVAL_MS = 50;

const EXAMPLES = `
Exits 1 if there was no answer at all.

Examples:
  $ msp ping 57D5...7045
  $ msp ping --count 1 --peer 192.168.1.7:4110 57D5...7045`;
