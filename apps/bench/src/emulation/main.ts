import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LinkConfig } from "@meshstream/netem";
import { Command, CommanderError } from "commander";
import { PROFILES } from "../matrix/profiles.ts";
import { type Comparison, compare, differs, textLine } from "./compare.ts";
import { Kernel } from "./kernel.ts";
import { Ns3 } from "./ns3.ts";
import { realTime, throughRelay } from "./real-time.ts";
import { simulated } from "./simulated.ts";
import { intervalMs, type Stream } from "./stream.ts";

async function main(args: readonly string[]): Promise<number> {
  const command = new Command("npm run bench -- emulation")
    .description(
      "One plain UDP stream through our emulator and through others: do they agree on rate, losses and delay?",
    )
    .option("--json", "one JSON object a line", false)
    .option("--update-docs", "write the table of docs/benchmarks.md", false)
    .addHelpText("after", HELP)
    .exitOverride();
  command.parse(args as string[], { from: "user" });
  const { json, updateDocs } = command.opts();
  const skipped: string[] = [];
  const comparisons = [...(await withNs3(skipped)), ...(await withKernel(skipped))];
  for (const one of comparisons) console.log(json ? JSON.stringify(one) : textLine(one));
  for (const why of skipped) console.error(`SKIPPED ${why}`);
  if (updateDocs) {
    const { updateEmulationDocs } = await import("../docs/emulation-docs.ts");
    await updateEmulationDocs(comparisons, skipped);
  }
  if (comparisons.length === 0) return 3;
  return comparisons.some(differs) ? 1 : 0;
}

/** In simulated time: long streams, exact figures. */
async function withNs3(skipped: string[]): Promise<Comparison[]> {
  const folder = await mkdtemp(join(tmpdir(), "msp-emulation-"));
  try {
    const ns3 = Ns3.build(folder);
    if (typeof ns3 === "string") {
      skipped.push(`ns-3: ${ns3}`);
      return [];
    }
    return streams(NAMES, () => SIMULATED_PACKETS, withoutJitter).map(([profile, stream]) =>
      compare(profile, stream, "ns-3", simulated(stream), ns3.run(stream)),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** In real time: the relay against the Linux kernel, in turn. */
async function withKernel(skipped: string[]): Promise<Comparison[]> {
  const kernel = Kernel.setUp();
  if (typeof kernel === "string") {
    skipped.push(`tc: ${kernel}`);
    return [];
  }
  try {
    if (!kernel.hasNetem) {
      skipped.push(
        "delay and losses of tc: this kernel has no netem (sch_netem); only rate and queue are compared with it",
      );
    }
    const comparisons: Comparison[] = [];
    const change = kernel.hasNetem ? (link: Partial<LinkConfig>) => link : rateAndQueue;
    // Without their losses P2 and P3 are one and the same.
    const names = kernel.hasNetem ? NAMES : NAMES.filter((name) => name !== "P3");
    for (const [profile, stream] of streams(
      names,
      (interval) => Math.round(REAL_TIME_MS / interval),
      change,
    )) {
      comparisons.push(await inTurn(kernel, profile, stream));
    }
    return comparisons;
  } finally {
    kernel.tearDown();
  }
}

/** The stream through the relay and through the kernel; again, a few times, if they differ: a busy machine disturbs either. */
async function inTurn(kernel: Kernel, profile: string, stream: Stream): Promise<Comparison> {
  const emulator = kernel.hasNetem ? "tc netem" : "tc tbf";
  for (let attempt = 1; ; attempt++) {
    const ours = await throughRelay(stream);
    const comparison = compare(
      profile,
      stream,
      emulator,
      ours,
      await realTime(stream, kernel.configure(stream)),
    );
    if (!differs(comparison) || attempt === ATTEMPTS) return comparison;
  }
}

/** Each profile at a load that the link carries, and at one that fills its queue. */
function streams(
  names: readonly string[],
  packets: (everyMs: number) => number,
  change: (link: Partial<LinkConfig>) => Partial<LinkConfig>,
): [string, Stream][] {
  return names.flatMap((name) => {
    const { link } = PROFILES.find((profile) => profile.name === name)!;
    return LOADS.map((load): [string, Stream] => {
      const stream = { link: change(link), load, packets: 0 };
      return [name, { ...stream, packets: packets(intervalMs(stream)) }];
    });
  });
}

function withoutJitter({ jitterMs, ...link }: Partial<LinkConfig>): Partial<LinkConfig> {
  return link;
}

function rateAndQueue({ rateBitsPerSecond, queuePackets }: Partial<LinkConfig>): Partial<LinkConfig> {
  return { rateBitsPerSecond: rateBitsPerSecond!, queuePackets: queuePackets! };
}

const NAMES = ["P2", "P3", "P7"];
const LOADS = [0.8, 1.25];
const SIMULATED_PACKETS = 100_000;
const REAL_TIME_MS = 5000;
const ATTEMPTS = 3;

const HELP = `
Packets of 1 100 bytes at 0.8 and at 1.25 times the rate of P2, P3 and P7. In simulated time against ns-3 (needs g++ and the
headers of ns-3; its link has no jitter). In real time, our relay against tc of the Linux kernel between network namespaces
(needs root, ip and tc; delay, jitter and losses need the kernel's netem). A pair that differs
is tried three times, for a busy machine disturbs it. What cannot be compared here is SKIPPED, and said.

Exit code: 0 they agree; 1 a figure differs; 2 wrong usage; 3 nothing could be compared.`;

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  console.error(error instanceof Error ? error.message : error);
  return 1;
});
