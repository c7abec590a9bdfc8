import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ExtendedSchedule } from "../src/receiving/extended-schedule.ts";

describe("the last acknowledgement before a pause", () => {
  /** Times at which acknowledgements leave in the two seconds after 40 arrivals. */
  const repeats = (gapMs: number, losesEvery: number) => {
    const schedule = new ExtendedSchedule(() => 200);
    let nowMs = 0;
    for (let i = 1; i <= 40; i += 1) {
      nowMs += gapMs;
      schedule.handleArrival(i % losesEvery === 0 ? "hole" : "next", nowMs);
      schedule.handleSent(true, nowMs);
    }
    const sentAtMs: number[] = [];
    for (const endMs = nowMs + 2000; nowMs < endMs; nowMs += 1) {
      if (schedule.deadlineMs > nowMs) continue;
      schedule.handleSent(true, nowMs);
      sentAtMs.push(nowMs);
    }
    return sentAtMs;
  };

  it("is repeated less and less often where packets are lost, a dozen times", () => {
    const times = repeats(10, 10);
    assert.ok(times.length >= 8 && times.length <= 12, `${times.length}`);
    const gaps = times.slice(1).map((time, i) => time - times[i]!);
    for (const [i, gap] of gaps.slice(1).entries()) assert.ok(gap >= gaps[i]!, gaps.join());
  });

  it("is not repeated on a path without losses, nor for messages that come now and then", () => {
    assert.deepEqual(repeats(10, 1000), []);
    assert.deepEqual(repeats(50, 10), []);
  });
});
