import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testMesh, transfer } from "./mesh-rig.ts";

const COUNT = 500;

/** Losses in transit cost 1 / (1 - 0.05) packets for each message and link. */
const LINK = {
  rateBitsPerSecond: 2e6,
  delayMs: 5,
  jitterMs: 5,
  queuePackets: 60,
  loss: { model: "bernoulli", p: 0.05 },
} as const;

describe("losses on a line of nodes", () => {
  for (const edges of [
    ["AB", "BC"],
    ["AB", "BC", "CD", "DE"],
  ]) {
    for (const seed of [1, 2, 3]) {
      it(`are made good by the link that has them, and not by MSP as well (${edges.length} links, seed ${seed})`, async (test) => {
        const mesh = await testMesh(edges, { seed, link: LINK });
        mesh.clock.runUntil(8000);
        const before = Object.values(mesh.segments).map(({ sent }) => sent.length);
        const last = edges.at(-1)!.at(-1)!;
        const { received } = await transfer(mesh, "A", last, COUNT);
        assert.equal(received.length, COUNT);
        const shares = Object.values(mesh.segments).map(
          ({ sent }, i) => sent.slice(before[i]).filter(({ bytes }) => bytes.length > 1000).length / COUNT,
        );
        test.diagnostic?.(`packets for each message, by link: ${shares.map((share) => share.toFixed(3))}`);
        for (const share of shares) assert.ok(share < 1.11, `${share} packets for each message on one link`);
        await mesh.close();
      });
    }
  }
});
