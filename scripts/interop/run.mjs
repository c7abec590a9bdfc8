// Runs the cells and prints the table.

import { cells as endings } from "./cells/endings.mjs";
import { cells as forward } from "./cells/forward.mjs";
import { cells as lines } from "./cells/lines.mjs";
import { cells as services } from "./cells/services.mjs";
import { cells as streams } from "./cells/streams.mjs";
import { cells as throughput } from "./cells/throughput.mjs";
import { cells as transport } from "./cells/transport.mjs";
import { killAll } from "./child.mjs";
import { closeAll } from "./world.mjs";

const ALL = [...streams, ...endings, ...lines, ...services, ...forward, ...transport, ...throughput];

/** Run the cells whose name `isWanted`, or only name them. Sets the exit code; resolves to a result each. */
export async function runCells(isWanted, isListing) {
  const wanted = ALL.filter(({ name }) => isWanted(name));
  if (isListing) {
    for (const { name } of wanted) console.log(name);
    return [];
  }
  process.once("SIGINT", () => abandon("ended by SIGINT", 130));
  process.once("SIGTERM", () => abandon("ended by SIGTERM", 143));
  process.once("uncaughtException", (error) => abandon(error.stack, 1));
  const startMs = performance.now();
  const results = [];
  const run = async (cell) => results.push(await runCell(cell));
  // Those that mostly wait do it together; what is left is run alone, one after the other.
  const calm = wanted.filter(({ isCalm }) => isCalm);
  const lanes = Array.from({ length: CALM_LANES }, async () => {
    for (let cell = calm.shift(); cell !== undefined; cell = calm.shift()) await run(cell);
  });
  await Promise.all(lanes);
  for (const cell of wanted.filter(({ isCalm }) => !isCalm)) await run(cell);

  const failed = results.filter(({ result }) => result === "FAILED");
  const skipped = results.filter(({ result }) => result === "SKIPPED");
  const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
  console.log(
    `${results.length - failed.length - skipped.length} passed, ${failed.length} failed, ${skipped.length} skipped, ${seconds} s`,
  );
  if (failed.length > 0 || results.length === 0) process.exitCode = 1;
  return results;
}

async function runCell({ name, run }) {
  if (isAbandoned) return { name, result: "FAILED", seconds: 0 };
  const startMs = performance.now();
  let result = "ok";
  let note;
  try {
    note = await run();
    if (note?.skipped !== undefined) [result, note] = ["SKIPPED", note.skipped];
  } catch (error) {
    result = "FAILED";
    note = error instanceof Error ? error.message : String(error);
  }
  const seconds = (performance.now() - startMs) / 1000;
  console.log(`${result.padEnd(8)} ${seconds.toFixed(1).padStart(6)} s  ${name}${note ? `  (${note})` : ""}`);
  return { name, result, seconds: Number(seconds.toFixed(2)), ...(note && { note }) };
}

/** Leave nothing behind, whatever happens. */
async function abandon(why, code) {
  isAbandoned = true;
  console.error(`interop: ${why}`);
  await killAll();
  await closeAll();
  process.exit(code);
}

let isAbandoned = false;

const CALM_LANES = 6;
