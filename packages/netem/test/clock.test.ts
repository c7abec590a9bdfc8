import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom, VirtualClock } from "../src/index.ts";

describe("VirtualClock", () => {
  it("wakes timers in order of deadline, and equal deadlines in the order in which they were set", () => {
    for (const seed of [1, 2, 3]) {
      const random = createRandom(seed);
      const clock = new VirtualClock();
      const expected: { atMs: number; order: number }[] = [];
      const woken: { atMs: number; order: number }[] = [];
      for (let order = 0; order < 1000; order++) {
        const timer = { atMs: random.below(50), order };
        const handle = clock.setTimer(timer.atMs, () => {
          assert.equal(clock.now(), timer.atMs);
          woken.push(timer);
        });
        if (random.below(3) === 0) handle.cancel();
        else expected.push(timer);
      }
      assert.equal(clock.pendingCount, expected.length);
      expected.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      while (clock.step());
      assert.deepEqual(woken, expected, `seed ${seed}`);
      assert.equal(clock.pendingCount, 0);
    }
  });

  it("never wakes from within setTimer; a deadline in the past counts as now", () => {
    const clock = new VirtualClock(100);
    const woken: string[] = [];
    clock.setTimer(100, () => woken.push("first"));
    clock.setTimer(-5, () => woken.push("late"));
    assert.deepEqual(woken, []);
    clock.runUntil(100);
    assert.deepEqual(woken, ["first", "late"]);
    assert.equal(clock.now(), 100);
  });

  it("lets a wake function set and cancel timers, for the same instant too", () => {
    const clock = new VirtualClock();
    const woken: string[] = [];
    const doomed = clock.setTimer(10, () => woken.push("doomed"));
    clock.setTimer(5, () => {
      woken.push("a");
      doomed.cancel();
      clock.setTimer(5, () => woken.push("b"));
    });
    clock.runUntil(20);
    assert.deepEqual(woken, ["a", "b"]);
    doomed.cancel();
  });

  it("steps one timer at a time, and not at all when there is none or it lies at infinity", () => {
    const clock = new VirtualClock();
    assert.equal(clock.step(), false);
    clock.setTimer(Number.POSITIVE_INFINITY, () => assert.fail());
    assert.equal(clock.step(), false);
    clock.setTimer(3.5, () => {});
    clock.setTimer(3.5, () => {});
    assert.equal(clock.step(), true);
    assert.equal(clock.pendingCount, 2);
    assert.equal(clock.nextMs, 3.5);
    assert.equal(clock.now(), 3.5);
    clock.runUntil(Number.POSITIVE_INFINITY);
    assert.equal(clock.now(), 3.5);
  });

  it("runUntil passes the time even without timers, never backwards", () => {
    const clock = new VirtualClock();
    clock.runUntil(50);
    clock.runUntil(20);
    assert.equal(clock.now(), 50);
  });

  it("runWhile stops at once when the condition no longer holds, or when the limit has gone by", () => {
    const clock = new VirtualClock();
    let ticks = 0;
    const tick = (): void => {
      ticks += 1;
      clock.setTimer(clock.now() + 10, tick);
    };
    tick();
    assert.equal(
      clock.runWhile(() => ticks < 4, 1000),
      true,
    );
    assert.equal(clock.now(), 30);
    assert.equal(
      clock.runWhile(() => ticks < 1000, 100),
      false,
    );
    assert.equal(clock.now(), 130);
    assert.equal(ticks, 14);
    assert.equal(
      new VirtualClock().runWhile(() => true, 100),
      false,
    );
  });

  it("runWhileAsync lets promises settle before time moves on", async () => {
    const clock = new VirtualClock();
    const sleep = (ms: number) => new Promise<void>((go) => clock.setTimer(clock.now() + ms, go));
    let wokenAtMs: number[] | undefined;
    void (async () => {
      const times: number[] = [];
      for (let i = 0; i < 3; i++) {
        await sleep(10);
        await null;
        times.push(clock.now());
      }
      wokenAtMs = times;
    })();
    clock.setTimer(500, () => {});
    const turn = () => new Promise((go) => setTimeout(go, 0));
    assert.equal(await clock.runWhileAsync(() => wokenAtMs === undefined, 1000, turn), true);
    assert.deepEqual(wokenAtMs, [10, 20, 30]);
    assert.equal(await clock.runWhileAsync(() => true, 1000, turn), false);
    assert.equal(clock.now(), 1030);
    let settled = false;
    void Promise.resolve().then(() => {
      settled = true;
    });
    assert.equal(await clock.runWhileAsync(() => !settled, 1000, turn), true);
    assert.equal(clock.now(), 1030);
  });

  it("throws instead of hanging when a timer re-arms itself in place for ever", () => {
    const clock = new VirtualClock(7);
    const again = (): void => {
      clock.setTimer(7, again);
    };
    again();
    assert.throws(() => clock.runUntil(8), /time stands still at 7 ms/);
  });

  it("does not take a long run for a loop", () => {
    const clock = new VirtualClock();
    let left = 1_100_000;
    const again = (): void => {
      left -= 1;
      if (left > 0) clock.setTimer(clock.now() + 0.001, again);
    };
    again();
    clock.runUntil(2000);
    assert.equal(left, 0);
  });

  it("passes on what a wake function throws, and the other timers stand", () => {
    const clock = new VirtualClock();
    let woken = false;
    clock.setTimer(1, () => {
      throw new Error("boom");
    });
    clock.setTimer(2, () => {
      woken = true;
    });
    assert.throws(() => clock.runUntil(5), /boom/);
    clock.runUntil(5);
    assert.ok(woken);
  });

  it("refuses NaN as a time", () => {
    assert.throws(() => new VirtualClock().setTimer(Number.NaN, () => {}), RangeError);
    assert.throws(() => new VirtualClock(Number.NaN), RangeError);
  });
});
