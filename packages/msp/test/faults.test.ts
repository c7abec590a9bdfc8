import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { type Run, runWithFaults } from "./support/faults.ts";
import { ENGINES } from "./support/pair.ts";

// MSP_SEED=17 runs that seed alone.
const { MSP_SEED } = process.env;
const SEEDS = MSP_SEED === undefined ? Array.from({ length: 300 }, (_, i) => i + 1) : [Number(MSP_SEED)];

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
  it(`of ${SEEDS.length} seeds: prefix, boundaries, no duplicate, everything ends, no slot is lost, both engines send the same packets`, async () => {
    const outcomes: Record<string, number> = {};
    let packetCount = 0;
    for (const seed of SEEDS) {
      const [first, ...others] = await Promise.all(ENGINES.map((engine) => runSeed(seed, engine)));
      for (const other of others) assert.deepEqual(other, first, `seed ${seed}: the engines differ`);
      packetCount += first!.packetCount;
      for (const [outcome, count] of Object.entries(first!.outcomes)) {
        outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
      }
    }
    console.log(`${packetCount} packets; ends: ${JSON.stringify(outcomes)}`);
  });

  it("are the same again for the same seed, and others for another", async () => {
    const runs = [await runSeed(1, "ts"), await runSeed(1, "ts"), await runSeed(2, "ts")];
    assert.deepEqual(runs[0], runs[1]);
    assert.notEqual(runs[0]!.hash, runs[2]!.hash);
  });
});
