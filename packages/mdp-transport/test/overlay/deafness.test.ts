import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BIND_PRIMARY } from "@meshstream/msp";
import { inbox, isReachable, testIdentity, testNode, testPair, testSegment } from "./rig.ts";

describe("a neighbour that no longer hears us", () => {
  for (let seed = 1; seed <= 20; seed++) {
    it(`is not used any more after 2.5 s, though it says that it does, and is used again soon (seed ${seed})`, async () => {
      const pair = await testPair({ seed, link: { delayMs: 5 } });
      const { clock, random, segment, a, b } = pair;
      const [sidA, sidB] = [a.identities[0]!, b.identities[0]!];
      clock.runUntil(3000 + 500 * random.next());
      const busy = seed % 2 === 0;
      const from = inbox(a, { sid: BIND_PRIMARY, port: 500 });
      const pass = (untilMs: number) => {
        while (clock.now() < untilMs) {
          if (busy) from.send({ sid: sidB, port: 600 }, "message");
          clock.runUntil(Math.min(untilMs, clock.now() + 2));
        }
      };
      pass(clock.now() + 200);
      segment.link("a", "b").configure({ up: false });
      const downMs = clock.now();
      pass(downMs + 1500);
      assert.equal(isReachable(a, sidB), true, "not before it is sure");
      pass(downMs + 2520);
      assert.equal(isReachable(a, sidB), false);
      assert.equal(isReachable(b, sidA), false, "nor is it by itself: it hears nothing");
      assert.equal(a.counters["neighbours-deaf"], 1);
      pass(downMs + 2600 + 1900 * random.next());
      segment.link("a", "b").configure({ up: true });
      const upMs = clock.now();
      assert.equal(
        clock.runWhile(() => !isReachable(a, sidB) || !isReachable(b, sidA), 1000),
        true,
        "after the deafness",
      );
      assert.ok(clock.now() - upMs < 700);
      await pair.close();
    });
  }

  it("is not one that loses 20 % each way", async () => {
    const loss = { model: "bernoulli", p: 0.2 } as const;
    const pair = await testPair({ seed: 9, link: { delayMs: 5, loss } });
    pair.clock.runUntil(300_000);
    const { a, b } = pair;
    const deaf = a.counters["neighbours-deaf"]! + b.counters["neighbours-deaf"]!;
    assert.ok(deaf <= 2, `${deaf} times in five minutes`);
    await pair.close();
  });
});

describe("a neighbour with two interfaces on a segment", () => {
  async function twoInterfaces() {
    const { clock, random, segment } = testSegment(4, { delayMs: 5 });
    const make = async (number: number, addresses: string[]) =>
      testNode({
        identities: [await testIdentity(number)],
        links: addresses.map((address) => ({ transport: segment.port(address) })),
        clock,
        entropy: random.fork(),
      });
    const a = await make(1, ["a"]);
    const b = await make(2, ["b1", "b2"]);
    clock.runUntil(2000);
    const to = inbox(b, { sid: BIND_PRIMARY, port: 600 });
    const from = inbox(a, { sid: BIND_PRIMARY, port: 500 });
    /** Send a message each 10 ms; those that came. */
    const pass = (untilMs: number) => {
      to.messages.length = 0;
      while (clock.now() < untilMs) {
        from.send(to.address, "message");
        clock.runUntil(clock.now() + 10);
      }
      return to.messages.length;
    };
    const inUse = () => {
      const before = segment.sent.length;
      pass(clock.now() + 100);
      return segment.sent.slice(before).find(({ from: by, bytes }) => by === "a" && bytes.length > 60)!.to;
    };
    return { clock, segment, a, b, pass, inUse };
  }

  it("is followed to the other one within 2 s when the one in use goes dead", async () => {
    const { clock, segment, a, b, pass, inUse } = await twoInterfaces();
    const used = inUse();
    for (const [from, to] of [
      ["a", used],
      [used, "a"],
    ] as const)
      segment.link(from, to).configure({ up: false });
    const startMs = clock.now();
    pass(startMs + 2000);
    assert.equal(pass(startMs + 4000) >= 195, true);
    assert.notEqual(inUse(), used);
    await a.close();
    await b.close();
  });

  it("is sent to where less is lost", async () => {
    const { clock, segment, a, b, pass, inUse } = await twoInterfaces();
    const used = inUse();
    segment.link("a", used).configure({ loss: { model: "bernoulli", p: 0.7 } });
    const startMs = clock.now();
    pass(startMs + 3000);
    assert.notEqual(inUse(), used);
    assert.equal(pass(clock.now() + 2000) >= 195, true);
    await a.close();
    await b.close();
  });
});
