import { describe, it } from "node:test";
import { createRandom, VirtualClock } from "@meshstream/netem";
import { createCore } from "@meshstream/wasm-core";
import { describeConformance, type TransportPair } from "../../src/conformance.ts";
import { createOverlay } from "../../src/index.ts";
import { isReachable, Segment, testIdentity } from "./rig.ts";

for (const engine of ["wasm", "ts"] as const) {
  describeConformance(`overlay, ${engine}`, () => makePair(engine), { describe, it });
}

async function makePair(engine: "wasm" | "ts"): Promise<TransportPair> {
  const clock = new VirtualClock();
  const random = createRandom(1);
  const segment = new Segment(clock, random, { delayMs: 5 });
  const make = async (number: number, address: string) =>
    createOverlay({
      core: await createCore({ engine, poolBytes: 1 << 20 }),
      clock,
      entropy: random.fork(),
      identities: [await testIdentity(number)],
      links: [{ transport: segment.port(address) }],
    });
  const a = await make(1, "a");
  const b = await make(2, "b");
  clock.runWhile(() => !isReachable(a, b.identities[0]!) || !isReachable(b, a.identities[0]!), 1000);
  return {
    a,
    b,
    settle: async () => clock.runUntil(clock.now() + 20),
    close: async () => {
      await a.close();
      await b.close();
    },
  };
}
