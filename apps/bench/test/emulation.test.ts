import assert from "node:assert/strict";
import { test } from "node:test";
import { compare, differs } from "../src/emulation/compare.ts";
import { simulated } from "../src/emulation/simulated.ts";
import { type Figures, figuresOf, intervalMs, type Stream } from "../src/emulation/stream.ts";

const link = { rateBitsPerSecond: 10e6, delayMs: 15, queuePackets: 25 };
const stream: Stream = { link, load: 0.8, packets: 2000 };

function near(actual: number, expected: number, within: number): void {
  assert.ok(Math.abs(actual - expected) <= within, `${actual} is not ${expected}`);
}

test("the pace is that of the load", () => {
  near(intervalMs({ ...stream, load: 1 }), 0.88, 1e-9);
  near(intervalMs(stream), 1.1, 1e-9);
});

test("a stream below the rate arrives whole, after its own time on the link and the delay", () => {
  const { rate, missing, p50Ms, p99Ms } = simulated(stream);
  near(rate, 0.8, 0.001);
  assert.equal(missing, 0);
  near(p50Ms, 15.88, 1e-6);
  near(p99Ms, 15.88, 1e-6);
});

test("a stream above the rate arrives at the rate, behind a full queue", () => {
  const { rate, missing, p50Ms } = simulated({ ...stream, load: 1.25 });
  near(rate, 1, 0.001);
  near(missing, 0.2, 0.02);
  // 25 wait and one is being sent, or a little less.
  near(p50Ms, 15 + 26 * 0.88, 0.88);
});

test("figures are those of what arrived", () => {
  const arrivals = [1, 2, 3, 4].map((tookMs, i) => ({ atMs: 0.88 * i, tookMs }));
  const { rate, missing, p50Ms, p99Ms } = figuresOf({ ...stream, packets: 5 }, arrivals);
  near(rate, 1, 1e-9);
  near(missing, 0.2, 1e-9);
  assert.deepEqual([p50Ms, p99Ms], [2, 4]);
});

test("emulators differ if one figure is beyond chance; a token bucket may save a packet's time", () => {
  const ours: Figures = { rate: 0.8, missing: 0.02, p50Ms: 20, p99Ms: 30 };
  const differ = (emulator: "ns-3" | "tc tbf", theirs: Partial<Figures>) =>
    differs(compare("P2", stream, emulator, ours, { ...ours, ...theirs }));
  assert.equal(differ("ns-3", {}), false);
  assert.equal(differ("ns-3", { rate: 0.82 }), true);
  assert.equal(differ("ns-3", { missing: 0.04 }), true);
  assert.equal(differ("ns-3", { p50Ms: 21 }), true);
  assert.equal(differ("tc tbf", { p50Ms: 21 }), false);
  assert.equal(differ("tc tbf", { p50Ms: 28 }), true);
});
