import type { Verdict } from "./gates.ts";
import type { Figures, Summary } from "./summary.ts";

/** A column: its head, its width (below 0: to the left), and its text for a row. */
type Column<Row> = readonly [string, number, (row: Row) => string];

/** Medians; the worst seed's share, time and p99 beside them. */
const CELLS: readonly Column<Summary>[] = [
  ["link", -6, ({ profile }) => profile],
  ["peer", -13, ({ peer }) => peer],
  ["coding", -6, ({ coding }) => coding],
  ["kb/s", 7, ({ median }) => median.goodputKbps.toFixed(0)],
  ["limit", 6, ({ median }) => limited(median, median.limitKbps.toFixed(0))],
  ["share", 6, ({ median }) => limited(median, median.share.toFixed(3))],
  ["worst", 6, ({ worst }) => limited(worst, worst.share.toFixed(3))],
  ["p50 ms", 7, ({ median }) => median.p50Ms.toFixed(1)],
  ["p99 ms", 7, ({ median }) => median.p99Ms.toFixed(1)],
  ["extra", 6, ({ median }) => percent(median.overhead)],
  ["whole s", 8, ({ median }) => (median.elapsedMs / 1000).toFixed(3)],
  ["worst", 7, ({ worst }) => (worst.elapsedMs / 1000).toFixed(3)],
  ["queue ms", 8, ({ median }) => median.queueMs.toFixed(1)],
  ["return ms", 9, ({ median }) => (median.returnMs === 0 ? "" : median.returnMs.toFixed(0))],
  ["  goal", -34, ({ goal }) => `  ${goal ?? ""}`],
  ["", -1, verdict],
];

const LATENCY: readonly Column<Summary>[] = [
  ["link", -6, ({ profile }) => profile],
  ["peer", -13, ({ peer }) => peer],
  ["coding", -6, ({ coding }) => coding],
  ["messages", -9, ({ work }) => work],
  ["p50 ms", 8, ({ median }) => median.p50Ms.toFixed(1)],
  ["p99 ms", 8, ({ median }) => median.p99Ms.toFixed(1)],
  ["worst", 8, ({ worst }) => worst.p99Ms.toFixed(1)],
  ["extra", 7, ({ median }) => percent(median.overhead)],
  ["", -1, verdict],
];

const GATES: readonly Column<Verdict & { readonly name: string }>[] = [
  ["gate", -26, ({ name }) => name],
  ["", 8, ({ value }) => value.toFixed(3)],
  ["", -27, ({ unit }) => unit],
  ["goal", -9, ({ goal }) => goal],
  ["", -1, ({ met }) => (met ? "met" : "MISSED")],
];

export const cellTable = (rows: readonly Summary[]) => table(CELLS, rows);
export const latencyTable = (rows: readonly Summary[]) => table(LATENCY, rows);
export const gateTable = (rows: readonly (Verdict & { readonly name: string })[]) => table(GATES, rows);

function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const line = (text: (column: Column<Row>) => string) =>
    columns
      .map((column) => (column[1] < 0 ? text(column).padEnd(-column[1]) : text(column).padStart(column[1])))
      .join(" ")
      .trimEnd();
  return [line(([head]) => head), ...rows.map((row) => line(([, , text]) => text(row)))].join("\n");
}

function verdict({ met, missed, completed, failure, flowsKbps }: Summary): string {
  const words = [
    met === undefined ? "" : met ? "met" : `MISSED: ${missed.join(", ")}`,
    completed ? "" : `NOT COMPLETED${failure === undefined ? "" : ` (${failure})`}`,
    flowsKbps?.map((kbps) => kbps.toFixed(0)).join(" + ") ?? "",
  ];
  return words.filter((word) => word !== "").join(" ");
}

/** A link without a rate has no limit. */
function limited({ limitKbps }: Figures, text: string): string {
  return limitKbps === 0 ? "-" : text;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
