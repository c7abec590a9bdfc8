import assert from "node:assert/strict";
import { test } from "node:test";
import { createLossModel, createRandom, type LossConfig } from "../src/index.ts";

const PACKETS = 200_000;

/** Share lost, and the mean length of a run of losses. */
function measure(config: LossConfig, seed: number): { share: number; burst: number } {
  const model = createLossModel(config, createRandom(seed));
  let lost = 0;
  let bursts = 0;
  let before = false;
  for (let i = 0; i < PACKETS; i++) {
    const isLost = model.isLost();
    if (isLost) lost += 1;
    if (isLost && !before) bursts += 1;
    before = isLost;
  }
  return { share: lost / PACKETS, burst: lost / bursts };
}

function assertNear(actual: number, expected: number, tolerance: number, what: string): void {
  assert.ok(Math.abs(actual / expected - 1) < tolerance, `${what}: ${actual}, expected about ${expected}`);
}

test("Bernoulli loses the share it is told, and its bursts are those of independent losses", () => {
  for (const [p, seed] of [
    [0.02, 1],
    [0.1, 2],
    [0.5, 3],
  ] as const) {
    const { share, burst } = measure({ model: "bernoulli", p }, seed);
    assertNear(share, p, 0.04, `loss at seed ${seed}`);
    assertNear(burst, 1 / (1 - p), 0.04, `burst at seed ${seed}`);
  }
});

test("Gilbert-Elliott keeps both its mean loss and its mean burst length", () => {
  for (const [meanLoss, meanBurstPackets, seed] of [
    [0.05, 3, 4],
    [0.1, 4, 5],
    [0.2, 8, 6],
    [0.5, 1, 7],
  ] as const) {
    const { share, burst } = measure({ model: "gilbert-elliott", meanLoss, meanBurstPackets }, seed);
    assertNear(share, meanLoss, 0.08, `loss at seed ${seed}`);
    assertNear(burst, meanBurstPackets, 0.08, `burst at seed ${seed}`);
  }
});

test("Gilbert-Elliott has its mean loss from the first packet on", () => {
  let lost = 0;
  for (let seed = 0; seed < 5000; seed++) {
    const config = { model: "gilbert-elliott", meanLoss: 0.2, meanBurstPackets: 50 } as const;
    if (createLossModel(config, createRandom(seed)).isLost()) lost += 1;
  }
  assertNear(lost / 5000, 0.2, 0.1, "first packets lost");
});

test("none loses nothing, certainty loses everything", () => {
  assert.equal(measure({ model: "none" }, 1).share, 0);
  assert.equal(measure({ model: "bernoulli", p: 0 }, 1).share, 0);
  assert.equal(measure({ model: "gilbert-elliott", meanLoss: 0, meanBurstPackets: 4 }, 1).share, 0);
  assert.equal(measure({ model: "bernoulli", p: 1 }, 1).share, 1);
});
