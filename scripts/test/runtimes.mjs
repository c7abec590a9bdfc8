// How each runtime runs a list of test files, and how its result is counted. The numbers come from what each runner
// writes for machines; the exit code has the last word, since a file that crashes on loading is in no report.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, run, tool } from "../ensure.mjs";
import { countJunit, countNode } from "./counts.mjs";

/** Whether a test file is for Node alone: it says so in its name, or it tests the scripts. */
export function nodeOnly(file) {
  return file.endsWith(".node.test.ts") || file.endsWith(".test.mjs");
}

/** A test that takes so long hangs. (Bun's own limit of 5 s is too short for a busy machine; Deno has none.) */
const hangMs = 600_000;

/** Each runs `files` (paths relative to the repository) and resolves to {passed, failed, skipped, why?}. */
export const runtimes = {
  node: (files) =>
    runTests(countNode, (report) => [
      process.execPath,
      ...["--import", "tsx", "--test", "--test-concurrency=2", `--test-timeout=${hangMs}`],
      ...["--test-reporter=spec", "--test-reporter-destination=stdout"],
      ...["--test-reporter=./scripts/test/reporter.mjs", `--test-reporter-destination=${report}`],
      ...files,
    ]),
  deno: (files) =>
    runTests(
      countJunit,
      (report) => [
        ...tool("deno/bin.cjs", "test", "--no-check", "-A", "--no-lock", "--reporter=dot"),
        `--junit-path=${report}`,
        ...files,
      ],
      { unless: /^\.?$/, env: { NO_COLOR: "1" } }, // into a pipe it writes each dot on a line of its own
    ),
  bun: (files) =>
    runTests(countJunit, (report) => [
      ...[
        bunBinary(),
        "test",
        "--dots",
        `--timeout=${hangMs}`,
        "--reporter=junit",
        `--reporter-outfile=${report}`,
      ],
      ...files.map((file) => `./${file}`),
    ]),
};

/** Run one runner. Anything that leaves it without a passed test, or with an exit code but no failed one, counts as one failure. */
async function runTests(count, command, options = { inherit: true }) {
  const folder = mkdtempSync(join(tmpdir(), "meshstream-test-"));
  try {
    const report = join(folder, "report");
    const { code } = await run(command(report), options);
    const counts = existsSync(report)
      ? count(readFileSync(report, "utf8"))
      : { passed: 0, failed: 0, skipped: 0 };
    if (counts.failed > 0) return counts;
    if (code !== 0) return { ...counts, failed: 1, why: `the runner ended with exit code ${code}` };
    if (counts.passed === 0) return { ...counts, failed: 1, why: "no test ran" };
    return counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Bun's program comes in a package for the system; Bun's own install script, if it ran, has moved it from there. */
function bunBinary() {
  const modules = join(root, "node_modules");
  const systems = existsSync(join(modules, "@oven")) ? readdirSync(join(modules, "@oven")) : [];
  const places = systems.flatMap((system) => [`@oven/${system}/bin/bun`, `@oven/${system}/bin/bun.exe`]);
  const place = places.find((candidate) => existsSync(join(modules, candidate)));
  return join(modules, place ?? "bun/bin/bun.exe");
}
