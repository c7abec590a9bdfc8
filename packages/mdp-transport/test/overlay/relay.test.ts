import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canPing, messageOf, testMesh, transfer } from "./mesh-rig.ts";

describe("relaying", () => {
  it("a line of three: the ends know the way, ping each other, and carry MSP", async () => {
    const mesh = await testMesh(["AB", "BC"]);
    mesh.clock.runUntil(1000);
    const route = mesh
      .node("A")
      .routes()
      .find(({ sid }) => sid.hex === mesh.sid("C").hex);
    assert.deepEqual(
      [route?.hops, route?.nextHop.hex, route?.lastHop.hex],
      [2, mesh.sid("B").hex, mesh.sid("B").hex],
    );
    assert.equal(await canPing(mesh.clock, mesh.node("A"), mesh.sid("C")), true);
    assert.equal(await canPing(mesh.clock, mesh.node("C"), mesh.sid("A")), true);
    const { received } = await transfer(mesh, "A", "C", 100);
    assert.deepEqual(
      received,
      Array.from({ length: 100 }, (_, i) => messageOf(i)),
    );
    assert.ok(mesh.node("B").counters["frames-relayed"]! >= 100);
    await mesh.close();
  });
});
