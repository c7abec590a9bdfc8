import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom, Link, type LossConfig, VirtualClock } from "@meshstream/netem";
import { FULL_PACKET_SHARE, limitKbps, onShare, throughShare } from "../src/matrix/limit.ts";

/** Offer `count` full packets at once to a link of 10 Mb/s without delay: how it stood when the last had left. */
function stream(count: number, loss: LossConfig) {
  const clock = new VirtualClock();
  let arrived = 0;
  const link = new Link<number>({
    clock,
    random: createRandom(7),
    config: { rateBitsPerSecond: 10e6, queuePackets: count, loss },
    sizeBytes: () => 1100,
    deliver: () => {
      arrived += 1;
    },
  });
  for (let i = 0; i < count; i++) link.send(i);
  const wholeMs = (count * 8000 * 1100) / 10e6;
  clock.runUntil(wholeMs + 1e-6);
  return { link, goodputKbps: (arrived * 1024 * 8) / wholeMs };
}

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-6 * expected, `${actual} is not ${expected}`);
}

test("a full message is 1 024 of 1 100 bytes on the link", () => {
  assert.equal(FULL_PACKET_SHARE, 1024 / 1100);
});

test("the limits of the matrix come out for the nominal losses", () => {
  for (const [mbps, loss, kbps] of [
    [100, 0, 93_091],
    [10, 0.02, 9_123],
    [2, 0.1, 1_676],
    [0.128, 0.05, 113],
  ] as const) {
    assert.equal(Math.round(limitKbps(mbps * 1e6, 1 - loss, 1)), kbps);
  }
});

for (const loss of [
  { model: "none" },
  { model: "bernoulli", p: 0.05 },
  { model: "gilbert-elliott", meanLoss: 0.1, meanBurstPackets: 4 },
] as const) {
  test(`a plain stream reaches exactly the limit: ${loss.model}`, () => {
    const { link, goodputKbps } = stream(5000, loss);
    near(goodputKbps, limitKbps(10e6, throughShare(link.stats, link.queuedPackets), 1));
  });
}

test("the share let through is that of the loss model: packets queued or dropped elsewhere do not count", () => {
  const stats = { offered: 100, droppedMtu: 1, droppedDown: 2, droppedQueue: 7, droppedLoss: 20 };
  assert.equal(throughShare({ ...stream(0, { model: "none" }).link.stats, ...stats }, 10), 1 - 20 / 80);
  assert.equal(throughShare(stream(0, { model: "none" }).link.stats, 0), 1);
});

test("losses are as many as the model says", () => {
  for (const [loss, least, most] of [
    [{ model: "bernoulli", p: 0.05 }, 0.045, 0.055],
    [{ model: "gilbert-elliott", meanLoss: 0.2, meanBurstPackets: 8 }, 0.17, 0.23],
  ] as const) {
    const { link } = stream(20_000, loss);
    const lost = 1 - throughShare(link.stats, 0);
    assert.ok(lost > least && lost < most, `${loss.model}: ${lost}`);
  }
});

test("of a link that goes off, the time that it was on counts, between the two moments", () => {
  const blackhole = { onMs: 5000, offMs: 2000 };
  assert.equal(onShare(blackhole, 0, 7000), 5 / 7);
  assert.equal(onShare(blackhole, 0, 5000), 1);
  assert.equal(onShare(blackhole, 0, 10_000), 8 / 10);
  assert.equal(onShare(blackhole, 4000, 8000), 2 / 4);
  assert.equal(onShare(blackhole, 5500, 6500), 0);
  assert.equal(onShare(undefined, 0, 10), 1);
});
