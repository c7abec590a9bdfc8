import type { Gate, Verdict } from "./gates.ts";
import { type Job, runJobs } from "./jobs.ts";
import type { Request } from "./options.ts";
import { allCells } from "./plan.ts";
import type { Cell, Result } from "./run.ts";
import { type Summary, summarise } from "./summary.ts";

/** Everything that a request came to. */
export interface Outcome {
  /** Of every cell, gates' cells too, seed after seed. */
  readonly results: readonly Result[];
  readonly summaries: readonly Summary[];
  /** With deployed peers. */
  readonly deployed: readonly Summary[];
  readonly latencies: readonly Summary[];
  readonly verdicts: readonly (Verdict & Pick<Gate, "name">)[];
  /** Of any cell that was run. */
  readonly resultsOf: (cell: Cell) => readonly Result[];
  /** Every goal and gate was met, and every run completed in which ours took part. */
  readonly isMet: boolean;
  /** Of real time. */
  readonly seconds: number;
}

/** Do what was asked for, and judge it. */
export async function execute(request: Request, tell: (progress: string) => void): Promise<Outcome> {
  const { plan, seeds } = request;
  const startMs = performance.now();
  const cells = allCells(plan);
  const jobs: Job[] = cells.flatMap((cell) => seeds.map((seed) => ({ cell, seed })));
  let done = 0;
  const results = await runJobs(jobs, request.jobs, ({ cell, seed }) => {
    done += 1;
    tell(`${done} of ${jobs.length}: ${cell.profile.name} ${cell.peer} seed ${seed}`);
  });
  const byCell = new Map(
    cells.map((cell, i) => [cell, results.slice(i * seeds.length, (i + 1) * seeds.length)]),
  );
  const resultsOf = (cell: Cell) => byCell.get(cell)!;
  const summaries = plan.cells.map((cell) => summarise(cell, resultsOf(cell), request.checksGoals));
  const deployed = plan.deployedCells.map((cell) => summarise(cell, resultsOf(cell), false));
  const latencies = plan.latencyCells.map((cell) => summarise(cell, resultsOf(cell), false));
  const verdicts = plan.gates.map(({ name, judge }) => ({ name, ...judge(resultsOf) }));
  const isMet =
    summaries.every(({ met }) => met !== false) &&
    verdicts.every(({ met }) => met) &&
    results.every(({ completed, peer }) => completed || peer === "deployed-both");
  return {
    results,
    summaries,
    deployed,
    latencies,
    verdicts,
    resultsOf,
    isMet,
    seconds: (performance.now() - startMs) / 1000,
  };
}
