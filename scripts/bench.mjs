// `npm run bench -- NAME`: on a fresh clone too, comparisons with the peers (docs/benchmarks.md).
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ensure, root, run, tool } from "./ensure.mjs";

const [name = "", ...args] = process.argv.slice(2);
const main = join(root, "apps/bench/src", name, "main.ts");
if (!/^[a-z]+$/.test(name) || !existsSync(main)) {
  console.error(
    `npm run bench -- links [OPTIONS]: ours and udx-native through one relay. The others are not built yet: they come with the issue "Processor"`,
  );
  process.exit(2);
}
await ensure();
const { code } = await run([...tool("tsx/dist/cli.mjs"), main, ...args], { inherit: true });
process.exitCode = code;
