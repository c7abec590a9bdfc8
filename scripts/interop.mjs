// `npm run interop`: our node and deployed Serval daemons, live, on machines made of network namespaces.
//
//   SERVALD=/path/to/servald npm run interop [-- --only PATTERN] [--json FILE] [--list]
//
// Needs Linux, root and the command `ip`. Without them or SERVALD it says SKIPPED, why, and exits 0.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ensure } from "./ensure.mjs";
import { skipReason } from "./interop/skip.mjs";

const { values } = parseArgs({
  options: { only: { type: "string" }, json: { type: "string" }, list: { type: "boolean" } },
});
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
