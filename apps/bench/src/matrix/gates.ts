import { percentile } from "./measure.ts";
import { type Profile, roundTripMs } from "./profiles.ts";
import type { Cell, Result } from "./run.ts";

/** A demand that compares cells, or flows on one link: met or not. */
export interface Gate {
  readonly name: string;
  readonly profile: Profile;
  readonly cells: readonly Cell[];
  /** `results` gives all seeds of a cell, in order. */
  readonly judge: (results: (cell: Cell) => readonly Result[]) => Verdict;
}

export interface Verdict {
  readonly value: number;
  /** What `value` is. */
  readonly unit: string;
  /** What was asked of it, in words. */
  readonly goal: string;
  readonly met: boolean;
}

/** Towards a deployed peer: so many times what two deployed peers reach on the same link. */
export function legacyGates(cell: Cell): Gate[] {
  const factor = LEGACY_FACTORS[cell.profile.name];
  if (factor === undefined) return [];
  const [ours, theirs] = (["legacy", "deployed-both"] as const).map(
    (peer): Cell => ({ ...cell, peer, coding: "off" }),
  ) as [Cell, Cell];
  const judge: Gate["judge"] = (results) => {
    const value = median(results(ours), goodput) / median(results(theirs), goodput);
    return { value, unit: "times two deployed peers", goal: `>= ${factor}`, met: value >= factor };
  };
  return [
    { name: `${cell.profile.name} to a deployed peer`, profile: cell.profile, cells: [ours, theirs], judge },
  ];
}

/** Of the plain link P2, as everybody knows it. */
export function fairnessGates(cell: Cell): Gate[] {
  if (cell.profile.name !== "P2") return [];
  const two: Cell = { ...cell, flows: 2, lastsMs: FAIRNESS_MS };
  const oneReno: Cell = {
    ...cell,
    profile: withQueueOfOneBdp(cell.profile),
    cross: "reno",
    lastsMs: FAIRNESS_MS,
  };
  return [
    {
      name: "two flows of ours on P2",
      profile: cell.profile,
      cells: [two],
      judge: (results) => {
        const value = median(results(two), ({ flowsKbps }) => jain(flowsKbps));
        return { value, unit: "Jain's index from 30 s on", goal: ">= 0.9", met: value >= 0.9 };
      },
    },
    {
      name: "one Reno flow beside ours",
      profile: cell.profile,
      cells: [oneReno],
      judge: (results) => {
        const value = median(results(oneReno), ({ flowsKbps, limitKbps }) => flowsKbps[1]! / limitKbps);
        return { value, unit: "of the link, queue of 1 BDP", goal: ">= 0.25", met: value >= 0.25 };
      },
    },
  ];
}

/**
 * No profile is worse with coding than without: medians over the same seeds. Seeds differ among themselves by more than
 * repairs change, so {@link SHARE_TOLERANCE} of the limit and {@link TIME_TOLERANCE} of a time are no difference.
 */
export function codingGates(cells: readonly Cell[]): Gate[] {
  return cells
    .filter(({ peer, coding }) => peer === "ext" && coding !== "off")
    .map((cell) => {
      const off: Cell = { ...cell, coding: "off", config: { ...cell.config, coding: "off" } };
      const isLatency = (cell.messages ?? cell.profile.messages) !== undefined;
      const work = isLatency && cell.messages !== undefined ? " messages" : "";
      const judge: Gate["judge"] = (results) => {
        const [withIt, without] = [results(cell), results(off)];
        if (isLatency)
          return judgeTime(
            median(withIt, ({ p99Ms }) => p99Ms),
            median(without, ({ p99Ms }) => p99Ms),
            "p99",
          );
        const hasLimit = withIt.every(({ limitKbps }) => limitKbps > 0);
        if (!hasLimit) return judgeTime(median(withIt, elapsed), median(without, elapsed), "time");
        const value = median(withIt, share) - median(without, share);
        return {
          value,
          unit: "of the limit gained",
          goal: `>= -${SHARE_TOLERANCE}`,
          met: value >= -SHARE_TOLERANCE,
        };
      };
      return {
        name: `${cell.profile.name}${work} with coding`,
        profile: cell.profile,
        cells: [cell, off],
        judge,
      };
    });
}

/** (sum)^2 / (n x sum of squares): 1 if all have the same, 1/n if one has everything; 0 of nothing at all. */
export function jain(values: readonly number[]): number {
  const sum = values.reduce((a, b) => a + b, 0);
  const squares = values.reduce((a, b) => a + b * b, 0);
  return squares === 0 ? 0 : sum ** 2 / (values.length * squares);
}

function judgeTime(withMs: number, withoutMs: number, name: string): Verdict {
  const value = withMs / withoutMs;
  const most = 1 + TIME_TOLERANCE;
  return { value, unit: `times the ${name} without`, goal: `<= ${most}`, met: value <= most };
}

/** The queue that holds as much as the link does: one round trip at full rate, in packets of 1 100 bytes. */
function withQueueOfOneBdp(profile: Profile): Profile {
  const bdpBytes = ((profile.link.rateBitsPerSecond ?? 0) / 8000) * roundTripMs(profile);
  const link = { ...profile.link, queuePackets: Math.round(bdpBytes / FULL_PACKET_BYTES) };
  return { ...profile, link };
}

function median(results: readonly Result[], figure: (result: Result) => number): number {
  return percentile(results.map(figure), 0.5);
}

const goodput = (result: Result) => result.goodputKbps;
const share = (result: Result) => result.share;
const elapsed = (result: Result) => result.elapsedMs;

const LEGACY_FACTORS: Readonly<Record<string, number>> = { P2: 8, P3: 3, P6: 3 };
const FAIRNESS_MS = 60_000;
const SHARE_TOLERANCE = 0.005;
const TIME_TOLERANCE = 0.05;
const FULL_PACKET_BYTES = 1100;
