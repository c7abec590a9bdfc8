import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom, type LinkConfig, LinkPair, VirtualClock } from "../src/index.ts";
import { createRig, type Rig } from "./harness.ts";

const ids = (packets: readonly { id: number }[]) => packets.map(({ id }) => id);
const isSorted = (numbers: readonly number[]) => numbers.every((n, i) => i === 0 || numbers[i - 1]! <= n);

function run(seed: number, config: Partial<LinkConfig>, count = 2000, everyMs = 1): Rig {
  const rig = createRig(seed, config);
  rig.offer(count, 100, everyMs);
  rig.clock.runUntil(1e9);
  return rig;
}

describe("delay and jitter", () => {
  it("without reordering: within its bounds when packets are far apart, never overtaking when they are close", () => {
    const far = run(11, { delayMs: 20, jitterMs: 30 }, 1000, 100);
    const delaysMs = far.arrivals.map(({ id, atMs }) => atMs - id * 100);
    assert.ok(delaysMs.every((ms) => ms >= 20 && ms < 50));
    assert.ok(Math.min(...delaysMs) < 21 && Math.max(...delaysMs) > 49);
    const mean = delaysMs.reduce((sum, ms) => sum + ms, 0) / delaysMs.length;
    assert.ok(Math.abs(mean - 35) < 1, `mean ${mean}`);
    assert.ok(isSorted(ids(run(11, { delayMs: 20, jitterMs: 30 }).arrivals)));
  });

  it("with reordering: overtakes, and each packet keeps within its bounds", () => {
    const { arrivals } = run(12, { delayMs: 20, jitterMs: 30, jitterReorders: true });
    assert.ok(!isSorted(ids(arrivals)));
    assert.ok(arrivals.every(({ id, atMs }) => atMs - id >= 20 && atMs - id < 50));
    assert.equal(arrivals.length, 2000);
  });

  it("keeps the order when the delay is lowered at run time", () => {
    const rig = createRig(13, { delayMs: 100 });
    rig.offer(1);
    rig.link.configure({ delayMs: 1 });
    rig.offer(1);
    rig.clock.runUntil(1000);
    assert.deepEqual(ids(rig.arrivals), [0, 1]);
    assert.equal(rig.arrivals[1]!.atMs, 100);
  });
});

describe("explicit reordering", () => {
  it("holds the share back that it is told, by reorderMs, and leaves the others in order", () => {
    const { arrivals, link } = run(14, { delayMs: 5, reorder: 0.1, reorderMs: 10 });
    const held = arrivals.filter(({ id, atMs }) => Math.abs(atMs - id - 15) < 1e-9);
    const rest = arrivals.filter((arrival) => !held.includes(arrival));
    assert.equal(held.length, link.stats.reordered);
    assert.ok(held.length > 160 && held.length < 240, `${held.length} of 2000 held back`);
    assert.ok(isSorted(ids(rest)) && rest.every(({ id, atMs }) => atMs === id + 5));
    assert.ok(!isSorted(ids(arrivals)));
  });
});

describe("duplication", () => {
  it("delivers the share it is told twice, and never more than twice", () => {
    const { arrivals, link } = run(15, { duplicate: 0.1 });
    const counts = new Map<number, number>();
    for (const { id } of arrivals) counts.set(id, (counts.get(id) ?? 0) + 1);
    const twice = [...counts.values()].filter((count) => count === 2).length;
    assert.equal(counts.size, 2000);
    assert.equal(Math.max(...counts.values()), 2);
    assert.equal(twice, link.stats.duplicated);
    assert.ok(twice > 160 && twice < 240, `${twice} of 2000 twice`);
  });
});

describe("corruption and truncation", () => {
  it("corrupts a copy: same length, 1 to 4 bytes changed, the sender's bytes as they were", () => {
    const rig = createRig(16, { corrupt: 0.5 });
    const sent = rig.offer(1000, 60);
    rig.clock.runUntil(0);
    let corrupted = 0;
    for (const { id, bytes } of rig.arrivals) {
      assert.ok(sent[id]!.bytes.every((byte) => byte === 7));
      assert.equal(bytes.length, 60);
      const changed = bytes.filter((byte) => byte !== 7).length;
      if (changed === 0) assert.equal(bytes, sent[id]!.bytes);
      else corrupted += 1;
      assert.ok(changed <= 4);
    }
    assert.equal(corrupted, rig.link.stats.corrupted);
    assert.ok(corrupted > 440 && corrupted < 560, `${corrupted} of 1000`);
  });

  it("changes each packet that it corrupts, and may truncate it as well", () => {
    const rig = createRig(26, { corrupt: 1 });
    rig.offer(2000, 1);
    rig.link.configure({ truncate: 1 });
    rig.offer(100, 1000);
    rig.clock.runUntil(0);
    assert.ok(rig.arrivals.slice(0, 2000).every(({ bytes }) => bytes[0] !== 7));
    const both = rig.arrivals
      .slice(2000)
      .filter(({ bytes }) => bytes.length < 1000 && bytes.some((b) => b !== 7));
    assert.ok(both.length > 30, `${both.length} of 100 both`);
  });

  it("of two copies of a packet, damages each by itself", () => {
    const { arrivals } = run(17, { corrupt: 0.5, duplicate: 1 });
    const damaged = new Map<number, number>();
    for (const { id, bytes } of arrivals) {
      damaged.set(id, (damaged.get(id) ?? 0) + (bytes.some((byte) => byte !== 7) ? 1 : 0));
    }
    assert.deepEqual(new Set(damaged.values()), new Set([0, 1, 2]));
  });

  it("truncates a copy to 0..length-1 of its bytes", () => {
    const rig = createRig(18, { truncate: 1 });
    const sent = rig.offer(500, 10);
    rig.clock.runUntil(0);
    const lengths = new Set(rig.arrivals.map(({ bytes }) => bytes.length));
    assert.deepEqual(
      [...lengths].sort((a, b) => a - b),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    );
    assert.ok(sent.every(({ bytes }) => bytes.length === 10));
    assert.equal(rig.link.stats.truncated, 500);
  });

  it("carries empty packets through both without harm", () => {
    const rig = createRig(19, { truncate: 1, corrupt: 1 });
    rig.offer(2, 0);
    rig.clock.runUntil(0);
    assert.deepEqual(
      rig.arrivals.map(({ bytes }) => bytes.length),
      [0, 0],
    );
  });

  it("drops what is damaged when it is not told how to damage it", () => {
    const rig = createRig(20, { corrupt: 1 }, false);
    rig.offer(1);
    rig.clock.runUntil(0);
    assert.deepEqual(rig.drops, [{ id: 0, reason: "damage" }]);
    assert.equal(rig.arrivals.length, 0);
  });
});

describe("determinism", () => {
  const everything: Partial<LinkConfig> = {
    rateBitsPerSecond: 1e6,
    queuePackets: 5,
    delayMs: 10,
    jitterMs: 20,
    jitterReorders: true,
    loss: { model: "gilbert-elliott", meanLoss: 0.1, meanBurstPackets: 3 },
    duplicate: 0.1,
    corrupt: 0.1,
    truncate: 0.1,
    reorder: 0.1,
    reorderMs: 30,
  };

  it("the same seed gives the same trace, another seed another one", () => {
    const trace = (seed: number) => {
      const { arrivals, drops } = run(seed, everything, 500, 0.7);
      return JSON.stringify([arrivals.map(({ id, atMs, bytes }) => [id, atMs, [...bytes]]), drops]);
    };
    assert.equal(trace(21), trace(21));
    assert.notEqual(trace(21), trace(22));
  });

  it("accounts for every packet at any time", () => {
    const rig = createRig(23, everything);
    for (let i = 0; i < 300; i++) {
      rig.offer(2, 100, 0.7);
      if (i % 50 === 20) rig.link.configure({ up: false });
      if (i % 50 === 30) rig.link.configure({ up: true });
      const s = rig.link.stats;
      assert.equal(
        s.offered + s.duplicated,
        s.delivered +
          s.droppedMtu +
          s.droppedDown +
          s.droppedQueue +
          s.droppedLoss +
          s.droppedDamage +
          rig.link.queuedPackets +
          rig.link.inFlightPackets,
      );
    }
    assert.equal(rig.link.stats.delivered, rig.arrivals.length);
    assert.equal(rig.link.stats.offeredBytes, 60_000);
  });

  it("which packets are lost does not depend on jitter, duplication or damage", () => {
    const lost = (config: Partial<LinkConfig>) =>
      run(24, { ...config, loss: { model: "bernoulli", p: 0.2 } }, 500).drops;
    assert.deepEqual(
      lost({}),
      lost({
        delayMs: 3,
        jitterMs: 50,
        jitterReorders: true,
        duplicate: 0.5,
        corrupt: 0.5,
        reorder: 0.5,
        reorderMs: 9,
      }),
    );
  });
});

describe("LinkPair", () => {
  it("carries both ways, each way with its own chance and settings", () => {
    const clock = new VirtualClock();
    const toA: number[] = [];
    const toB: number[] = [];
    const pair = new LinkPair<number>({
      clock,
      random: createRandom(25),
      config: { loss: { model: "bernoulli", p: 0.5 } },
      sizeBytes: () => 1,
      deliverToA: (packet) => toA.push(packet),
      deliverToB: (packet) => toB.push(packet),
    });
    for (let i = 0; i < 100; i++) {
      pair.aToB.send(i);
      pair.bToA.send(i);
    }
    clock.runUntil(0);
    assert.notDeepEqual(toA, toB);
    pair.configure({ loss: { model: "none" }, delayMs: 10 });
    pair.aToB.configure({ up: false });
    pair.aToB.send(100);
    pair.bToA.send(100);
    clock.runUntil(10);
    assert.equal(toA.at(-1), 100);
    assert.ok(!toB.includes(100));
  });
});
