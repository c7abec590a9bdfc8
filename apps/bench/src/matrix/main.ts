import { Command, Option } from "commander";
import { percentile } from "./measure.ts";
import { PROFILES } from "./profiles.ts";
import { type Cell, type PeerKind, type Result, run } from "./run.ts";

const program = new Command("matrix")
  .addOption(
    new Option("--profile <names>", "only these, such as P2,P3").argParser((text) => text.split(",")),
  )
  .addOption(new Option("--peer <kind>").choices(["ext", "legacy", "deployed-both"]).default("ext"))
  .addOption(new Option("--sender <name>", "the congestion controller of ours").default(undefined))
  .addOption(new Option("--coding <mode>").choices(["off", "auto", "on"]).default("auto"))
  .addOption(new Option("--engine <name>").choices(["wasm", "ts"]).default("wasm"))
  .addOption(new Option("--seeds <n>").argParser(Number).default(3))
  .addOption(new Option("--from <seed>").argParser(Number).default(1))
  .addOption(new Option("--flows <n>").argParser(Number).default(1))
  .addOption(new Option("--cross <sender>", "a further flow with this sender"))
  .option("--json", "one line for each run");
program.parse();
const options = program.opts();

for (const profile of PROFILES) {
  if (options.profile !== undefined && !options.profile.includes(profile.name)) continue;
  const config: Record<string, unknown> = {};
  if (options.sender !== undefined) config["sender"] = options.sender;
  const cell: Cell = {
    profile,
    peer: options.peer as PeerKind,
    engine: options.engine,
    config,
    coding: options.coding,
    flows: options.flows,
    ...(options.cross === undefined ? {} : { cross: options.cross }),
  };
  const results: Result[] = [];
  const startMs = performance.now();
  for (let seed = options.from; seed < options.from + options.seeds; seed++)
    results.push(await run(cell, seed));
  const cpuMs = performance.now() - startMs;
  const shares = results.map(({ share }) => share);
  const median = percentile(shares, 0.5);
  console.log(
    profile.name.padEnd(4),
    `median ${median.toFixed(3)} worst ${Math.min(...shares).toFixed(3)} goal ${profile.goal}`,
    `p50 ${results[0]!.p50Ms.toFixed(1)} p99 ${results[0]!.p99Ms.toFixed(1)} overhead ${results[0]!.overhead.toFixed(3)} queue ${results[0]!.queueMs.toFixed(2)}`,
    results.every(({ completed }) => completed) ? "" : "NOT COMPLETED",
    results[0]!.flowsKbps.map((kbps) => kbps.toFixed(0)).join(" "),
    `${(cpuMs / results.length).toFixed(0)} ms each, ${(results[0]!.simulatedMs / 1000).toFixed(1)} s simulated`,
  );
}
