// Puts the module itself beside the JavaScript, for the export "./core.wasm".
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { packageFolder } from "./compile.mjs";

copyFileSync(join(packageFolder, "build", "core.wasm"), join(packageFolder, "dist", "core.wasm"));
