import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemClock } from "../src/clock.ts";
import { systemEntropy } from "../src/entropy.ts";

describe("the system clock", () => {
  it("never goes backwards", () => {
    let last = systemClock.now();
    for (let i = 0; i < 10_000; i++) {
      const now = systemClock.now();
      assert.ok(now >= last);
      last = now;
    }
  });

  it("never wakes early by its own time, and wakes once", async () => {
    const delaysMs = [0.1, 0.5, 0.9, 1, 1.5, 2.2, 3.7, 5, 7.3, 11.1];
    await Promise.all(
      Array.from({ length: 20 }, () => delaysMs)
        .flat()
        .map(async (delayMs, i) => {
          const atMs = systemClock.now() + delayMs + (i % 7) / 8;
          let wakes = 0;
          await new Promise<void>((resolve) => {
            systemClock.setTimer(atMs, () => {
              wakes++;
              resolve();
            });
          });
          assert.ok(systemClock.now() >= atMs, `${atMs - systemClock.now()} ms early`);
          await new Promise((resolve) => setTimeout(resolve, 5));
          assert.equal(wakes, 1);
        }),
    );
  });

  it("does not wake early either while the event loop turns and turns", async () => {
    let isDone = false;
    const spin = () => isDone || setImmediate(spin);
    spin();
    for (let i = 0; i < 100; i++) {
      const atMs = systemClock.now() + 1 + (i % 17) / 16;
      await new Promise<void>((resolve) => systemClock.setTimer(atMs, resolve));
      assert.ok(systemClock.now() >= atMs, `${atMs - systemClock.now()} ms early`);
    }
    isDone = true;
  });

  it("wakes for a time that has passed as well, but not from within the call", async () => {
    for (const atMs of [systemClock.now(), systemClock.now() - 1000, Number.NEGATIVE_INFINITY]) {
      let isWithin = true;
      await new Promise<void>((resolve) => {
        systemClock.setTimer(atMs, () => {
          assert.ok(!isWithin);
          resolve();
        });
        isWithin = false;
      });
    }
  });

  it("does not wake when cancelled, however near or far the time; cancelling twice is nothing", async () => {
    for (const atMs of [systemClock.now(), systemClock.now() + 2, systemClock.now() + 2 ** 40, Infinity]) {
      const timer = systemClock.setTimer(atMs, () => assert.fail("woke"));
      timer.cancel();
      timer.cancel();
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  });
});

describe("the system's entropy", () => {
  it("fills all of the bytes given and nothing else, each time otherwise", () => {
    const seen = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const bytes = new Uint8Array(48);
      systemEntropy.fill(bytes.subarray(8, 40));
      assert.ok(bytes.subarray(0, 8).every((byte) => byte === 0));
      assert.ok(bytes.subarray(40).every((byte) => byte === 0));
      seen.add(bytes.toString());
    }
    assert.equal(seen.size, 100);
  });
});
