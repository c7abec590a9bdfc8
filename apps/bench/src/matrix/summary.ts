import { percentile } from "./measure.ts";
import type { Profile } from "./profiles.ts";
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
] as const;
type Figures = Record<(typeof FIGURES)[number], number>;

/** A cell over all its seeds. */
export interface Summary {
  readonly summary: true;
  readonly profile: string;
  readonly peer: string;
  readonly coding: string;
  readonly seeds: number;
  readonly median: Figures;
  readonly worst: Figures;
  /** In words; undefined where none is checked. */
  readonly goal: string | undefined;
  readonly met: boolean | undefined;
  /** Of all the seeds. */
  readonly completed: boolean;
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
  return {
    summary: true,
    profile: cell.profile.name,
    peer: cell.peer,
    coding: cell.coding,
    seeds: results.length,
    median,
    worst,
    goal: goals.length === 0 ? undefined : goals.map(({ text }) => text).join(", "),
    met: goals.length === 0 ? undefined : completed && goals.every(({ met }) => met),
    completed,
    ...(flows.length > 1 ? { flowsKbps: flows } : {}),
  };
}

/** What the profile asks for, and whether that is so. */
function goalsOf(profile: Profile, median: Figures, worst: Figures): { text: string; met: boolean }[] {
  const { goal, goalElapsedMs, goalP99Ms } = profile;
  const goals = [];
  if (goal !== undefined) goals.push({ text: goal.toFixed(2), met: median.share >= goal });
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
