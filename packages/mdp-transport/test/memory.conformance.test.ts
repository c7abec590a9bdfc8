import { describe, it } from "node:test";
import { createRandom, VirtualClock } from "@meshstream/netem";
import { createCore } from "@meshstream/wasm-core";
import { describeConformance, type TransportPair } from "../src/conformance.ts";
import { MemoryNetwork } from "../src/memory/network.ts";

for (const engine of ["wasm", "ts"] as const) {
  describeConformance(`memory, ${engine}`, () => makePair(engine), { describe, it });
}

async function makePair(engine: "wasm" | "ts"): Promise<TransportPair> {
  const clock = new VirtualClock();
  const network = new MemoryNetwork({ clock, random: createRandom(1), link: { delayMs: 5 } });
  const poolBytes = 1 << 20;
  const a = network.node(await createCore({ engine, poolBytes }));
  const b = network.node(await createCore({ engine, poolBytes }));
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
