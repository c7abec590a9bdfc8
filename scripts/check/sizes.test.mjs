import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "./parse.mjs";
import { checkSizes } from "./sizes.mjs";

function linesOf(count) {
  return "run();\n".repeat(count);
}

function problems(text, path = "packages/msp/src/a.ts") {
  return checkSizes(parse(path, text));
}

test("a file of 500 lines passes, one of 501 does not", () => {
  assert.deepEqual(problems(linesOf(500)), []);
  assert.equal(problems(linesOf(501)).length, 1);
});

test("a function of 70 lines passes, one of 71 does not, its comment aside", () => {
  assert.deepEqual(problems(`/** What\n * it does. */\nfunction a() {\n${linesOf(68)}}\n`), []);
  assert.match(problems(`class A {\n  b() {\n${linesOf(69)}}\n}\n`)[0], /a\.ts:2: b has 71 lines/);
});

test("in a test only the file counts", () => {
  const text = `test("x", () => {\n${linesOf(90)}});\n`;
  assert.deepEqual(problems(text, "packages/msp/test/a.test.ts"), []);
  assert.equal(problems(text).length, 1);
});
