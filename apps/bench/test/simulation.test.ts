import assert from "node:assert/strict";
import { test } from "node:test";
import { DeployedGuard, ForbiddenError } from "../src/matrix/deployed-guard.ts";
import { PROFILES, type Profile } from "../src/matrix/profiles.ts";
import { type Cell, run } from "../src/matrix/run.ts";

const small: Profile = {
  name: "small",
  title: "a short transfer",
  link: {
    rateBitsPerSecond: 5e6,
    delayMs: 10,
    jitterMs: 2,
    queuePackets: 40,
    loss: { model: "bernoulli", p: 0.05 },
  },
  bytes: 200_000,
};

function cell(profile: Profile, more: Partial<Cell> = {}): Cell {
  return { profile, peer: "ext", engine: "wasm", config: {}, coding: "auto", flows: 1, ...more };
}

/** One message, on a link that is as slow as a packet of so many bytes is long: it takes a second. */
const oneMessage = (bytes: number, onLinkBytes: number) =>
  cell(
    { name: "one", title: "", link: { rateBitsPerSecond: 8 * onLinkBytes, delayMs: 0 }, bytes: 0 },
    { messages: { perSecond: 1, bytes, forMs: 1000 } },
  );

for (const [bytes, onLinkBytes] of [
  [1024, 1100],
  [200, 276],
] as const) {
  test(`a message of ${bytes} bytes weighs ${onLinkBytes} on the link`, async () => {
    const result = await run(oneMessage(bytes, onLinkBytes), 1);
    assert.ok(Math.abs(result.p50Ms - 1000) < 2, `${result.p50Ms} ms`);
  });
}

for (const peer of ["ext", "legacy", "deployed-both"] as const) {
  test(`a cell and a seed give the same line, on both engines: ${peer}`, async () => {
    const [first, again, twin] = [
      await run(cell(small, { peer }), 3),
      await run(cell(small, { peer }), 3),
      await run(cell(small, { peer, engine: "ts" }), 3),
    ];
    assert.deepEqual(again, first);
    assert.deepEqual(twin, first);
    assert.equal(first.completed, true);
    assert.notEqual((await run(cell(small, { peer }), 4)).elapsedMs, first.elapsedMs);
  });
}

test("a line has these fields, in this order", async () => {
  const line = JSON.parse(JSON.stringify(await run(cell(small), 1)));
  assert.equal(
    Object.keys(line).join(" "),
    "profile peer coding seed goodputKbps limitKbps share p50Ms p99Ms overhead queueMs completed work elapsedMs returnMs flowsKbps simulatedMs",
  );
  for (const [name, value] of Object.entries(line)) assert.notEqual(value, null, name);
});

test("the share is the goodput over the limit, and the goodput counts from the first send call", async () => {
  const { goodputKbps, limitKbps, share, elapsedMs } = await run(cell(small), 1);
  assert.equal(share, goodputKbps / limitKbps);
  const messages = Math.ceil(small.bytes / 1024);
  assert.ok(Math.abs(goodputKbps - (messages * 1024 * 8) / elapsedMs) < 1e-6);
  assert.ok(share > 0.3 && share < 1);
});

test("a transfer that was cut short counts all the time that it had", async () => {
  const result = await run(cell({ ...small, withinMs: 200 }), 1);
  assert.equal(result.completed, false);
  assert.equal(result.elapsedMs, 200);
});

test("a link without a rate has no limit", async () => {
  const { limitKbps, share, completed } = await run(
    cell({ ...small, link: { delayMs: 5, loss: { model: "bernoulli", p: 0.1 } } }),
    1,
  );
  assert.deepEqual({ limitKbps, share, completed }, { limitKbps: 0, share: 0, completed: true });
});

test("a link that never comes back to life is a run that did not complete, with a reason", async () => {
  const dead = cell({ ...small, link: { ...small.link, loss: { model: "bernoulli", p: 1 } } });
  const { completed, failure } = await run(dead, 1);
  assert.equal(completed, false);
  assert.match(failure ?? "", /the connection failed/);
});

test("a blackhole does not let the share exceed 1, and the wait after its return is seen", async () => {
  const p12 = PROFILES.find(({ name }) => name === "P12")!;
  const { share, returnMs, completed } = await run(cell({ ...p12, bytes: 8e6 }), 1);
  assert.equal(completed, true);
  assert.ok(share > 0.5 && share <= 1, `share ${share}`);
  // The least: what is offered after the return crosses once.
  assert.ok(returnMs >= 15 && returnMs < 5000, `${returnMs} ms`);
});

test("flows that last are counted in the second half alone, and fill the link together", async () => {
  const { flowsKbps, limitKbps, work } = await run(cell(small, { flows: 2, lastsMs: 20_000 }), 1);
  assert.equal(work, "20 s");
  assert.equal(flowsKbps.length, 2);
  const total = flowsKbps[0]! + flowsKbps[1]!;
  // A little more than the limit: what arrived in the first half may wait for a hole before it.
  assert.ok(total > 0.5 * limitKbps && total <= 1.1 * limitKbps, `${flowsKbps} of ${limitKbps}`);
});

test("what must not be sent to a deployed peer makes the run void", async (t) => {
  const { handleSent } = DeployedGuard.prototype;
  t.after(() => {
    DeployedGuard.prototype.handleSent = handleSent;
  });
  DeployedGuard.prototype.handleSent = () => {
    throw new ForbiddenError("as a test");
  };
  await assert.rejects(run(cell(small, { peer: "legacy" }), 1), /as a test/);
  assert.equal((await run(cell(small), 1)).completed, true, "between two of ours nothing is forbidden");
});
