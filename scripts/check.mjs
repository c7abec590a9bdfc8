// `npm run check`: everything that can be judged without running a test. Changes nothing; `npm run fix` does.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ensure, line, root, run, tool } from "./ensure.mjs";

await ensure();
// These need what ensure() installs.
const [
  { checkGlobals },
  { checkImports },
  { middle },
  { checkLock },
  { parse },
  { checkSizes },
  { checkTracked },
] = await Promise.all(
  ["globals", "imports", "layers", "lock", "parse", "sizes", "tracked"].map(
    (name) => import(`./check/${name}.mjs`),
  ),
);

const before = await stateOfTree();
const paths = await listFiles();
const texts = new Map(paths.map((path) => [path, readFileSync(join(root, path), "utf8")]));
const sources = paths
  .filter((path) => /\.(ts|mts|tsx|js|mjs)$/.test(path))
  .map((path) => parse(path, texts.get(path)));
const inPackages = sources.filter(({ fileName }) => /^(packages|apps)\/[^/]+\/[^/]+\//.test(fileName));

let isFailed = false;
await check("style", () => command(tool("@biomejs/biome/bin/biome", "check", "--error-on-warnings", ".")));
await check("imports", () => inPackages.flatMap((source) => checkImports(source, readManifests())));
await check("globals", () => inPackages.filter(isMiddle).flatMap(checkGlobals));
await check("sizes", () => sources.flatMap(checkSizes));
await check("types", () => command(tool("typescript/bin/tsc", "--noEmit", "-p", "tsconfig.check.json")));
await check("module", () => command([process.execPath, "packages/wasm-core/scripts/verify.mjs"]));
await check("lock", () => checkLock(JSON.parse(texts.get("package-lock.json"))));
await check("tracked", () => [...texts].flatMap(([path, text]) => checkTracked(path, text)));
await check("unchanged", async () =>
  (await stateOfTree()) === before
    ? []
    : ["the check itself, or somebody meanwhile, changed a file: see git status"],
);
process.exitCode = isFailed ? 1 : 0;

/** Run one check, which returns a list of problems, and print its line. */
async function check(name, find) {
  const startMs = Date.now();
  const problems = await find();
  line(name, problems.length === 0 ? "ok" : "FAILED", startMs);
  for (const problem of problems) console.log(`  ${problem}`);
  if (problems.length > 0) isFailed = true;
}

/** A command as a check: its output is the problem if it fails. */
async function command(words) {
  const { code, output } = await run(words);
  return code === 0 ? [] : [output.trimEnd().replaceAll("\n", "\n  "), `exit ${code}`];
}

function isMiddle({ fileName }) {
  const [, name, part] = fileName.split("/");
  return middle.includes(name) && part === "src";
}

/** Tracked text files, and those that would be with `git add`, as paths relative to the repository. */
async function listFiles() {
  const { code, output } = await run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
  if (code !== 0) throw new Error(`git ls-files: ${output}`);
  const isText = (path) => !/\.(png|ico|wasm|woff2?|gz|bin)$/.test(path);
  return [...new Set(output.split("\0"))].filter(
    (path) => path !== "" && isText(path) && existsSync(join(root, path)),
  );
}

/** package.json of every workspace, by the folder's name; the repository's own under "". */
function readManifests() {
  const names = paths.filter((path) => /^((packages|apps)\/[^/]+\/)?package\.json$/.test(path));
  return Object.fromEntries(names.map((path) => [path.split("/").at(-2) ?? "", JSON.parse(texts.get(path))]));
}

/** A digest of what git sees of the tree: names, states and changes. */
async function stateOfTree() {
  const { output: names } = await run(["git", "status", "--porcelain", "--untracked-files=all"]);
  const { output: changes } = await run(["git", "diff", "HEAD"]);
  return createHash("sha256").update(names).update(changes).digest("hex");
}
