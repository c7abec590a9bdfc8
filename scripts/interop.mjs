// `npm run interop`: our node and deployed Serval daemons, live, on machines made of network namespaces.
//
// Needs Linux, root and the command `ip`. Without them or SERVALD it says SKIPPED, why, and exits 0.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ensure } from "./ensure.mjs";
import { skipReason } from "./interop/skip.mjs";

const USAGE = `SERVALD=/path/to/servald npm run interop [-- OPTIONS]     as root, on Linux, with the command ip

  --only PATTERN  only the cells whose name matches, such as forward
  --list          name the cells, and run none
  --json FILE     write the results into FILE, too

Exit code: 0 all is well, or SKIPPED, and said why; 1 a cell failed; 2 wrong usage. docs/serval.md says what is tried.`;

const values = parseOptions();
const reason = await skipReason();
if (reason !== undefined) {
  console.log(`interop    SKIPPED: ${reason}`);
} else {
  await ensure();
  const { runCells } = await import("./interop/run.mjs");
  const isWanted = (name) => values.only === undefined || new RegExp(values.only, "i").test(name);
  const results = await runCells(isWanted, values.list === true);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
}

function parseOptions() {
  const text = { type: "string" };
  const flag = { type: "boolean" };
  try {
    const { values } = parseArgs({
      options: { only: text, json: text, list: flag, help: { ...flag, short: "h" } },
    });
    new RegExp(values.only ?? "");
    if (!values.help) return values;
    console.log(USAGE);
    process.exit(0);
  } catch ({ message }) {
    console.error(`npm run interop: ${message}\n\n${USAGE}`);
    process.exit(2);
  }
}
