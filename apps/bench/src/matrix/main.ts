import { availableParallelism } from "node:os";
import { CommanderError } from "commander";
import { execute, type Outcome } from "./execute.ts";
import { parseRequest, type Request } from "./options.ts";
import { cellTable, gateTable, latencyTable } from "./table.ts";

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  console.error(error instanceof Error ? error.message : error);
  return 1;
});

async function main(args: readonly string[]): Promise<number> {
  const request = parseRequest(args, availableParallelism());
  const { isTTY } = process.stderr;
  const outcome = await execute(request, (text) => isTTY && process.stderr.write(`\r\x1b[K${text}`));
  if (isTTY) process.stderr.write("\r\x1b[K");
  if (request.json) printJson(outcome);
  else printTables(outcome);
  if (request.updatesDocs) await updateDocs(request, outcome);
  return outcome.isMet ? 0 : 1;
}

function printJson({ results, summaries, deployed, latencies, verdicts }: Outcome): void {
  for (const line of [...results, ...summaries, ...deployed, ...latencies]) console.log(JSON.stringify(line));
  for (const { name, ...verdict } of verdicts) console.log(JSON.stringify({ gate: name, ...verdict }));
}

function printTables({ results, summaries, deployed, latencies, verdicts, seconds }: Outcome): void {
  console.log(cellTable([...summaries, ...deployed]));
  if (latencies.length > 0) console.log(`\n${latencyTable(latencies)}`);
  if (verdicts.length > 0) console.log(`\n${gateTable(verdicts)}`);
  const simulated = results.reduce((sum, { simulatedMs }) => sum + simulatedMs, 0) / 1000;
  console.log(`\n${results.length} runs, ${simulated.toFixed(0)} s simulated in ${seconds.toFixed(1)} s`);
}

async function updateDocs(request: Request, outcome: Outcome): Promise<void> {
  // Drawing needs Vega, which takes a second to load: only then.
  const { updateMatrixDocs } = await import("../docs/matrix-docs.ts");
  await updateMatrixDocs(request, outcome);
}
