import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BIND_PRIMARY } from "@meshstream/msp";
import {
  BROADCAST,
  inbox,
  isReachable,
  Segment,
  testIdentity,
  testNode,
  testPair,
  testSegment,
} from "./rig.ts";

type Pair = Awaited<ReturnType<typeof testPair>>;

/** Send from A to B every `everyMs`, as MSP would, until something arrives. Returns when that is. */
function firstMessageMs({ clock, a, b }: Pair, limitMs: number, everyMs = 5): number {
  const from = inbox(a, { sid: BIND_PRIMARY, port: 0 });
  const to = inbox(b, { sid: BIND_PRIMARY, port: 600 });
  for (let atMs = 0; atMs < limitMs && to.messages.length === 0; atMs += everyMs) {
    from.send(to.address, "hello");
    clock.runUntil(clock.now() + everyMs);
  }
  return to.messages.length > 0 ? clock.now() : Number.POSITIVE_INFINITY;
}

describe("finding each other", () => {
  for (const [name, peers] of [
    ["both have the other configured", { a: true, b: true }],
    ["only the caller has the peer configured", { a: true }],
    ["only the called has the peer configured", { b: true }],
    ["both broadcast on one segment", undefined],
  ] as const) {
    it(`first sealed message within 100 ms on a clean link of 10 ms: ${name}`, async () => {
      const pair = await testPair({ link: { delayMs: 10 }, ...(peers && { peers }) });
      const atMs = firstMessageMs(pair, 1000);
      assert.ok(atMs <= 100, `${atMs} ms`);
      await pair.close();
    });
  }

  for (const loss of [0.1, 0.2]) {
    it(`first sealed message within 1 s at ${loss * 100} % loss, in 60 runs (seeds 1 to 60)`, async (test) => {
      const times: number[] = [];
      for (let seed = 1; seed <= 60; seed++) {
        const pair = await testPair({
          seed,
          link: { delayMs: 10, loss: { model: "bernoulli", p: loss } },
          peers: { a: true, b: true },
        });
        times.push(firstMessageMs(pair, 5000));
        await pair.close();
      }
      times.sort((x, y) => x - y);
      test.diagnostic?.(`median ${times[30]} ms, slowest ${times[59]} ms`);
      assert.ok(times[59]! <= 1000, `slowest ${times[59]} ms`);
    });
  }

  it("a peer that starts later is found within 600 ms of its start", async () => {
    const { clock, random, segment } = testSegment(1, { delayMs: 10 });
    const entropy = random;
    const a = await testNode({
      identities: [await testIdentity(1)],
      links: [{ transport: segment.port("a"), peers: ["b"], broadcast: false }],
      clock,
      entropy,
    });
    clock.runUntil(10_000);
    const b = await testNode({
      identities: [await testIdentity(2)],
      links: [{ transport: segment.port("b"), broadcast: false }],
      clock,
      entropy,
    });
    assert.equal(
      clock.runWhile(() => !isReachable(a, b.identities[0]!), 600),
      true,
    );
    assert.equal(
      clock.runWhile(() => !isReachable(b, a.identities[0]!), 100),
      true,
    );
    await a.close();
    await b.close();
  });

  it("addPeer seeks at once, once for each address", async () => {
    const pair = await testPair({ link: { delayMs: 10 }, peers: {} });
    const { clock, a, b, segment } = pair;
    clock.runUntil(1000);
    assert.equal(segment.sent.length, 0, "nobody was to be told");
    a.addPeer(0, "b");
    a.addPeer(0, "b");
    clock.runUntil(1000);
    assert.equal(segment.sent.length, 1);
    clock.runUntil(1050);
    assert.equal(isReachable(a, b.identities[0]!) && isReachable(b, a.identities[0]!), true);
    assert.throws(() => a.addPeer(1, "b"), { code: "argument" });
    assert.throws(() => a.addPeer(0, ""), { code: "address" });
    await pair.close();
  });

  it("before a peer answers, messages are dropped and counted, and send says so", async () => {
    const pair = await testPair({ peers: {} });
    const from = inbox(pair.a, { sid: BIND_PRIMARY, port: 0 });
    assert.equal(from.send({ sid: pair.b.identities[0]!, port: 600 }, "hello"), false);
    assert.equal(pair.a.counters["no-route"], 1);
    await pair.close();
  });

  it("three nodes on one broadcast segment all reach each other", async () => {
    const { clock, random, segment } = testSegment(3, { delayMs: 5 });
    const nodes = await Promise.all(
      [1, 2, 3].map(async (number) =>
        testNode({
          identities: [await testIdentity(number)],
          links: [{ transport: segment.port(`n${number}`) }],
          clock,
          entropy: random.fork(),
        }),
      ),
    );
    clock.runUntil(200);
    const boxes = nodes.map((node) => inbox(node, { sid: BIND_PRIMARY, port: 600 }));
    for (const [i, from] of boxes.entries()) {
      for (const [k, to] of boxes.entries()) {
        if (i !== k) assert.equal(from.send(to.address, `${i} to ${k}`), true);
      }
    }
    clock.runUntil(250);
    for (const [k, box] of boxes.entries()) {
      assert.deepEqual(
        box.messages.map(({ text }) => text).sort(),
        [0, 1, 2].filter((i) => i !== k).map((i) => `${i} to ${k}`),
      );
    }
    for (const node of nodes) await node.close();
  });

  it("two links: a message takes the one that works", async () => {
    const { clock, random } = testSegment(4);
    const segments = [1, 2].map(() => new Segment(clock, random, { delayMs: 5 }));
    const make = async (number: number) =>
      testNode({
        identities: [await testIdentity(number)],
        links: segments.map((segment) => ({ transport: segment.port(`n${number}`) })),
        clock,
        entropy: random.fork(),
      });
    const [a, b] = [await make(1), await make(2)];
    clock.runUntil(200);
    assert.deepEqual(
      a.neighbours().map(({ link, reachable }) => [link, reachable]),
      [
        [0, true],
        [1, true],
      ],
    );
    const from = inbox(a, { sid: BIND_PRIMARY, port: 600 });
    const to = inbox(b, { sid: BIND_PRIMARY, port: 600 });
    from.send(to.address, "first");
    // Deaf one way only: A still hears B on the first link. B says "I hear you" for up to 2.5 s, which counts as long.
    segments[0]!.link("n1", "n2").configure({ up: false });
    clock.runUntil(5500);
    assert.deepEqual(
      a.neighbours().map(({ link, reachable }) => [link, reachable]),
      [
        [0, false],
        [1, true],
      ],
    );
    from.send(to.address, "second");
    clock.runUntil(5600);
    assert.deepEqual(
      to.messages.map(({ text }) => text),
      ["first", "second"],
    );
    await a.close();
    await b.close();
  });

  it("one that neither broadcasts nor has peers sends nothing; one that does ticks every 5 s alone", async () => {
    const silent = await testPair({ peers: {} });
    silent.clock.runUntil(60_000);
    assert.equal(silent.segment.sent.length, 0);
    await silent.close();

    const { clock, random, segment } = testSegment(1);
    const transport = segment.port("a");
    const alone = await testNode({
      identities: [await testIdentity(1)],
      links: [{ transport }],
      clock,
      entropy: random,
    });
    clock.runUntil(20_000);
    const before = segment.sent.length;
    clock.runUntil(70_000);
    assert.equal(segment.sent.length - before, 10);
    assert.equal(
      segment.sent.every(({ to }) => to === BROADCAST),
      true,
    );
    await alone.close();
  });
});
