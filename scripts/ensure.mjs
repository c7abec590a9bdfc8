// What `npm start`, `npm test` and `npm run check` do first: install and build what is missing. It runs
// before anything is installed, so it imports nothing but Node.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The repository's folder. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/**
 * Bring node_modules and every package's dist up to date; prints one line for each, by `print`. Ends the process if it
 * cannot.
 */
export async function ensure({ print = console.log } = {}) {
  if (Number(process.versions.node.split(".")[0]) < 20) {
    stop(`Node 20 or newer is needed, this is ${process.versions.node}`);
  }
  if (isInstalled()) line("install", "nothing to do", undefined, print);
  else await step("install", npm("ci", "--ignore-scripts", "--no-audit", "--no-fund"), print, () => "npm ci");
  await step(
    "build",
    tool("turbo/bin/turbo", "run", "build", "--output-logs=errors-only"),
    print,
    (output) => {
      const [, cached, total] = output.match(/Cached:\s+(\d+) cached, (\d+) total/) ?? [];
      return `${total} packages, ${cached} of them unchanged`;
    },
  );
}

/**
 * Whether node_modules holds what the lock file names. npm leaves its own account of the folder there, as its last
 * act, so an install that was cut short or is out of date is seen. Packages for other systems may be missing.
 */
function isInstalled() {
  const installedFile = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installedFile)) return false;
  const locked = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(installedFile, "utf8")).packages;
  const same = (path) =>
    locked[path]?.version === installed[path].version &&
    locked[path]?.integrity === installed[path].integrity;
  const missing = (path) => path !== "" && !(path in installed) && !locked[path].optional;
  return Object.keys(installed).every(same) && !Object.keys(locked).some(missing);
}

/** Command line of this Node's npm. No install scripts: nothing that we use needs them, and some would download. */
function npm(...args) {
  const cli = process.env.npm_execpath;
  return cli?.endsWith(".js") ? [process.execPath, cli, ...args] : ["npm", ...args];
}

/** Command line of a tool from node_modules that is a Node script. */
export function tool(path, ...args) {
  return [process.execPath, join(root, "node_modules", path), ...args];
}

/** Run a command and tell of it in one line; on failure print its output and end the process. */
async function step(name, command, print, summary) {
  const startMs = Date.now();
  const { code, output } = await run(command);
  if (code !== 0) {
    console.error(output);
    stop(`${name} failed (exit ${code})`);
  }
  line(name, summary(output), startMs, print);
}

/**
 * Run a command in the repository. Resolves to its exit code and all that it printed. With `inherit` it prints by
 * itself; with `unless`, what it prints is passed on, except the lines that match.
 */
export function run([program, ...args], { inherit = false, unless, env = {} } = {}) {
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DENO_NO_UPDATE_CHECK: "1", ...env },
    stdio: inherit ? "inherit" : ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  }
  if (unless !== undefined) {
    const pass = (input) =>
      createInterface({ input }).on("line", (text) => unless.test(text) || console.log(text));
    pass(child.stdout);
    pass(child.stderr);
  }
  return new Promise((resolve) => {
    child.on("error", ({ message }) => {
      if (inherit || unless !== undefined) console.error(`${program}: ${message}`);
      resolve({ code: 127, output: `${output}${message}\n` });
    });
    child.on("close", (code, signal) => resolve({ code: code ?? 128, signal, output }));
  });
}

/** One line of progress: a name, what happened, and the seconds since `startMs` if given. */
export function line(name, text, startMs, print = console.log) {
  const seconds = startMs === undefined ? "" : `  ${((Date.now() - startMs) / 1000).toFixed(1)} s`;
  print(`${name.padEnd(10)} ${text}${seconds}`);
}

function stop(text) {
  console.error(text);
  process.exit(1);
}
