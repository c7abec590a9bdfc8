// `npm test`: on a fresh clone too, every deterministic test on Node, Deno and Bun.
//
//   npm test                                everything
//   npm test -- FILTER...                   the files whose path contains one of these
//   npm test -- --only node|deno|bun [FILTER...]
//
// Files named *.node.test.ts need Node. With CI set, `npm run check` comes first.
import { parseArgs } from "node:util";
import { ensure, line, root, run } from "./ensure.mjs";
import { findTests } from "./test/find.mjs";
import { nodeOnly, runtimes } from "./test/runtimes.mjs";

const { values, positionals } = readArguments();
await ensure();
let isFailed = false;
if (process.env.CI && values.only === undefined) {
  const { code } = await run([process.execPath, "scripts/check.mjs"], { inherit: true });
  isFailed = code !== 0;
}

const isWanted = (file) => positionals.length === 0 || positionals.some((filter) => file.includes(filter));
const files = findTests(root).filter(isWanted);
const total = { passed: 0, failed: 0, skipped: 0 };
const lines = [];
for (const name of values.only === undefined ? Object.keys(runtimes) : [values.only]) {
  const mine = name === "node" ? files : files.filter((file) => !nodeOnly(file));
  if (mine.length === 0 && positionals.length > 0) continue;
  const startMs = Date.now();
  console.log(`\n${name}: ${mine.length} files`);
  const counts = await runtimes[name](mine);
  for (const key of Object.keys(total)) total[key] += counts[key];
  const ran = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
  lines.push([
    name,
    `${ran}, ${mine.length} files${counts.why ? ` (${counts.why})` : ""}`,
    startMs,
    Date.now(),
  ]);
}

console.log("");
for (const [name, text, startMs, endMs] of lines) {
  line(name, `${text}  ${((endMs - startMs) / 1000).toFixed(1)} s`);
}
if (lines.length === 0) line("test", `no test file matches ${positionals.join(" ")}`);
if (isFailed) line("check", "FAILED (see above)");
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = isFailed || total.failed > 0 || total.passed === 0 ? 1 : 0;

function readArguments() {
  try {
    const parsed = parseArgs({ options: { only: { type: "string" } }, allowPositionals: true });
    const { only } = parsed.values;
    if (only === undefined || only in runtimes) return parsed;
    throw new Error(`--only ${only}: node, deno or bun`);
  } catch (error) {
    console.error(`npm test: ${error.message}\nusage: npm test [-- [--only node|deno|bun] [FILTER...]]`);
    process.exit(2);
  }
}
