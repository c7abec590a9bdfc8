import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom, type LinkConfig } from "@meshstream/netem";
import { CoarseClock } from "./support/coarse-clock.ts";
import { FULL_PACKET_BYTES, path } from "./support/flows.ts";
import { Machine } from "./support/machines.ts";
import { ENGINES, Pair, type PairOptions } from "./support/pair.ts";
import { numbered, numberOf, PORT } from "./support/streams.ts";

const SEED = 1;

/** 1024 bytes that begin with a number. */
function message(index: number): Uint8Array {
  const bytes = new Uint8Array(1024);
  bytes.set(numbered(index));
  return bytes;
}

/** Counts what a node sends from one entry into it to the next: that is a turn of its event loop, or a part of one. */
class Turns {
  readonly counts: number[] = [];
  readonly #pair: Pair;

  constructor(pair: Pair) {
    this.#pair = pair;
    const before = pair.a.filter;
    pair.a.filter = (bytes) => {
      this.counts.push((this.counts.pop() ?? 0) + 1);
      return before(bytes);
    };
  }

  /** Step the clock, each step a turn, for as long as `condition` holds. */
  runWhile(condition: () => boolean, limitMs: number): void {
    const { clock } = this.#pair;
    const endMs = clock.now() + limitMs;
    while (condition() && clock.now() < endMs) {
      this.counts.push(0);
      if (!clock.step()) return;
    }
  }

  get most(): number {
    return Math.max(...this.counts);
  }
}

/** A transfer of `count` messages of 1024 bytes with late timers on both ends; the link itself is exact. */
async function lateTransfer(
  link: Partial<LinkConfig>,
  count: number,
  latestMs: number,
  options: PairOptions = {},
) {
  const pair = await Pair.make({ ...options, seed: SEED, link, poolBytes: 16 << 20 });
  const random = createRandom(SEED);
  const timed = () => ({
    clock: new CoarseClock(pair.clock, random.fork(), latestMs),
    entropy: pair.entropy,
  });
  const [a, b] = [new Machine(timed(), pair.a), new Machine(timed(), pair.b)];
  let taken = 0;
  b.onMessage = (message) => {
    assert.equal(numberOf(message), taken++);
  };
  b.listen();
  a.connect({ sid: pair.b.identities[0]!, port: PORT });
  // What leaves within a quarter of a millisecond.
  const bursts: { startMs: number; packets: number }[] = [];
  pair.a.filter = (bytes) => {
    const nowMs = pair.clock.now();
    const last = bursts.at(-1);
    if (last !== undefined && nowMs - last.startMs < 0.25) last.packets += 1;
    else bursts.push({ startMs: nowMs, packets: 1 });
    return bytes;
  };
  a.sendAll(Array.from({ length: count }, (_, i) => message(i)));
  const startMs = pair.clock.now();
  assert.ok(
    pair.clock.runWhile(() => taken < count, 60_000),
    `${taken} of ${count}`,
  );
  const share = (count * FULL_PACKET_BYTES * 8000) / link.rateBitsPerSecond! / (pair.clock.now() - startMs);
  return { share, burst: Math.max(...bursts.map(({ packets }) => packets)), pair };
}

describe(`pacing by timers of whole milliseconds that wake late (seed ${SEED})`, () => {
  for (const [name, link, count, latestMs, least, burst] of [
    ["10 Mb/s, timers 1 ms late", path(10e6, 30, 25), 9000, 1, 0.95, 8],
    ["10 Mb/s, timers 3 ms late", path(10e6, 30, 25), 9000, 3, 0.95, 8],
    ["100 Mb/s, timers 1 ms late", path(100e6, 20, 250), 40_000, 1, 0.93, 64],
    ["128 kb/s, timers 10 ms late", path(128e3, 400, 20), 200, 10, 0.85, 8],
  ] as const) {
    it(`${name}: the rate is held (${least}), and at most ${burst} leave at once`, async (test) => {
      const run = await lateTransfer(link, count, latestMs);
      test.diagnostic?.(`share ${run.share.toFixed(3)}, burst ${run.burst}`);
      assert.ok(run.share >= least, `share ${run.share}`);
      assert.ok(run.burst <= burst, `${run.burst} at once`);
    });
  }
});

for (const engine of ENGINES) {
  describe(`a turn of the event loop (${engine})`, () => {
    it("sends at most 8 packets to peers that were not heard yet, however many connections there are", async () => {
      const pair = await Pair.make({ engine });
      const [a, b] = [new Machine(pair, pair.a), new Machine(pair, pair.b)];
      b.listen();
      const connections = Array.from({ length: 20 }, () =>
        a.driver.connect({ sid: pair.a.identities[0]!, port: 0 }, { sid: pair.b.identities[0]!, port: PORT }),
      );
      const turns = new Turns(pair);
      a.driver.run(() => {
        for (const connection of connections) for (let i = 0; i < 10; i += 1) connection.send(numbered(i));
      });
      const startMs = pair.clock.now();
      turns.runWhile(() => pair.clock.now() === startMs, 1);
      assert.ok(turns.most <= 8, `${turns.most} in one turn`);
      assert.ok(
        connections.every(({ stats }) => stats.sent >= 8),
        "and nobody has to wait for a millisecond",
      );
    });

    it("sends at most 64 packets, all connections together, takes in what has come, and lets each have its turn", async () => {
      const pair = await Pair.make({ engine, poolBytes: 16 << 20 });
      const [a, b] = [new Machine(pair, pair.a), new Machine(pair, pair.b)];
      b.listen();
      const connections = Array.from({ length: 20 }, () =>
        a.driver.connect({ sid: pair.a.identities[0]!, port: 0 }, { sid: pair.b.identities[0]!, port: PORT }),
      );
      a.driver.step();
      pair.clock.runUntil(100);
      assert.ok(connections.every(({ peerKind }) => peerKind === "extended"));
      const turns = new Turns(pair);
      const before = connections.map(({ stats }) => stats.sent);
      // All at one moment: far more than a turn may send.
      for (const connection of connections) {
        turns.counts.push(0);
        a.driver.run(() => {
          for (let i = 0; i < 200; i += 1) connection.send(numbered(i));
        });
      }
      const startMs = pair.clock.now();
      turns.runWhile(() => pair.clock.now() < startMs + 20, 20);
      const sent = connections.map(({ stats }, i) => stats.sent - before[i]!);
      assert.ok(turns.most <= 64, `${turns.most} in one turn`);
      assert.ok(turns.most > 8, "extended peers are not held to what deployed ones bear");
      assert.ok(Math.min(...sent) > 0, `${sent}`);
      pair.clock.runWhile(() => connections.some(({ stats }) => stats.inFlight > 0), 10_000);
      assert.ok(connections.every(({ stats }) => stats.inFlight === 0));
    });

    it("sends 4 packets at once and 6.5 in a millisecond to any peer, where the way leads through a daemon", async () => {
      const pair = await Pair.make({ engine, poolBytes: 16 << 20 });
      pair.a.isThroughDaemon = true;
      const [a, b] = [new Machine(pair, pair.a), new Machine(pair, pair.b)];
      b.listen();
      a.connect({ sid: pair.b.identities[0]!, port: PORT });
      a.driver.step();
      pair.clock.runUntil(100);
      assert.equal(a.connection?.peerKind, "extended");
      const times: number[] = [];
      pair.a.filter = (bytes) => {
        if (bytes.length > 1000) times.push(pair.clock.now());
        return bytes;
      };
      a.sendAll(Array.from({ length: 3000 }, (_, i) => message(i)));
      assert.ok(pair.clock.runWhile(() => b.taken.length < 3000, 10_000));
      const elapsedMs = times.at(-1)! - times[0]!;
      assert.ok(times.length / elapsedMs <= 6.5, `${times.length / elapsedMs} in a millisecond`);
      assert.ok(times.length / elapsedMs > 5, "and not much less");
      for (let i = 4; i < times.length; i += 1) assert.ok(times[i]! > times[i - 4]!, "5 at once");
    });
  });
}
