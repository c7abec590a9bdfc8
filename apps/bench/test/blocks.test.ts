import assert from "node:assert/strict";
import { test } from "node:test";
import { markdownTable, replaceBlock } from "../src/docs/blocks.ts";

const text = "before\n<!-- links: begin -->\nold\n<!-- links: end -->\nafter\n";

test("only what is between the markers is replaced, and again the same way", () => {
  const once = replaceBlock(text, "links", "new\n");
  assert.equal(once, "before\n<!-- links: begin -->\nnew\n<!-- links: end -->\nafter\n");
  assert.equal(replaceBlock(once, "links", "new"), once);
});

test("markers that are missing, or there twice, are an error", () => {
  assert.throws(() => replaceBlock(text, "matrix", ""), /markers of "matrix"/);
  assert.throws(() => replaceBlock(text + text, "links", ""), /markers of "links"/);
});

test("a table has a line for its head, one below it, and one for each row", () => {
  assert.equal(markdownTable(["a", "b"], [["1", "2"]]), "| a | b |\n| --- | ---: |\n| 1 | 2 |");
});
