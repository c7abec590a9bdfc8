// What build.mjs and verify.mjs share: running the pinned asc, and judging what it made.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const packageFolder = fileURLToPath(new URL("..", import.meta.url));

/** Most bytes that the module may have. */
export const MODULE_BYTES_LIMIT = 24 * 1024;

/** What the module is made from, relative to the package's folder. */
export const moduleSources = ["assembly", "src/memory-map.ts", "asconfig.json"];

/** Compile the module of `folder` (the package's, or a copy of moduleSources) and return its bytes. */
export function compileModule(folder) {
  const asc = createRequire(import.meta.url).resolve("assemblyscript/bin/asc.js");
  mkdirSync(join(folder, "build"), { recursive: true });
  execFileSync(process.execPath, [asc, "--config", "asconfig.json", "--target", "release"], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit"],
  });
  return readFileSync(join(folder, "build", "core.wasm"));
}

/** What is wrong with a module: one sentence each, none if it may be shipped. */
export function moduleFaults(bytes) {
  const faults = WebAssembly.Module.imports(new WebAssembly.Module(bytes)).map(
    (entry) => `it imports ${entry.module}.${entry.name}: the module must import nothing`,
  );
  if (bytes.length > MODULE_BYTES_LIMIT) {
    faults.push(`it has ${bytes.length} bytes: the budget is ${MODULE_BYTES_LIMIT}`);
  }
  return faults;
}

export function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}
