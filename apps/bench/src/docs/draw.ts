import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

/** Draw a picture, on a white ground so that it can be read in a light and in a dark page alike. */
export async function draw(spec: TopLevelSpec, title: string): Promise<string> {
  const { spec: compiled } = compile({
    ...spec,
    background: "white",
    padding: 12,
    config: CONFIG,
  } as TopLevelSpec);
  const view = new View(parse(compiled), { renderer: "none", logLevel: 0 });
  const svg = await view.toSVG();
  // It says what it is once, in its title: not for each of its lines.
  const plain = svg.replace(/ (?:role|aria-[a-z]+)="[^"]*"/g, "");
  return `${plain.replace(/^<svg[^>]*>/, (head) => `${head}<title>${title}</title>`)}\n`;
}

export const COLOURS = {
  ours: "#1f5fbf",
  udx: "#e08a00",
  cubic: "#b03060",
  deployed: "#777777",
  goal: "#000000",
  without: "#e08a00",
  loss: "#b03060",
} as const;

const CONFIG = {
  aria: false,
  font: "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif",
  title: {
    fontSize: 14,
    anchor: "start",
    offset: 10,
    subtitleFontSize: 11,
    subtitleColor: "#444444",
    subtitlePadding: 4,
  },
  axis: {
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: "normal",
    gridColor: "#e4e4e4",
    labelColor: "#222222",
    labelLimit: 300,
    labelFlush: false,
  },
  legend: { labelFontSize: 11, title: null, symbolSize: 90, labelLimit: 300 },
  view: { stroke: "#cccccc" },
} as const;
