import type { Summary } from "./summary.ts";

/** The columns that people read: a head, its width, and its text for a cell. Medians; the share's worst beside it. */
const COLUMNS: readonly (readonly [string, number, (summary: Summary) => string])[] = [
  ["link", -6, ({ profile }) => profile],
  ["peer", -13, ({ peer }) => peer],
  ["coding", -6, ({ coding }) => coding],
  ["kb/s", 8, ({ median }) => median.goodputKbps.toFixed(0)],
  ["limit", 7, ({ median }) => median.limitKbps.toFixed(0)],
  ["share", 6, ({ median }) => median.share.toFixed(3)],
  ["worst", 6, ({ worst }) => worst.share.toFixed(3)],
  ["p50 ms", 8, ({ median }) => median.p50Ms.toFixed(1)],
  ["p99 ms", 8, ({ median }) => median.p99Ms.toFixed(1)],
  ["extra", 6, ({ median }) => `${(100 * median.overhead).toFixed(1)}%`],
  ["whole s", 8, ({ median }) => (median.elapsedMs / 1000).toFixed(3)],
  ["worst", 7, ({ worst }) => (worst.elapsedMs / 1000).toFixed(3)],
  ["queue ms", 8, ({ median }) => median.queueMs.toFixed(1)],
  ["goal", -17, ({ goal }) => goal ?? ""],
  ["", -6, ({ met }) => (met === undefined ? "" : met ? "met" : "MISSED")],
  ["", -13, ({ completed }) => (completed ? "" : "NOT COMPLETED")],
  ["", -1, ({ flowsKbps }) => flowsKbps?.map((kbps) => kbps.toFixed(0)).join(" + ") ?? ""],
];

export function tableHead(): string {
  return line((head) => head);
}

export function tableRow(summary: Summary): string {
  return line((_head, text) => text(summary));
}

function line(cell: (head: string, text: (summary: Summary) => string) => string): string {
  return COLUMNS.map(([head, width, text]) => {
    const content = cell(head, text);
    return width < 0 ? content.padEnd(-width) : content.padStart(width);
  })
    .join(" ")
    .trimEnd();
}
