// Shows that the module is what its sources say: builds it twice, each time in an empty folder, and wants the same
// bytes both times, no imports, the size budget, and the committed SHA-256. Changes nothing, unless it is told to:
//
//   node packages/wasm-core/scripts/verify.mjs            exit 0 if all holds, else 1 and what differs
//   node packages/wasm-core/scripts/verify.mjs --update   write the SHA-256 of what the sources give now
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileModule, moduleFaults, moduleSources, packageFolder, sha256 } from "./compile.mjs";

const hashFile = join(packageFolder, "core.sha256");

function buildElsewhere() {
  const folder = mkdtempSync(join(tmpdir(), "wasm-core-"));
  try {
    for (const source of moduleSources)
      cpSync(join(packageFolder, source), join(folder, source), { recursive: true });
    return compileModule(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function committedHash() {
  try {
    return readFileSync(hashFile, "utf8").trim().split(/\s+/)[0];
  } catch (error) {
    if (error.code === "ENOENT") return "none";
    throw error;
  }
}

const first = buildElsewhere();
const second = buildElsewhere();
const faults = moduleFaults(first);
if (!first.equals(second)) {
  const at = first.findIndex((byte, index) => byte !== second[index]);
  faults.push(
    `two builds differ: ${first.length} and ${second.length} bytes, first at byte ${at === -1 ? first.length : at}`,
  );
}
const hash = sha256(first);
if (process.argv.includes("--update") && faults.length === 0) writeFileSync(hashFile, `${hash}  core.wasm\n`);
const committed = committedHash();
if (hash !== committed) {
  faults.push(
    `the sources give SHA-256 ${hash}, core.sha256 says ${committed}; if the change is meant: node packages/wasm-core/scripts/verify.mjs --update`,
  );
}
for (const fault of faults) console.error(`core.wasm: ${fault}`);
if (faults.length > 0) process.exit(1);
console.log(`core.wasm: ${first.length} bytes, no imports, two builds alike, SHA-256 ${hash}`);
