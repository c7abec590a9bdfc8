import assert from "node:assert/strict";
import { test } from "node:test";
import { countJunit, countNode } from "./counts.mjs";

function lines(...results) {
  return results
    .map((result) => `${JSON.stringify({ file: "/r/a.test.ts", isSuite: false, ...result })}\n`)
    .join("");
}

test("Node: tests count, suites do not", () => {
  const text = lines(
    { name: "one", outcome: "passed" },
    { name: "two", outcome: "skipped" },
    { name: "three", outcome: "failed" },
    { name: "suite", outcome: "failed", isSuite: true },
  );
  assert.deepEqual(countNode(text), { passed: 1, failed: 1, skipped: 1 });
});

test("Node: a suite that fails by itself is a failure", () => {
  const text = lines({ name: "suite", outcome: "failed", isSuite: true }, { name: "one", outcome: "passed" });
  assert.equal(countNode(text).failed, 1);
});

test("Node: a file without a test is a failure", () => {
  const { failed, why } = countNode(lines({ name: "/r/a.test.ts", outcome: "passed" }));
  assert.equal(failed, 1);
  assert.match(why, /a\.test\.ts/);
});

test("Deno: suites listed as cases do not count", () => {
  const text = `<testsuites name="deno test" tests="4" failures="1">
    <testcase name="suite" classname="./a.test.ts"></testcase>
    <testcase name="suite &gt; one" classname="x"></testcase>
    <testcase name="suite &gt; two" classname="x"><skipped/></testcase>
    <testcase name="three" classname="x"><failure message="1 &gt; 2">no</failure></testcase></testsuites>`;
  assert.deepEqual(countJunit(text), { passed: 1, failed: 1, skipped: 1 });
});

test("Bun: a name that begins like another counts all the same", () => {
  const text = `<testsuites name="bun test" tests="2">
    <testcase name="a" classname="x" /><testcase name="a &gt; b" classname="x" /></testsuites>`;
  assert.deepEqual(countJunit(text), { passed: 2, failed: 0, skipped: 0 });
});
