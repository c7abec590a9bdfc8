import { type Cell, type Result, run } from "./run.ts";

/** What a worker says of a run. */
export type Answer = { readonly result: Result } | { readonly error: string };

/** A process that does one run after another, as asked. */
process.on("message", async ({ cell, seed }: { cell: Cell; seed: number }) => {
  const answer: Answer = await run(cell, seed).then(
    (result) => ({ result }),
    (error: unknown) => ({ error: String(error) }),
  );
  process.send!(answer);
});
