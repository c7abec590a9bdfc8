import type { TopLevelSpec } from "vega-lite";
import { type Row, TOLERANCE } from "../links/row.ts";
import { markdownTable, writeBlock, writeDocsFile } from "./blocks.ts";
import { COLOURS, draw } from "./draw.ts";
import { machine } from "./machine.ts";

/** Write the table and the picture of the comparison with udx-native into docs/benchmarks.md and docs/benchmarks/. */
export async function updateLinksDocs(rows: readonly Row[], pairs: number): Promise<void> {
  const names = [...new Set(rows.map(({ profile }) => profile.name))];
  const of = (name: string, subject: string) =>
    rows.find((row) => row.profile.name === name && row.subject === subject)!;
  const shares = names.map(
    (name) => [name, { ours: of(name, "ours").share, udx: of(name, "udx").share }] as const,
  );
  await writeDocsFile("links.json", `${JSON.stringify(Object.fromEntries(shares), null, 2)}\n`);
  await writeDocsFile("links.svg", await draw(picture(rows), "Ours and udx-native through one relay"));
  const table = markdownTable(
    ["link", "ours", "least to most", "udx-native", "least to most", "difference", ""],
    names.map((name) => {
      const [ours, udx] = [of(name, "ours"), of(name, "udx")];
      const difference = ours.share - udx.share;
      const verdict = !ours.completed ? "**not completed**" : difference >= -TOLERANCE ? "met" : "**missed**";
      return [
        `${name} ${ours.profile.title}`,
        ours.share.toFixed(3),
        span(ours),
        udx.completed ? udx.share.toFixed(3) : `${udx.share.toFixed(3)} (not completed)`,
        span(udx),
        difference.toFixed(3),
        verdict,
      ];
    }),
  );
  await writeBlock(
    "links",
    `
Made by \`npm run bench -- links --pairs ${pairs} --update-docs\` in real time, on ${machine()}. ${pairs === 1 ? "One transfer" : `${pairs} transfers`} of each.

![Ours and udx-native through one relay](benchmarks/links.svg)

${table}
`,
  );
}

function span({ least, most }: Row): string {
  return `${least.toFixed(3)} to ${most.toFixed(3)}`;
}

function picture(rows: readonly Row[]): TopLevelSpec {
  const domain = ["ours, sealed", "udx-native, plain"];
  const values = rows.map(({ profile, subject, share }) => ({
    name: `${profile.name} ${profile.title}`,
    who: domain[subject === "ours" ? 0 : 1],
    share,
  }));
  const names = [...new Set(values.map(({ name }) => name))];
  return {
    title: {
      text: "In real time through one relay",
      subtitle: "median share of what the link can carry; further right is better",
    },
    data: { values },
    width: 560,
    height: names.length * 30,
    mark: { type: "bar" },
    encoding: {
      y: { field: "name", type: "nominal", sort: names, title: null },
      yOffset: { field: "who", type: "nominal", sort: domain },
      x: {
        field: "share",
        type: "quantitative",
        title: "goodput, as a share of what the link can carry",
        scale: { domain: [0, 1.02], nice: false },
      },
      color: {
        field: "who",
        type: "nominal",
        scale: { domain, range: [COLOURS.ours, COLOURS.udx] },
        legend: { orient: "bottom", symbolType: "square" },
      },
    },
  } as TopLevelSpec;
}
