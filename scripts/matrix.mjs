// `npm run matrix`: on a fresh clone too, the link matrix (docs/benchmarks.md).
import { join } from "node:path";
import { ensure, root, run, tool } from "./ensure.mjs";

await ensure({ print: console.error }); // standard output is for the figures, or their JSON
const main = join(root, "apps/bench/src/matrix/main.ts");
const { code } = await run([...tool("tsx/dist/cli.mjs"), main, ...process.argv.slice(2)], { inherit: true });
process.exitCode = code;
