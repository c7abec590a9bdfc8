import type { Outcome } from "../matrix/execute.ts";
import type { Gate } from "../matrix/gates.ts";
import type { Request } from "../matrix/options.ts";
import { roundTripMs } from "../matrix/profiles.ts";
import { type Cell, run } from "../matrix/run.ts";
import { type Summary, summarise } from "../matrix/summary.ts";
import { markdownTable, readDocsFile, writeBlock, writeDocsFile } from "./blocks.ts";
import { draw } from "./draw.ts";
import { machine } from "./machine.ts";
import { latencyPicture, runPicture, sharePicture } from "./matrix-pictures.ts";

/** Write the tables and pictures of the matrix into docs/benchmarks.md and docs/benchmarks/. */
export async function updateMatrixDocs(request: Request, outcome: Outcome): Promise<void> {
  const { cells } = request.plan;
  const titles = new Map(cells.map(({ profile }) => [profile.name, profile.title]));
  const traced = cells.find(({ profile }) => profile.name === TRACED)!;
  await writeDocsFile(
    "share.svg",
    await draw(sharePicture(await shareRows(request, outcome)), "Share of the limit, by link"),
  );
  await writeDocsFile(
    "latency.svg",
    await draw(latencyPicture(latencyRows(request, outcome)), "Message latency, by link"),
  );
  await writeDocsFile("run.svg", await draw(await runSpec(traced, request.seeds[0]!), "One run over time"));
  await writeBlock("matrix", text(request, outcome, titles));
}

function text(request: Request, outcome: Outcome, titles: ReadonlyMap<string, string>): string {
  const { seeds } = request;
  const command = `npm run matrix -- --seeds ${seeds.length} --update-docs`;
  const missed = [
    ...outcome.summaries.flatMap(({ profile, missed, completed }) => [
      ...missed.map((goal) => `${profile}: ${goal}`),
      ...(completed ? [] : [`${profile}: not every seed completed`]),
    ]),
    ...outcome.latencies
      .filter(({ completed }) => !completed)
      .map(({ profile, work }) => `${profile}, messages ${work}: not every seed completed`),
    ...outcome.verdicts
      .filter(({ met }) => !met)
      .map(({ name, value, unit, goal }) => `${name}: ${round(value)} ${unit}, goal ${goal}`),
  ];
  const unmet = missed.length === 0 ? "Every goal is met." : `Not met: ${missed.join("; ")}.`;
  return `
Made by \`${command}\` in ${Math.round(outcome.seconds)} s, on ${machine()}. Everything here is simulated, and the same on every machine; ${seeds.length} seeds (${seeds[0]} to ${seeds.at(-1)}), medians. **${unmet}**

![Share of the limit, by link](benchmarks/share.svg)

### Transfers

${transferTable(outcome, titles)}

### Messages at a pace

${latencyTable(request, outcome, titles)}

![Message latency, by link](benchmarks/latency.svg)

### Deployed peers

${deployedTable(request, outcome)}

### Comparisons

${markdownTable(
  ["what", "figure", "", "goal", ""],
  outcome.verdicts.map(({ name, value, unit, goal, met }) => [name, round(value), unit, goal, verdict(met)]),
)}

### One run

${TRACED}, seed ${seeds[0]}: \`npm run matrix -- --profile ${TRACED} --seeds 1 --from ${seeds[0]}\` gives its figures.

![One run over time](benchmarks/run.svg)
`;
}

function transferTable({ summaries }: Outcome, titles: ReadonlyMap<string, string>): string {
  return markdownTable(
    [
      "link",
      "kb/s",
      "limit",
      "share",
      "worst seed",
      "extra packets",
      "queue ms",
      "whole s",
      "worst s",
      "goal",
      "",
    ],
    summaries.map(({ profile, median, worst, goal, met, completed }) => [
      `${profile} ${titles.get(profile)}`,
      median.goodputKbps.toFixed(0),
      ...(median.limitKbps === 0
        ? ["-", "-", "-"]
        : [median.limitKbps.toFixed(0), median.share.toFixed(3), worst.share.toFixed(3)]),
      `${(100 * median.overhead).toFixed(1)} %`,
      median.queueMs.toFixed(1),
      (median.elapsedMs / 1000).toFixed(2),
      (worst.elapsedMs / 1000).toFixed(2),
      `${goal ?? ""}${median.returnMs > 0 ? ` (${median.returnMs.toFixed(0)})` : ""}`,
      completed ? verdict(met === true) : "**not completed**",
    ]),
  );
}

function latencyTable(request: Request, outcome: Outcome, titles: ReadonlyMap<string, string>): string {
  return markdownTable(
    ["link", "p50 ms", "p99 ms", "worst seed's p99", "p99 without coding", "extra packets"],
    latencyPairs(request, outcome).map(({ withCoding, without, profile }) => [
      `${profile.name} ${titles.get(profile.name)}`,
      withCoding.median.p50Ms.toFixed(1),
      withCoding.median.p99Ms.toFixed(1),
      withCoding.worst.p99Ms.toFixed(1),
      without.p99Ms.toFixed(1),
      `${(100 * withCoding.median.overhead).toFixed(1)} %`,
    ]),
  );
}

/** Two deployed peers, ours towards one, on the same link. */
function deployedTable({ plan }: Request, { deployed, summaries }: Outcome): string {
  const kbps = (peer: string, name: string) => {
    const row = deployed.find((one) => one.peer === peer && one.profile === name);
    if (row === undefined) return undefined;
    return `${row.median.goodputKbps.toFixed(0)}${row.completed ? "" : " (not every seed completed)"}`;
  };
  const estimate = (name: string) =>
    plan.cells.find(({ profile }) => profile.name === name)?.profile.references?.deployedKbps;
  return markdownTable(
    [
      "link",
      "two deployed peers, kb/s",
      "estimated beforehand",
      "ours to a deployed one, kb/s",
      "two of ours, kb/s",
    ],
    summaries
      .filter(({ profile }) => kbps("deployed-both", profile) !== undefined)
      .map(({ profile, median }) => [
        profile,
        kbps("deployed-both", profile)!,
        estimate(profile)?.toString() ?? "",
        kbps("legacy", profile) ?? "",
        median.goodputKbps.toFixed(0),
      ]),
  );
}

async function shareRows({ plan }: Request, outcome: Outcome) {
  const links = JSON.parse((await readDocsFile("links.json")) ?? "{}") as Record<string, { udx?: number }>;
  return plan.cells.flatMap(({ profile }, i) => {
    if (profile.goal === undefined) return [];
    const deployed = outcome.deployed.find(
      (row) => row.peer === "deployed-both" && row.profile === profile.name,
    );
    return {
      name: `${profile.name} ${profile.title}`,
      ours: outcome.summaries[i]!.median.share,
      goal: profile.goal,
      cubic: profile.references?.cubic,
      udx: links[profile.name]?.udx ?? profile.references?.udx,
      deployed: deployed?.median.share,
    };
  });
}

function latencyRows(request: Request, outcome: Outcome) {
  return latencyPairs(request, outcome).map(({ profile, withCoding, without }) => ({
    name: `${profile.name} ${profile.title}`,
    oneWayMs: profile.link.delayMs ?? 0,
    withCoding: withCoding.median,
    without,
  }));
}

function latencyPairs({ plan }: Request, outcome: Outcome) {
  return plan.latencyCells.map((cell, i) => ({
    profile: cell.profile,
    withCoding: outcome.latencies[i]!,
    without: withoutCoding(cell, plan.gates, outcome),
  }));
}

/** The gate that compares the cell has the other one. */
function withoutCoding(cell: Cell, gates: readonly Gate[], { resultsOf }: Outcome): Summary["median"] {
  const off = gates.flatMap((gate) => (gate.cells[0] === cell ? gate.cells : [])).at(-1)!;
  return summarise(off, resultsOf(off), false).median;
}

async function runSpec(cell: Cell, seed: number) {
  const { profile } = cell;
  const result = await run({ ...cell, isTraced: true }, seed);
  const rateKbps = (profile.link.rateBitsPerSecond ?? 0) / 1000;
  return runPicture(result, `${profile.name} ${profile.title}: one transfer`, rateKbps, roundTripMs(profile));
}

function verdict(met: boolean): string {
  return met ? "met" : "**missed**";
}

function round(value: number): string {
  return value.toFixed(3);
}

/** A mesh: jitter, and losses in bursts. */
const TRACED = "P7";
