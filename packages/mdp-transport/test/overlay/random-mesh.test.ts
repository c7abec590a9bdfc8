import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LinkConfig } from "@meshstream/netem";
import type { OverlayNode } from "../../src/index.ts";
import { canPing } from "./mesh-rig.ts";
import { testIdentity, testNode, testSegment } from "./rig.ts";

const NODES = 8;
const UNREACHED = Number.POSITIVE_INFINITY;

/** What becomes of packets while links come and go, and what when they rest. */
const BAD: Partial<LinkConfig> = {
  loss: { model: "bernoulli", p: 0.05 },
  duplicate: 0.02,
  corrupt: 0.05,
  truncate: 0.03,
  jitterReorders: true,
};
const GOOD: Partial<LinkConfig> = { loss: { model: "none" }, duplicate: 0, corrupt: 0, truncate: 0 };

/** Eight nodes in one place, each pair of them in earshot or not. */
async function randomMesh(seed: number, link: Partial<LinkConfig>) {
  const { clock, random, segment } = testSegment(seed, { delayMs: 2, jitterMs: 2, up: false, ...link });
  const nodes: OverlayNode[] = [];
  for (let i = 0; i < NODES; i++) {
    const links = [{ transport: segment.port(`n${i}`) }];
    nodes.push(
      await testNode({ identities: [await testIdentity(i + 1)], links, clock, entropy: random.fork() }),
    );
  }
  /** Which directions are up. */
  const up = Array.from({ length: NODES }, () => new Array<boolean>(NODES).fill(false));
  const set = (from: number, to: number, isUp: boolean) => {
    up[from]![to] = isUp;
    segment.link(`n${from}`, `n${to}`).configure({ up: isUp });
  };
  /** Links from one node to another over links that are up both ways. */
  const distance = (from: number, to: number) => {
    const hops = new Array<number>(NODES).fill(UNREACHED);
    hops[from] = 0;
    const queue = [from];
    for (const next of queue) {
      for (let i = 0; i < NODES; i++) {
        if (hops[i] !== UNREACHED || !up[next]![i] || !up[i]![next]) continue;
        hops[i] = hops[next]! + 1;
        queue.push(i);
      }
    }
    return hops[to]!;
  };
  const heal = () => {
    for (let from = 0; from < NODES; from++) {
      for (let to = 0; to < NODES; to++) if (from !== to) segment.link(`n${from}`, `n${to}`).configure(GOOD);
    }
  };
  const count = (name: string) => nodes.reduce((sum, node) => sum + node.counters[name]!, 0);
  return { clock, random, nodes, set, heal, distance, count };
}

describe("eight nodes whose links come and go by chance", () => {
  for (const [seed, how, link] of [
    [1, "good links", GOOD],
    [2, "good links", GOOD],
    [3, "good links", GOOD],
    [4, "links that lose and damage packets", BAD],
    [5, "links that lose and damage packets", BAD],
  ] as const) {
    it(`${how}: once they rest, who is connected reaches each other on the shortest way, and no frame goes round (seed ${seed})`, async () => {
      const { clock, random, nodes, set, heal, distance, count } = await randomMesh(seed, link);
      for (let step = 0; step < 60; step++) {
        const [from, to] = [random.below(NODES), random.below(NODES)];
        if (from !== to) {
          const isUp = random.below(5) < 2;
          set(from, to, isUp);
          // One in four is deaf in one direction for a while.
          if (random.below(4) > 0) set(to, from, isUp);
        }
        const [asker, asked] = [random.below(NODES), random.below(NODES)];
        await canPing(clock, nodes[asker]!, nodes[asked]!.identities[0]!, 1);
      }
      const sentThen = count("messages-sent");
      assert.ok(count("frames-relayed") <= 31 * sentThen, "a frame that goes round ends by its time to live");
      heal();
      clock.runUntil(clock.now() + 25_000);

      const before = count("frames-relayed");
      let expected = 0;
      for (let from = 0; from < NODES; from++) {
        for (let to = 0; to < NODES; to++) {
          if (from === to) continue;
          const sid = nodes[to]!.identities[0]!;
          const hops = distance(from, to);
          assert.equal(nodes[from]!.route(sid)?.hops ?? UNREACHED, hops, `from ${from} to ${to}`);
          if (hops === UNREACHED) continue;
          assert.ok(await canPing(clock, nodes[from]!, sid, 1), `ping from ${from} to ${to}`);
          expected += 2 * (hops - 1);
        }
      }
      assert.equal(count("frames-relayed") - before, expected, "each frame was relayed hops - 1 times");
      for (const node of nodes) await node.close();
    });
  }
});
