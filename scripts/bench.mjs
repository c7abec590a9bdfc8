// `npm run bench -- NAME`: on a fresh clone too, comparisons with others (docs/benchmarks.md).
import { join } from "node:path";
import { ensure, root, run, tool } from "./ensure.mjs";

const benches = {
  links: "ours and udx-native in turn through one relay, in real time, on P1 to P11",
  emulation: "one plain stream through our emulator and through others: ns-3, tc of the Linux kernel",
};

const [name = "", ...args] = process.argv.slice(2);
if (!Object.hasOwn(benches, name)) {
  const list = Object.entries(benches).map(([each, what]) => `  ${each.padEnd(10)} ${what}`);
  const isHelp = name === "--help" || name === "-h";
  const wrong = isHelp || name === "" ? "" : `npm run bench: there is no "${name}"\n\n`;
  console[isHelp ? "log" : "error"](
    `${wrong}npm run bench -- NAME [OPTIONS]     NAME --help lists its options\n\n${list.join("\n")}\n\n` +
      'What the processor can do comes with the issue "Processor". The links in simulation: npm run matrix. Figures: docs/benchmarks.md.',
  );
  process.exit(isHelp ? 0 : 2);
}
await ensure({ print: console.error }); // standard output is for the figures, or their JSON
const main = join(root, "apps/bench/src", name, "main.ts");
const { code } = await run([...tool("tsx/dist/cli.mjs"), main, ...args], { inherit: true });
process.exitCode = code;
