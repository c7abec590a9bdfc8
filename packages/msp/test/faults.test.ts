import assert from "node:assert/strict";
import process from "node:process";
import { after, describe, it } from "node:test";
import { type Run, runWithFaults } from "./support/faults.ts";
import { ENGINES } from "./support/pair.ts";

// MSP_SEED=17 runs that seed alone.
const { MSP_SEED } = process.env;
const SEED_COUNT = 300;
const SEEDS_PER_TEST = 25;

function firstSeeds(): number[] {
  if (MSP_SEED !== undefined) return [Number(MSP_SEED)];
  return Array.from({ length: SEED_COUNT / SEEDS_PER_TEST }, (_, i) => 1 + i * SEEDS_PER_TEST);
}

async function runSeed(seed: number, engine: (typeof ENGINES)[number]): Promise<Run> {
  try {
    return await runWithFaults(seed, engine);
  } catch (error) {
    throw new Error(`seed ${seed}, engine ${engine} (MSP_SEED=${seed} runs it alone): ${error}`, {
      cause: error,
    });
  }
}

describe("random faults", () => {
  for (const firstSeed of firstSeeds()) {
    const lastSeed = MSP_SEED === undefined ? firstSeed + SEEDS_PER_TEST - 1 : firstSeed;
    it(`(seeds ${firstSeed} to ${lastSeed}) leave a prefix of what was sent, an end on both sides, every slot free, and the same packets on both engines`, async () => {
      for (let seed = firstSeed; seed <= lastSeed; seed += 1) {
        const [first, ...others] = await Promise.all(ENGINES.map((engine) => runSeed(seed, engine)));
        for (const other of others) assert.deepEqual(other, first, `seed ${seed}: the engines differ`);
        count(first!);
      }
    });
  }

  it("are the same again for the same seed, and others for another", async () => {
    const runs = [await runSeed(1, "ts"), await runSeed(1, "ts"), await runSeed(2, "ts")];
    assert.deepEqual(runs[0], runs[1]);
    assert.notEqual(runs[0]!.hash, runs[2]!.hash);
  });

  after(() => console.log(`${total.packetCount} packets; ends: ${JSON.stringify(total.outcomes)}`));
});

const total = { packetCount: 0, outcomes: {} as Record<string, number> };

function count({ packetCount, outcomes }: Run): void {
  total.packetCount += packetCount;
  for (const [outcome, times] of Object.entries(outcomes)) {
    total.outcomes[outcome] = (total.outcomes[outcome] ?? 0) + times;
  }
}
