import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom, Link, schedule, VirtualClock } from "../src/index.ts";
import { createRig } from "./harness.ts";

const ids = (packets: readonly { id: number }[]) => packets.map(({ id }) => id);
const times = (packets: readonly { atMs: number }[]) => packets.map(({ atMs }) => atMs);

describe("rate and queue", () => {
  it("takes exactly 8000 n / rate milliseconds for n bytes, without drift over many packets", () => {
    const rig = createRig(1, { rateBitsPerSecond: 3e6, delayMs: 15, queuePackets: 20_000 });
    rig.offer(10_000, 1100);
    rig.clock.runUntil(1e6);
    assert.equal(rig.arrivals.length, 10_000);
    const expectedMs = 15 + (10_000 * 8000 * 1100) / 3e6;
    assert.ok(Math.abs(rig.arrivals.at(-1)!.atMs - expectedMs) < 1e-6);
  });

  it("sends a packet at once when idle, and never works ahead of time", () => {
    const rig = createRig(1, { rateBitsPerSecond: 8000 });
    rig.offer(1, 10);
    rig.clock.runUntil(1000);
    rig.offer(2, 10);
    rig.clock.runUntil(2000);
    assert.deepEqual(times(rig.arrivals), [10, 1010, 1020]);
  });

  it("keeps its rate on a clock that wakes late", () => {
    let nowMs = 0;
    const timers: { atMs: number; wake: () => void }[] = [];
    const clock = {
      now: () => nowMs,
      setTimer: (atMs: number, wake: () => void) => {
        timers.push({ atMs, wake });
        return { cancel: () => assert.fail() };
      },
    };
    let delivered = 0;
    const link = new Link<number>({
      clock,
      random: createRandom(1),
      config: { rateBitsPerSecond: 8000 },
      sizeBytes: (size) => size,
      deliver: () => {
        delivered += 1;
      },
    });
    for (let i = 0; i < 100; i++) link.send(1);
    // Wakes come at every seventh millisecond only.
    while (nowMs < 105) {
      nowMs += 7;
      for (const timer of timers.splice(0)) {
        if (timer.atMs <= nowMs) timer.wake();
        else timers.push(timer);
      }
    }
    assert.equal(delivered, 98); // sent by 98 ms, delivered at the next wake
  });

  it("drops the newest once queuePackets wait behind the one being sent", () => {
    const rig = createRig(1, { rateBitsPerSecond: 8000, queuePackets: 3 });
    rig.offer(10, 1);
    assert.equal(rig.link.queuedPackets, 4);
    assert.equal(rig.link.queuedBytes, 4);
    rig.clock.runUntil(100);
    assert.deepEqual(ids(rig.arrivals), [0, 1, 2, 3]);
    assert.deepEqual(
      rig.drops,
      [4, 5, 6, 7, 8, 9].map((id) => ({ id, reason: "queue" })),
    );
    assert.equal(rig.link.stats.droppedQueue, 6);
    assert.equal(rig.link.stats.queuePeakPackets, 4);
  });

  it("a queue of no packets still sends, one at a time", () => {
    const rig = createRig(1, { rateBitsPerSecond: 8000, queuePackets: 0 });
    rig.offer(3, 1);
    rig.clock.runUntil(1);
    rig.offer(1, 1);
    rig.clock.runUntil(10);
    assert.deepEqual(ids(rig.arrivals), [0, 3]);
  });

  it("limits the queue by bytes too: a smaller packet may fit where a larger one did not", () => {
    const rig = createRig(1, { rateBitsPerSecond: 8000, queueBytes: 100 });
    rig.offer(1, 500);
    rig.offer(1, 80);
    rig.offer(1, 30);
    rig.offer(1, 20);
    rig.clock.runUntil(1000);
    assert.deepEqual(ids(rig.arrivals), [0, 1, 3]);
  });

  it("drops packets above the MTU, before they take anything of the link", () => {
    const rig = createRig(1, { mtuBytes: 100, rateBitsPerSecond: 8000 });
    rig.offer(1, 101);
    rig.offer(1, 100);
    rig.clock.runUntil(1000);
    assert.deepEqual(rig.drops, [{ id: 0, reason: "mtu" }]);
    assert.deepEqual(times(rig.arrivals), [100]);
  });

  it("lets a lost packet use its share of the rate", () => {
    const rig = createRig(1, { rateBitsPerSecond: 8000, loss: { model: "bernoulli", p: 1 } });
    rig.offer(1, 50);
    rig.link.configure({ loss: { model: "bernoulli", p: 1 } });
    rig.offer(1, 50);
    rig.clock.runUntil(50);
    rig.link.configure({ loss: { model: "none" } });
    rig.clock.runUntil(1000);
    assert.deepEqual(rig.drops, [{ id: 0, reason: "loss" }]);
    assert.deepEqual(times(rig.arrivals), [100]);
  });

  it("never delivers within send, even without any delay", () => {
    const rig = createRig(1, {});
    rig.offer(3);
    assert.equal(rig.arrivals.length, 0);
    assert.equal(rig.link.inFlightPackets, 3);
    rig.clock.runUntil(0);
    assert.deepEqual(ids(rig.arrivals), [0, 1, 2]);
  });

  it("may be sent to and cut off from within drop", () => {
    const clock = new VirtualClock();
    const delivered: number[] = [];
    const link: Link<number> = new Link<number>({
      clock,
      random: createRandom(1),
      config: { rateBitsPerSecond: 8000, loss: { model: "bernoulli", p: 1 } },
      sizeBytes: () => 10,
      deliver: (packet) => delivered.push(packet),
      drop: (packet) => {
        if (packet !== 1) return;
        link.configure({ loss: { model: "none" } });
        link.send(3);
        schedule(clock, link, [
          { forMs: 5, config: { up: false } },
          { forMs: 1, config: { up: true } },
        ]);
      },
    });
    link.send(1);
    link.send(2);
    clock.runUntil(14);
    assert.equal(link.queuedPackets, 2);
    clock.runUntil(1000);
    assert.deepEqual(delivered, [2, 3]);
  });
});

describe("up and down", () => {
  it("loses what is offered while down, keeps the queue, and begins anew with the packet that was being sent", () => {
    const rig = createRig(1, { rateBitsPerSecond: 8000, queuePackets: 10 });
    rig.offer(3, 10);
    rig.clock.runUntil(15); // 0 has arrived, 1 is half sent
    rig.link.configure({ up: false });
    assert.equal(rig.link.queuedPackets, 2);
    assert.equal(rig.link.queuedBytes, 20);
    rig.offer(2, 10);
    rig.clock.runUntil(1000);
    assert.deepEqual(ids(rig.arrivals), [0]);
    rig.link.configure({ up: true });
    rig.clock.runUntil(2000);
    assert.deepEqual(ids(rig.arrivals), [0, 1, 2]);
    assert.deepEqual(times(rig.arrivals), [10, 1010, 1020]);
    assert.deepEqual(
      rig.drops,
      [3, 4].map((id) => ({ id, reason: "down" })),
    );
  });

  it("holds what is offered while down if told to, up to the limit of the queue", () => {
    for (const rateBitsPerSecond of [8000, Number.POSITIVE_INFINITY]) {
      const rig = createRig(1, { up: false, holdWhileDown: true, queuePackets: 2, rateBitsPerSecond });
      rig.offer(3, 10);
      rig.clock.runUntil(500);
      assert.equal(rig.arrivals.length, 0);
      rig.link.configure({ up: true });
      rig.clock.runUntil(1000);
      assert.deepEqual(ids(rig.arrivals), [0, 1]);
      assert.deepEqual(rig.drops, [{ id: 2, reason: "queue" }]);
    }
  });

  it("delivers what was in flight when the link went down", () => {
    const rig = createRig(1, { delayMs: 100 });
    rig.offer(1);
    rig.clock.runUntil(50);
    rig.link.configure({ up: false });
    rig.clock.runUntil(200);
    assert.deepEqual(times(rig.arrivals), [100]);
  });

  it("configure throws on a bad value and changes nothing", () => {
    const rig = createRig(1, { delayMs: 10 });
    assert.throws(() => rig.link.configure({ delayMs: 20, jitterMs: -1 }), RangeError);
    assert.equal(rig.link.config.delayMs, 10);
  });
});
