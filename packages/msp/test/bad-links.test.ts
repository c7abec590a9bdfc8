import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SendWindow } from "@meshstream/wasm-core";
import { type PathView, RepairPolicy } from "../src/coding/repair-policy.ts";
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

describe("the tail of a burst", () => {
  /** Repairs within one round trip after the last of 20 messages, of which none is known to have arrived. */
  const repairs = (lossRatio: number) => {
    const window = {
      inFlightCount: 20,
      lostCount: 0,
      arrived: 0,
      base: 0,
      nextUnsent: 20,
      isArrived: () => false,
      sentAtMs: () => 0,
    } as unknown as SendWindow;
    const policy = new RepairPolicy(window, "auto");
    for (let sequence = 0; sequence < 20; sequence += 1) policy.handleSent(sequence, 0);
    let count = 0;
    for (let nowMs = 0; nowMs < 240; nowMs += 5) {
      const path: PathView = {
        nowMs,
        lossRatio,
        srttMs: 200,
        minRttMs: 200,
        windowPackets: 40,
        isEnding: false,
      };
      if (policy.poll(path) !== undefined) count += 1;
    }
    return count;
  };

  it("gets one more repair for each message in a round trip where a fifth is lost, and no such where little is", () => {
    const [many, block] = [repairs(0.2), Math.ceil(20 * (1.5 * 0.25 + 0.02))];
    assert.ok(many > block + 15 && many <= block + 20, `${many}, ${block} of them for the block`);
    assert.equal(repairs(0.01), 1);
  });
});
