import { type Cell, run } from "./run.ts";

/** A process that does one run after another, as asked. */
process.on("message", async ({ cell, seed }: { cell: Cell; seed: number }) => {
  process.send!(await run(cell, seed));
});
