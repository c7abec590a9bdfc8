import { percentile } from "./measure.ts";
import { type Profile, roundTripMs } from "./profiles.ts";
import type { Cell, Result } from "./run.ts";

/** Figures of a run that are summed up; of `share` and `goodputKbps` the worst is the least, of the others the most. */
const FIGURES = [
  "goodputKbps",
  "limitKbps",
  "share",
  "p50Ms",
  "p99Ms",
  "overhead",
  "queueMs",
  "elapsedMs",
  "returnMs",
] as const;
export type Figures = Record<(typeof FIGURES)[number], number>;

/** A cell over all its seeds. */
export interface Summary {
  readonly summary: true;
  readonly profile: string;
  readonly peer: string;
  readonly coding: string;
  readonly work: string;
  readonly seeds: number;
  readonly median: Figures;
  readonly worst: Figures;
  /** In words; undefined where none is checked. */
  readonly goal: string | undefined;
  readonly met: boolean | undefined;
  /** The goals that were not met, in words. */
  readonly missed: readonly string[];
  /** Of all the seeds. */
  readonly completed: boolean;
  /** Why the first that failed did. */
  readonly failure?: string;
  /** Medians; present if flows share the link. */
  readonly flowsKbps?: readonly number[];
}

export function summarise(cell: Cell, results: readonly Result[], checksGoals: boolean): Summary {
  const figures = (pick: (values: readonly number[], name: string) => number) =>
    Object.fromEntries(
      FIGURES.map((name) => [
        name,
        pick(
          results.map((result) => result[name]),
          name,
        ),
      ]),
    ) as Figures;
  const median = figures((values) => percentile(values, 0.5));
  const worst = figures((values, name) =>
    LESS_IS_WORSE.has(name) ? Math.min(...values) : Math.max(...values),
  );
  const completed = results.every((result) => result.completed);
  const goals = checksGoals ? goalsOf(cell.profile, median, worst) : [];
  const flows = results[0]!.flowsKbps.map((_, i) =>
    percentile(
      results.map(({ flowsKbps }) => flowsKbps[i]!),
      0.5,
    ),
  );
  const failure = results.find((result) => result.failure !== undefined)?.failure;
  return {
    summary: true,
    profile: cell.profile.name,
    peer: cell.peer,
    coding: cell.coding,
    work: results[0]!.work,
    seeds: results.length,
    median,
    worst,
    goal: goals.length === 0 ? undefined : goals.map(({ text }) => text).join(", "),
    missed: goals.filter(({ met }) => !met).map(({ text }) => text),
    met: goals.length === 0 ? undefined : completed && goals.every(({ met }) => met),
    completed,
    ...(failure === undefined ? {} : { failure }),
    ...(flows.length > 1 ? { flowsKbps: flows } : {}),
  };
}

/** What the profile asks for, and whether that is so. */
function goalsOf(profile: Profile, median: Figures, worst: Figures): { text: string; met: boolean }[] {
  const { goal, goalElapsedMs, goalP99Ms, goalReturnMs } = profile;
  const goals = [];
  if (goal !== undefined) {
    goals.push({ text: goal.toFixed(2), met: median.share >= goal });
    const bdpMs = roundTripMs(profile);
    goals.push({ text: `queue ${bdpMs} ms`, met: median.queueMs <= bdpMs });
  }
  if (goalReturnMs !== undefined) {
    goals.push({ text: `return ${goalReturnMs} ms`, met: median.returnMs <= goalReturnMs });
  }
  if (goalP99Ms !== undefined) goals.push({ text: `p99 ${goalP99Ms} ms`, met: median.p99Ms <= goalP99Ms });
  if (goalElapsedMs !== undefined) {
    goals.push({
      text: `${goalElapsedMs.median}, worst ${goalElapsedMs.worst} ms`,
      met: median.elapsedMs <= goalElapsedMs.median && worst.elapsedMs <= goalElapsedMs.worst,
    });
  }
  return goals;
}

const LESS_IS_WORSE: ReadonlySet<string> = new Set(["goodputKbps", "limitKbps", "share"]);
