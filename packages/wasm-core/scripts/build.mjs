// Compiles the module to build/core.wasm and writes it as base64 to src/generated/core-wasm.ts: the one form that
// loads in Node, Deno, Bun, browsers and bundlers alike. Both are git-ignored.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compileModule, moduleFaults, packageFolder } from "./compile.mjs";

const bytes = compileModule(packageFolder);
const faults = moduleFaults(bytes);
if (faults.length > 0) {
  for (const fault of faults) console.error(`core.wasm: ${fault}`);
  process.exit(1);
}
const folder = join(packageFolder, "src", "generated");
mkdirSync(folder, { recursive: true });
writeFileSync(
  join(folder, "core-wasm.ts"),
  `// Written by scripts/build.mjs from assembly/. Do not edit, do not commit.\n/** build/core.wasm, ${bytes.length} bytes. */\nexport const coreWasmBase64: string =\n  "${bytes.toString("base64")}";\n`,
);
console.log(`core.wasm: ${bytes.length} bytes, no imports`);
