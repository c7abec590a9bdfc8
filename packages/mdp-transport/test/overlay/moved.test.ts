import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canPing, settle, testMesh } from "./mesh-rig.ts";
import { testIdentity, testNode } from "./rig.ts";

describe("a node that begins anew at another address", () => {
  it("is told the way to nodes beyond its neighbour at once, not with the next round of 5 s", async () => {
    const mesh = await testMesh(["AB", "BC"]);
    const { clock, random, segments } = mesh;
    clock.runUntil(7000);
    assert.ok(await canPing(clock, mesh.node("A"), mesh.sid("C")));
    await settle(clock, mesh.node("A").close());
    const moved = await testNode({
      identities: [await testIdentity("A".charCodeAt(0))],
      links: [{ transport: segments.AB!.port("A, moved") }],
      clock,
      entropy: random.fork(),
    });
    clock.runUntil(clock.now() + 1000);
    const reached = moved.routes().map(({ sid }) => sid.hex);
    assert.ok(reached.includes(mesh.sid("C").hex), `after 1 s it reaches ${reached.length} nodes`);
    await moved.close();
    await mesh.close();
  });
});
