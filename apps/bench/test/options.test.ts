import assert from "node:assert/strict";
import { test } from "node:test";
import { CommanderError } from "commander";
import { parseRequest } from "../src/matrix/options.ts";
import { allCells } from "../src/matrix/plan.ts";

const parse = (...args: string[]) => parseRequest(args, 2);

for (const args of [
  ["--profile", "P99"],
  ["--seeds", "0"],
  ["--seeds", "many"],
  ["--peer", "somebody"],
  ["--coding", "maybe"],
  ["--sender", "fixed"],
  ["--messages", "20"],
  ["--messages", "20@2000"],
  ["--messages", "0@200"],
  ["--link", "{"],
  ["--link", "5"],
  ["--link", "null"],
  ["--link", '{"back":5}'],
  ["--link", '{"blackhole":null}'],
  ["--link", '{"delay":3}'],
  ["--link", '{"delayMs":-1}'],
  ["--link", '{"bytes":0}'],
  ["--link", '{"blackhole":{"onMs":0,"offMs":1}}'],
  ["--link", "{}", "--profile", "P1"],
  ["--peer", "legacy", "--gates"],
  ["--profile", "P1", "--update-docs"],
  ["--nonsense"],
]) {
  test(`wrong usage: ${args.join(" ")}`, () => {
    assert.throws(
      () => parse(...args),
      (error: unknown) => error instanceof CommanderError && error.exitCode !== 0,
    );
  });
}

test("without arguments: all fourteen rows, and what the gates need", () => {
  const { plan, seeds, checksGoals } = parse();
  assert.deepEqual(
    plan.cells.map(({ profile }) => profile.name).join(" "),
    "P1 P2 P3 P4 P5 P6 P7 P8 P9 P10 P11 P12 S7 S9",
  );
  assert.equal(plan.latencyCells.length, 12);
  assert.equal(plan.gates.length, 3 + 2 + 14 + 12);
  assert.equal(seeds.length, 3);
  assert.equal(checksGoals, true);
  const cells = allCells(plan);
  assert.equal(new Set(cells).size, cells.length);
});

test("a profile alone is run alone, unless the gates are asked for", () => {
  assert.equal(allCells(parse("--profile", "P3").plan).length, 1);
  assert.equal(parse("--profile", "P3", "--gates").plan.gates.length, 3);
  assert.equal(allCells(parse("--no-gates").plan).length, 14);
});

test("the choice of coding and sender reaches the configuration", () => {
  const { config, coding } = parse("--coding", "off", "--sender", "reno").plan.cells[0]!;
  assert.deepEqual([config, coding], [{ coding: "off", sender: "reno" }, "off"]);
});

test("the way back is like the way there, but for what is said of it", () => {
  const { profile } = parse("--link", '{"delayMs":5,"back":{"rateBitsPerSecond":64000}}').plan.cells[0]!;
  assert.deepEqual(profile.link, { delayMs: 5 });
  assert.deepEqual(profile.back, { delayMs: 5, rateBitsPerSecond: 64_000 });
});

test("seeds count from the first one", () => {
  assert.deepEqual(parse("--seeds", "3", "--from", "7").seeds, [7, 8, 9]);
});
