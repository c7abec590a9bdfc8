import type { TopLevelSpec } from "vega-lite";
import type { Result } from "../matrix/run.ts";
import { COLOURS } from "./draw.ts";

/** A profile as the pictures name it, and the shares of its limit that different programs reach; undefined: not known. */
export interface ShareRow {
  readonly name: string;
  readonly ours: number;
  readonly goal: number;
  readonly cubic: number | undefined;
  readonly udx: number | undefined;
  readonly deployed: number | undefined;
}

export interface LatencyRow {
  readonly name: string;
  /** The least that a packet takes. */
  readonly oneWayMs: number;
  readonly withCoding: { readonly p50Ms: number; readonly p99Ms: number };
  readonly without: { readonly p50Ms: number; readonly p99Ms: number };
}

/** Share of the limit, by profile: ours as bars, the goal as a line, others as marks. */
export function sharePicture(rows: readonly ShareRow[]): TopLevelSpec {
  const names = rows.map(({ name }) => name);
  const others = rows.flatMap(({ name, cubic, udx, deployed }) =>
    Object.entries({
      "udx-native, measured": udx,
      "TCP CUBIC, computed": cubic,
      "two deployed peers, simulated": deployed,
    })
      .filter(([, share]) => share !== undefined)
      .map(([who, share]) => ({ name, who, share })),
  );
  const ours = rows.map(({ name, ours: share }) => ({ name, who: "ours, simulated", share }));
  const goals = rows.map(({ name, goal: share }) => ({ name, who: "goal for ours", share }));
  const domain = [
    "ours, simulated",
    "goal for ours",
    "udx-native, measured",
    "TCP CUBIC, computed",
    "two deployed peers, simulated",
  ];
  const colour = {
    field: "who",
    type: "nominal",
    scale: { domain, range: [COLOURS.ours, COLOURS.goal, COLOURS.udx, COLOURS.cubic, COLOURS.deployed] },
    legend: LEGEND,
  };
  const y = { field: "name", type: "nominal", sort: names, title: null };
  const x = {
    field: "share",
    type: "quantitative",
    title: "goodput, as a share of what the link can carry",
    scale: { domain: [0, 1.02], nice: false },
  };
  return {
    title: { text: "Large transfers on bad links", subtitle: "median of the seeds; further right is better" },
    width: 560,
    height: { step: 30 },
    layer: [
      { data: { values: ours }, mark: { type: "bar", height: 14 }, encoding: { y, x, color: colour } },
      {
        data: { values: goals },
        mark: { type: "tick", thickness: 2.5, size: 24, opacity: 1 },
        encoding: { y, x, color: colour },
      },
      {
        data: { values: others },
        mark: { type: "point", filled: true, size: 75, opacity: 1, stroke: "white", strokeWidth: 1.2 },
        encoding: {
          y,
          x,
          color: colour,
          shape: { field: "who", type: "nominal", scale: { domain, range: SHAPES }, legend: LEGEND },
        },
      },
    ],
  } as TopLevelSpec;
}

/** Message latency by profile: from the median to the 99th percentile, with coding and without. */
export function latencyPicture(rows: readonly LatencyRow[]): TopLevelSpec {
  const names = rows.map(({ name }) => name);
  const domain = ["coding as by default", "without coding"];
  const spans = rows.flatMap(({ name, withCoding, without }) => [
    { name, who: domain[0], ...withCoding },
    { name, who: domain[1], ...without },
  ]);
  const least = rows.map(({ name, oneWayMs }) => ({ name, oneWayMs }));
  const colour = {
    field: "who",
    type: "nominal",
    scale: { domain, range: [COLOURS.ours, COLOURS.without] },
    legend: { orient: "bottom", symbolType: "square" },
  };
  const y = { field: "name", type: "nominal", sort: names, title: null };
  const yOffset = { field: "who", type: "nominal", sort: domain };
  const most = Math.max(...spans.map(({ p99Ms }) => p99Ms));
  const scale = { type: "log", nice: false, domain: [0.8, 1.1 * most] };
  const x = {
    field: "p50Ms",
    type: "quantitative",
    scale,
    title: "milliseconds until the application has the message",
  };
  return {
    title: {
      text: "20 messages a second, of 200 bytes",
      subtitle:
        "from the median (circle) to the 99th percentile (line's end); black: the link's own delay one way",
    },
    width: 560,
    height: rows.length * 32,
    layer: [
      {
        data: { values: least },
        mark: { type: "tick", thickness: 2.5, size: 26, color: "black", opacity: 1 },
        encoding: { y, x: { ...x, field: "oneWayMs" } },
      },
      {
        data: { values: spans },
        mark: { type: "rule", strokeWidth: 4 },
        encoding: { y, yOffset, x, x2: { field: "p99Ms" }, color: colour },
      },
      {
        data: { values: spans },
        mark: { type: "point", filled: true, size: 60, opacity: 1 },
        encoding: { y, yOffset, x, color: colour },
      },
    ],
  } as TopLevelSpec;
}

/** One run over time: what arrives, what waits, what is lost, how long a round trip takes. */
export function runPicture(
  result: Result,
  title: string,
  rateKbps: number,
  roundTripMs: number,
): TopLevelSpec {
  const values = (result.trace ?? []).map((point) => ({
    ...point,
    rttMs: point.rttMs || null,
    seconds: point.atMs / 1000,
  }));
  const x = (isLast: boolean) => ({
    field: "seconds",
    type: "quantitative",
    title: isLast ? "seconds since the first send call" : null,
    axis: isLast ? { format: "~g" } : { labels: false, ticks: false },
    scale: { nice: false },
  });
  const y = (field: string, text: string) => ({
    field,
    type: "quantitative",
    title: text,
    axis: { tickCount: 4 },
  });
  const line = (field: string, text: string, isLast: boolean, least: number | undefined) => ({
    width: 620,
    height: 90,
    layer: [
      ...(least === undefined
        ? []
        : [
            {
              mark: { type: "rule", strokeDash: [4, 3], color: "#555555" },
              encoding: { y: { datum: least } },
            },
          ]),
      {
        mark: { type: "line", color: COLOURS.ours, strokeWidth: 1.3 },
        encoding: { x: x(isLast), y: y(field, text) },
      },
    ],
  });
  return {
    title: { text: title, subtitle: "dashed: the link's rate, and its round trip with nothing queued" },
    data: { values },
    spacing: 10,
    vconcat: [
      line("arrivedKbps", "arriving, kb/s", false, rateKbps),
      line("queueMs", "queue, ms", false, undefined),
      {
        width: 620,
        height: 70,
        mark: { type: "bar", color: COLOURS.loss, width: 2 },
        encoding: { x: x(false), y: y("lost", "packets lost") },
      },
      line("rttMs", "smoothed RTT, ms", true, roundTripMs),
    ],
  } as TopLevelSpec;
}

const LEGEND = { orient: "bottom", columns: 3 };

/** Of the legend's entries: ours and the goal are no points; the goal is an upright line. */
const SHAPES = ["square", "M-0.2,-1H0.2V1H-0.2Z", "diamond", "triangle-up", "circle"];
