import assert from "node:assert/strict";
import { test } from "node:test";
import { codingGates, fairnessGates, jain, legacyGates } from "../src/matrix/gates.ts";
import { PROFILES } from "../src/matrix/profiles.ts";
import type { Cell, Result } from "../src/matrix/run.ts";
import { summarise } from "../src/matrix/summary.ts";

function cell(name: string): Cell {
  const profile = PROFILES.find((one) => one.name === name)!;
  return { profile, peer: "ext", engine: "wasm", config: { coding: "auto" }, coding: "auto", flows: 1 };
}

/** A run that gave these figures. */
function result(figures: Partial<Result>): Result {
  return {
    profile: "P2",
    peer: "ext",
    coding: "auto",
    seed: 1,
    goodputKbps: 9000,
    limitKbps: 9309,
    share: 0.97,
    p50Ms: 50,
    p99Ms: 100,
    overhead: 0,
    queueMs: 5,
    completed: true,
    work: "transfer",
    elapsedMs: 1000,
    returnMs: 0,
    flowsKbps: [9000],
    simulatedMs: 1000,
    ...figures,
  };
}

test("Jain's index is 1 for equals, 1/n if one has all, and 0 of nothing", () => {
  assert.equal(jain([3, 3, 3]), 1);
  assert.equal(jain([5, 0]), 0.5);
  assert.equal(jain([0, 0]), 0);
});

test("towards a deployed peer: 8 times on P2, 3 on P3 and P6, nothing asked elsewhere", () => {
  for (const [name, factor] of [
    ["P2", 8],
    ["P3", 3],
    ["P6", 3],
  ] as const) {
    const [gate] = legacyGates(cell(name));
    const judge = (kbps: number) =>
      gate!.judge(({ peer }) => [result({ goodputKbps: peer === "legacy" ? kbps : 100 })]);
    assert.equal(judge(100 * factor).met, true);
    assert.equal(judge(100 * factor - 1).met, false);
  }
  assert.deepEqual(legacyGates(cell("P7")), []);
});

test("two flows need an index of 0.9, and a Reno flow a quarter of a link with a queue of one BDP", () => {
  const [two, reno] = fairnessGates(cell("P2"));
  const judge = (gate: typeof two, flowsKbps: readonly number[]) =>
    gate!.judge(() => [result({ flowsKbps, limitKbps: 8000 })]).met;
  assert.equal(judge(two, [4000, 2200]), true);
  assert.equal(judge(two, [4000, 1800]), false);
  assert.equal(judge(reno, [6000, 2000]), true);
  assert.equal(judge(reno, [6000, 1999]), false);
  assert.equal(reno!.cells[0]!.profile.link.queuePackets, 34);
});

test("coding may cost half a hundredth of the limit and a twentieth of a time, no more", () => {
  const judge = (name: string, withIt: Partial<Result>, without: Partial<Result>) =>
    codingGates([cell(name)])[0]!.judge(({ coding }) => [result(coding === "off" ? without : withIt)]).met;
  assert.equal(judge("P2", { share: 0.956 }, { share: 0.96 }), true);
  assert.equal(judge("P2", { share: 0.954 }, { share: 0.96 }), false);
  assert.equal(judge("S7", { limitKbps: 0, elapsedMs: 104 }, { limitKbps: 0, elapsedMs: 100 }), true);
  assert.equal(judge("S7", { limitKbps: 0, elapsedMs: 106 }, { limitKbps: 0, elapsedMs: 100 }), false);
  assert.equal(judge("S9", { p99Ms: 106 }, { p99Ms: 100 }), false);
});

test("a profile is met if the median share, the queue and the return are, and every seed completed", () => {
  const good = { share: 0.96, queueMs: 30, returnMs: 300 };
  const judge = (...runs: Partial<Result>[]) => summarise(cell("P12"), runs.map(result), true);
  assert.equal(judge(good).met, true);
  assert.deepEqual(judge({ ...good, share: 0.94 }).missed, ["0.95"]);
  assert.deepEqual(judge({ ...good, queueMs: 31 }).missed, ["queue 30 ms"]);
  assert.deepEqual(judge({ ...good, returnMs: 301 }).missed, ["return 300 ms"]);
  assert.equal(judge(good, good, { ...good, share: 0.1 }).met, true, "the median counts");
  assert.equal(judge(good, good, { ...good, completed: false }).met, false, "but each has to complete");
});

test("the worst seed is the one with the least share and the longest time", () => {
  const { median, worst } = summarise(
    cell("P2"),
    [
      result({ share: 0.9, elapsedMs: 3 }),
      result({ share: 0.8, elapsedMs: 1 }),
      result({ share: 0.7, elapsedMs: 2 }),
    ],
    true,
  );
  assert.deepEqual([median.share, worst.share, median.elapsedMs, worst.elapsedMs], [0.8, 0.7, 2, 3]);
});
