import { type Comparison, differs } from "../emulation/compare.ts";
import { markdownTable, writeBlock } from "./blocks.ts";
import { machine } from "./machine.ts";

/** Write the comparison of emulators into docs/benchmarks.md. */
export async function updateEmulationDocs(
  comparisons: readonly Comparison[],
  skipped: readonly string[],
): Promise<void> {
  const rows = comparisons.flatMap((comparison) => {
    const { profile, load, emulator, ours, theirs } = comparison;
    return [
      [
        `${profile}, ${load} of its rate`,
        emulator === "ns-3" ? "ours, simulated" : "ours, the relay",
        ...cells(ours),
        "",
      ],
      ["", emulator, ...cells(theirs), differs(comparison) ? "**differs**" : "agrees"],
    ];
  });
  const left = skipped.length === 0 ? "" : `\n\nNot compared there: ${skipped.join("; ")}.`;
  await writeBlock(
    "emulation",
    `
Made by \`npm run bench -- emulation --update-docs\`, on ${machine()}.

${markdownTable(["stream", "emulator", "arriving, of the rate", "missing", "delay p50 ms", "p99 ms", ""], rows)}${left}
`,
  );
}

function cells({ rate, missing, p50Ms, p99Ms }: Comparison["ours"]): string[] {
  return [rate.toFixed(3), missing.toFixed(3), p50Ms.toFixed(1), p99Ms.toFixed(1)];
}
