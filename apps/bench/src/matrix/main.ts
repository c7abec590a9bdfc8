import { availableParallelism } from "node:os";
import { type Job, runJobs } from "./jobs.ts";
import { parseRequest } from "./options.ts";
import type { Result } from "./run.ts";
import { type Summary, summarise } from "./summary.ts";
import { tableHead, tableRow } from "./table.ts";

const request = parseRequest(process.argv.slice(2), availableParallelism());
const jobs: Job[] = request.cells.flatMap((cell) => request.seeds.map((seed) => ({ cell, seed })));
const startMs = performance.now();
let doneCount = 0;
const results = await runJobs(jobs, request.jobs, ({ cell, seed }) => {
  doneCount += 1;
  if (process.stderr.isTTY) {
    process.stderr.write(`\r\x1b[K${doneCount} of ${jobs.length}: ${cell.profile.name} seed ${seed}`);
  }
});
if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");

const summaries = request.cells.map((cell, i) => {
  const { length } = request.seeds;
  return summarise(cell, results.slice(i * length, (i + 1) * length), request.checksGoals);
});
if (request.json) printJson(results, summaries);
else printTable(summaries);
process.exitCode = summaries.every(({ completed, met }) => completed && met !== false) ? 0 : 1;

function printJson(results: readonly Result[], summaries: readonly Summary[]): void {
  for (const line of [...results, ...summaries]) console.log(JSON.stringify(line));
}

function printTable(summaries: readonly Summary[]): void {
  console.log(tableHead());
  for (const summary of summaries) console.log(tableRow(summary));
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const simulated = results.reduce((sum, { simulatedMs }) => sum + simulatedMs, 0) / 1000;
  console.log(`\n${jobs.length} runs, ${simulated.toFixed(0)} s simulated in ${seconds} s`);
}
