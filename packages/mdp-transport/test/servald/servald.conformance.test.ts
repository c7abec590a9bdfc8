import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeConformance, type TransportPair } from "../../src/conformance.ts";
import { ServaldRig } from "./rig.ts";

for (const engine of ["wasm", "ts"] as const) {
  describeConformance(`clients of two daemons, ${engine}`, () => pairOf(engine, "one", "two"), {
    describe,
    it,
  });
}
describeConformance("two clients of one daemon", () => pairOf("ts", "one", "one"), { describe, it });

async function pairOf(engine: "wasm" | "ts", ofA: string, ofB: string): Promise<TransportPair> {
  const rig = new ServaldRig();
  const daemons = [...new Set([ofA, ofB])].map((address) => rig.daemon(address, 2));
  // Time passes by itself: many binds take turns, and the suite waits for each.
  const passing = setInterval(() => rig.clock.runUntil(rig.clock.now() + 1), 0);
  return {
    a: await rig.client(ofA, engine),
    b: await rig.client(ofB, engine),
    settle: () => rig.pass(20),
    close: async () => {
      clearInterval(passing);
      await rig.close();
      for (const { harm } of daemons) assert.deepEqual(harm, []);
    },
  };
}
