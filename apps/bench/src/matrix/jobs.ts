import { type ChildProcess, fork } from "node:child_process";
import type { Cell, Result } from "./run.ts";
import type { Answer } from "./worker.ts";

/** A run to be done. */
export interface Job {
  readonly cell: Cell;
  readonly seed: number;
}

/**
 * Do all the jobs, in so many processes at once. `done` hears of each as it ends; the results come in the order of the jobs.
 * Rejects with the first run that was void: a defect of the program, or something forbidden sent to a deployed peer.
 */
export async function runJobs(
  jobs: readonly Job[],
  processes: number,
  done: (job: Job, result: Result) => void,
): Promise<Result[]> {
  const results: Result[] = new Array(jobs.length);
  let next = 0;
  const work = async () => {
    const worker = fork(new URL("./worker.ts", import.meta.url), { execArgv: ["--import", "tsx"] });
    try {
      for (let index = next++; index < jobs.length; index = next++) {
        const job = jobs[index]!;
        const result = await ask(worker, job);
        results[index] = result;
        done(job, result);
      }
    } finally {
      worker.kill();
    }
  };
  await Promise.all(Array.from({ length: Math.min(processes, jobs.length) }, work));
  return results;
}

function ask(worker: ChildProcess, job: Job): Promise<Result> {
  return new Promise((resolve, reject) => {
    const fail = (code: unknown) =>
      reject(new Error(`${job.cell.profile.name} seed ${job.seed}: the process ended (${String(code)})`));
    worker.once("exit", fail);
    worker.once("message", (answer: Answer) => {
      worker.off("exit", fail);
      if ("result" in answer) resolve(answer.result);
      else reject(new Error(`${job.cell.profile.name} seed ${job.seed}: ${answer.error}`));
    });
    worker.send(job);
  });
}
