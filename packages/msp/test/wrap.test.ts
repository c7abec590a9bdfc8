import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Machine } from "./support/machines.ts";
import { ENGINES, Pair } from "./support/pair.ts";
import { numbered, numberOf, PORT } from "./support/streams.ts";
import { SHUTDOWN } from "./support/wire.ts";

function* numberedUpTo(count: number): Generator<Uint8Array> {
  for (let i = 0; i < count; i += 1) yield numbered(i);
}

/** A machine on each end; b counts what comes in order and fails at the first that is out of order. */
async function machines(options: ConstructorParameters<typeof Machine>[2], engine: "ts" | "wasm", link = {}) {
  const pair = await Pair.make({ engine, link });
  const [a, b] = [new Machine(pair, pair.a, options), new Machine(pair, pair.b, options)];
  const counts = { a: 0, b: 0 };
  const counting = (machine: Machine, name: "a" | "b") => {
    machine.onMessage = (message) => {
      if (numberOf(message) !== counts[name])
        throw new Error(`${numberOf(message)} instead of ${counts[name]}`);
      counts[name] += 1;
    };
  };
  counting(a, "a");
  counting(b, "b");
  b.listen();
  a.connect({ sid: pair.b.identities[0]!, port: PORT });
  return { pair, a, b, counts };
}

for (const engine of ENGINES) {
  describe(`the wrap of sequence numbers (${engine})`, () => {
    it("passes unnoticed by 70 000 messages in each direction, under loss", async () => {
      const { pair, a, b, counts } = await machines({}, engine, { loss: { model: "bernoulli", p: 0.001 } });
      b.sendAll(numberedUpTo(70_000));
      a.sendAll(numberedUpTo(70_000));
      pair.clock.runWhile(() => a.outcome === undefined || b.outcome === undefined, 3_600_000);
      assert.deepEqual(counts, { a: 70_000, b: 70_000 });
      assert.deepEqual([a.outcome, b.outcome], ["clean", "clean"]);
    });

    for (const count of [65_534, 65_535, 65_536, 65_537]) {
      for (const how of ["on the last message", "on an empty one behind it"] as const) {
        it(`${count} messages end in good order, SHUTDOWN ${how} but never on number 65535`, async () => {
          const isRiding = how === "on the last message";
          const { pair, a, b, counts } = await machines({ sendQueueMessages: 4096 }, engine);
          const shutdowns = new Set<number>();
          let last = 0;
          pair.a.filter = (bytes) => {
            if (bytes.length >= 5) last = bytes[3]! | (bytes[4]! << 8);
            if ((bytes[0]! & SHUTDOWN) !== 0) shutdowns.add(last);
            return bytes;
          };
          a.sendAll(numberedUpTo(count), { thenShutdown: isRiding });
          if (!isRiding) {
            pair.clock.runWhile(() => counts.b < count, 600_000);
            pair.clock.runUntil(pair.clock.now() + 100);
            a.shutdown();
          }
          pair.clock.runWhile(() => b.connection?.isShutdownRemote !== true, 60_000);
          assert.equal(counts.b, count);
          const own = isRiding ? count - 1 : count;
          assert.deepEqual([...shutdowns], [own === 65_535 ? 0 : own & 0xffff]);
          assert.equal(last, [...shutdowns][0], "nothing comes after it");
          b.shutdown();
          pair.clock.runWhile(() => a.outcome === undefined || b.outcome === undefined, 60_000);
          assert.deepEqual([a.outcome, b.outcome], ["clean", "clean"]);
        });
      }
    }
  });
}
