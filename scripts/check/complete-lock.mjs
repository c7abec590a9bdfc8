// Part of `npm run fix`: fills the holes that a registry without some systems' binaries leaves in the lock file.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../ensure.mjs";
import { fillHoles } from "./lock.mjs";

const path = join(root, "package-lock.json");
const before = readFileSync(path, "utf8");
const after = `${JSON.stringify(fillHoles(JSON.parse(before)), null, 2)}\n`;
if (after !== before) writeFileSync(path, after);
console.log(`package-lock.json: ${after === before ? "nothing to do" : "completed"}`);
