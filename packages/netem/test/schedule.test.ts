import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type LinkConfig, schedule, VirtualClock } from "../src/index.ts";

function createTarget(clock: VirtualClock) {
  const changes: [number, Partial<LinkConfig>][] = [];
  return { changes, configure: (change: Partial<LinkConfig>) => changes.push([clock.now(), change]) };
}

const ON_OFF = [
  { forMs: 5000, config: { up: true } },
  { forMs: 2000, config: { up: false } },
];

describe("schedule", () => {
  it("goes through its phases over and over, and stops when cancelled", () => {
    const clock = new VirtualClock(100);
    const target = createTarget(clock);
    const handle = schedule(clock, target, ON_OFF, { repeat: true });
    clock.runUntil(12_500);
    handle.cancel();
    clock.runUntil(50_000);
    assert.deepEqual(target.changes, [
      [100, { up: true }],
      [5100, { up: false }],
      [7100, { up: true }],
      [12_100, { up: false }],
    ]);
  });

  it("without repeat, the last phase stays", () => {
    const clock = new VirtualClock();
    const target = createTarget(clock);
    schedule(clock, target, ON_OFF);
    clock.runUntil(50_000);
    assert.deepEqual(target.changes, [
      [0, { up: true }],
      [5000, { up: false }],
    ]);
    assert.equal(clock.pendingCount, 0);
  });

  it("refuses no phases, and a phase without a duration", () => {
    const clock = new VirtualClock();
    const target = createTarget(clock);
    assert.throws(() => schedule(clock, target, []), RangeError);
    assert.throws(() => schedule(clock, target, [{ forMs: 0, config: {} }], { repeat: true }), /forMs: 0/);
    assert.throws(
      () => schedule(clock, target, [{ forMs: Number.POSITIVE_INFINITY, config: {} }]),
      RangeError,
    );
    assert.deepEqual(target.changes, []);
  });
});
