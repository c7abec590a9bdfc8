// `npm run matrix`: on a fresh clone too, the link matrix (docs/benchmarks.md).
import { join } from "node:path";
import { ensure, root, run, tool } from "./ensure.mjs";

const [node, tsx] = tool("tsx/dist/cli.mjs");
await ensure();
const { code } = await run(
  [node, tsx, join(root, "apps/bench/src/matrix/main.ts"), ...process.argv.slice(2)],
  { inherit: true },
);
process.exitCode = code;
