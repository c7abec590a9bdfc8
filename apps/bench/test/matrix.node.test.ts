import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../src/matrix/main.ts", import.meta.url));
const matrix = (...args: string[]) =>
  spawnSync(process.execPath, ["--import", "tsx", main, ...args], { encoding: "utf8", timeout: 60_000 });

test("a run that completes ends with 0, and prints a line for each seed and one for the cell", () => {
  const { status, stdout } = matrix("--link", '{"delayMs":5,"bytes":20000}', "--seeds", "2", "--json");
  assert.equal(status, 0);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ seed, summary }) => seed ?? summary),
    [1, 2, true],
  );
  assert.equal(lines[2].median.limitKbps, 0);
  assert.equal(lines[2].worst.elapsedMs, Math.max(lines[0].elapsedMs, lines[1].elapsedMs));
});

test("a run that does not complete ends with 1, and the table says so", () => {
  const { status, stdout } = matrix(
    "--link",
    '{"loss":{"model":"bernoulli","p":1},"bytes":2000}',
    "--seeds",
    "1",
  );
  assert.equal(status, 1);
  assert.match(stdout, /NOT COMPLETED \(the connection failed/);
});

test("wrong usage ends with 2, help with 0", () => {
  const wrong = matrix("--profile", "P99");
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /there are P1, P2/);
  assert.equal(matrix("--help").status, 0);
});

for (const name of ["links", "emulation"]) {
  test(`npm run bench -- ${name}: wrong usage ends with 2, help with 0`, () => {
    const script = fileURLToPath(new URL(`../src/${name}/main.ts`, import.meta.url));
    const bench = (...args: string[]) =>
      spawnSync(process.execPath, ["--import", "tsx", script, ...args], {
        encoding: "utf8",
        timeout: 60_000,
      });
    assert.equal(bench("--nonsense").status, 2);
    const help = bench("--help");
    assert.equal(help.status, 0);
    assert.match(help.stdout, /--update-docs/);
  });
}
