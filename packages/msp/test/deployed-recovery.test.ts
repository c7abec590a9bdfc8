import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Flow, path } from "./support/flows.ts";
import { ENGINES, Pair } from "./support/pair.ts";
import { watch } from "./support/wire.ts";

const DEPLOYED = { extension: false } as const;

for (const engine of ENGINES) {
  describe(`what is lost where only the order is acknowledged (${engine})`, () => {
    it("in a row, is repeated in ever longer pieces, and nothing else is", async () => {
      const pair = await Pair.make({ engine, link: path(50e6, 4, 200) });
      const flow = new Flow(pair, { config: DEPLOYED });
      const drops = new Set(Array.from({ length: 12 }, (_, index) => 400 + index));
      watch(pair, ({ from, sequence }) => from === "a" && drops.delete(sequence ?? -1));
      flow.transfer(800);
      assert.equal(drops.size, 0);
      const heldUpMs = flow.takenAtMs[411]! - flow.takenAtMs[399]!;
      assert.ok(heldUpMs < 70, `twelve messages came after ${heldUpMs} ms: one by one they take over 110 ms`);
      const { retransmitted } = flow.stats;
      assert.ok(retransmitted <= 12 + 3, `${retransmitted} were repeated`);
    });

    it("here and there, is repeated alone", async () => {
      const pair = await Pair.make({ engine, link: path(50e6, 4, 200) });
      const flow = new Flow(pair, { config: DEPLOYED });
      const drops = new Set([400, 402, 404]);
      watch(pair, ({ from, sequence }) => from === "a" && drops.delete(sequence ?? -1));
      flow.transfer(800);
      assert.equal(flow.stats.retransmitted, 3);
    });
  });
}
