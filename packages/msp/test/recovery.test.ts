import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { schedule } from "@meshstream/netem";
import { Flow, path, random } from "./support/flows.ts";
import { ENGINES, Pair } from "./support/pair.ts";
import { watch } from "./support/wire.ts";

const OFF = { coding: "off" } as const;
const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

for (const engine of ENGINES) {
  describe(`what is lost between nodes that speak the extension (${engine})`, () => {
    it("is sent again within two round trips, and nothing else is", async () => {
      const pair = await Pair.make({ engine, link: path(10e6, 40, 200) });
      const flow = new Flow(pair, { config: OFF });
      const drops = new Set([100, 101, 150, 400]);
      const packets = watch(pair, ({ from, sequence }) => from === "a" && drops.delete(sequence ?? -1));
      flow.transfer(600);
      assert.equal(flow.stats.retransmitted, 4);
      for (const number of [100, 101, 150, 400]) {
        const sent = packets.filter(({ from, sequence }) => from === "a" && sequence === number);
        const waitedMs = sent[1]!.atMs - sent[0]!.atMs;
        assert.ok(waitedMs < 80, `message ${number} was repeated after ${waitedMs} ms`);
      }
    });

    it("is found also if its repetition is lost too, again and again, without a timeout", async () => {
      const pair = await Pair.make({ engine, link: path(10e6, 40, 200) });
      const flow = new Flow(pair, { config: OFF });
      let lost = 0;
      watch(pair, ({ from, sequence }) => from === "a" && sequence === 100 && lost++ < 4);
      flow.transfer(1000);
      const heldUpMs = flow.takenAtMs[100]! - flow.takenAtMs[99]!;
      assert.ok(heldUpMs < 5 * 1.5 * 50, `it came after ${heldUpMs} ms`);
      assert.equal(flow.stats.retransmitted, 4);
    });

    it("at the very end, is asked for before a timeout", async () => {
      const pair = await Pair.make({ engine, link: path(10e6, 100, 200) });
      const flow = new Flow(pair, { config: OFF });
      let lost = 0;
      watch(pair, ({ from, sequence }) => from === "a" && sequence! >= 195 && sequence! < 200 && lost++ < 5);
      flow.transfer(200);
      const lateMs = flow.takenAtMs[199]! - flow.takenAtMs[194]!;
      assert.ok(lateMs < 350, `the last five came ${lateMs} ms late`);
    });

    it("is not presumed of what was only overtaken: a link that reorders costs few repetitions", async () => {
      const link = path(10e6, 60, 200, { jitterMs: 32, jitterReorders: true });
      const pair = await Pair.make({ engine, seed: 3, link });
      const flow = new Flow(pair, { config: OFF });
      flow.transfer(5000);
      const lost = pair.link.aToB.stats.droppedQueue;
      const share = (flow.stats.retransmitted - lost) / 5000;
      assert.ok(share < 0.01, `${(100 * share).toFixed(1)} % were repeated though none was lost`);
    });

    it("costs 1 MB over 10 % loss each way and 20 ms no more than 0.5 s, 0.25 s in the median", async () => {
      const times: number[] = [];
      for (let seed = 1; seed <= 7; seed += 1) {
        const pair = await Pair.make({ engine, seed, link: { delayMs: 10, ...random(0.1) } });
        times.push(new Flow(pair).transfer(977));
      }
      assert.ok(Math.max(...times) <= 500, `${times}`);
      assert.ok(median(times) <= 250, `${times}`);
    });

    it("goes on within 300 ms of the return of a link that was gone", async () => {
      const pair = await Pair.make({ engine, link: path(10e6, 30, 25) });
      const flow = new Flow(pair, { config: OFF });
      schedule(pair.clock, pair.link, [
        { forMs: 1000, config: { up: true } },
        { forMs: 2000, config: { up: false } },
        { forMs: 1, config: { up: true } },
      ]);
      flow.transfer(2500);
      const first = flow.takenAtMs.findIndex((atMs) => atMs >= 3000);
      // What stood in the queue when the link went is delivered at once; the messages behind it were lost.
      const next = first + 60;
      assert.ok(flow.takenAtMs[next]! <= 3300, `it went on after ${flow.takenAtMs[next]! - 3000} ms`);
    });

    it("is asked for four times a second while nothing comes back", async () => {
      const pair = await Pair.make({ engine, link: path(10e6, 30, 25) });
      const flow = new Flow(pair, { config: OFF });
      flow.start();
      pair.clock.runUntil(1000);
      pair.link.configure({ up: false });
      const packets = watch(pair).filter(() => true);
      const seen = watch(pair);
      pair.clock.runUntil(8000);
      assert.equal(packets.length, 0);
      const late = seen.filter(({ from, isData, atMs }) => from === "a" && isData && atMs > 3000);
      const perSecond = late.length / 5;
      assert.ok(perSecond >= 4 && perSecond <= 20, `${perSecond} packets a second into nothing`);
    });
  });
}
