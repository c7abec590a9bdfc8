// `npm start`: on a fresh clone too, the main job from end to end (docs/architecture.md, "Commands").
import { join } from "node:path";
import { ensure, root, run } from "./ensure.mjs";

await ensure();
const { code } = await run([process.execPath, join(root, "scripts/main-job/main.mjs")], { inherit: true });
process.exitCode = code;
