import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testPair } from "./rig.ts";

describe("the neighbour table", () => {
  it("tells the directions of a link apart: who misses what, and who is still heard", async () => {
    const { clock, segment, a, b, close } = await testPair({ link: { delayMs: 3 } });
    clock.runUntil(20_000);
    const row = (node: typeof a) => node.neighbours()[0]!;
    assert.deepEqual([row(a).dropPercent, row(a).heardDropPercent], [0, 0]);
    assert.ok(row(a).hearsUsAgoMs! < 600);
    assert.ok(row(a).packetsSent! >= 40 && row(a).packetsReceived! >= 40);
    segment.link("a", "b").configure({ loss: { model: "bernoulli", p: 0.5 } });
    clock.runUntil(60_000);
    assert.ok(row(a).dropPercent! >= 20, `a's packets that b missed: ${row(a).dropPercent} %`);
    assert.ok(row(b).heardDropPercent! >= 20, `what b missed of a: ${row(b).heardDropPercent} %`);
    assert.deepEqual([row(b).dropPercent, row(a).heardDropPercent], [0, 0]);
    segment.link("a", "b").configure({ loss: { model: "none" } });
    clock.runUntil(62_000);
    segment.link("a", "b").configure({ up: false });
    clock.runUntil(64_000);
    assert.ok(row(b).heardAgoMs > 1500, `a was heard ${row(b).heardAgoMs} ms ago`);
    assert.ok(row(a).heardAgoMs < 600, `b was heard ${row(a).heardAgoMs} ms ago`);
    await close();
  });

  it("says nothing of what it cannot know yet", async () => {
    const { clock, a, close } = await testPair({ link: { delayMs: 3 } });
    while (a.neighbours().length === 0) clock.step();
    const row = a.neighbours()[0]!;
    assert.equal(row.reachable, false);
    for (const name of ["hearsUsAgoMs", "dropPercent", "heardDropPercent", "acknowledgedInMs"])
      assert.ok(!(name in row), name);
    await close();
  });
});
