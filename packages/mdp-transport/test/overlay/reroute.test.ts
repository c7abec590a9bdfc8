import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canPing, messageOf, testMesh, transfer } from "./mesh-rig.ts";

describe("a mesh of our own nodes", () => {
  it("routes round a node that dies: the middle of a diamond, in the middle of 1 MB, within 5 s", async () => {
    const mesh = await testMesh(["AB", "AC", "BD", "CD"], { link: { delayMs: 5 } });
    const { clock } = mesh;
    clock.runUntil(5000);
    const nextHop = () =>
      mesh.node("A").route(mesh.sid("D"))!.nextHop.hex === mesh.sid("B").hex ? "B" : "C";
    let dead = "";
    let [killedAtMs, resumedAtMs] = [0, 0];
    const count = 1024;
    const { received, tookMs } = await transfer(mesh, "A", "D", count, (index) => {
      if (index === count / 2) {
        dead = nextHop();
        void mesh.node(dead).close();
        killedAtMs = clock.now();
      }
      // What was on its way when it died may still arrive.
      if (resumedAtMs === 0 && killedAtMs > 0 && clock.now() - killedAtMs > 100) resumedAtMs = clock.now();
    });
    console.log(`resumed after ${(resumedAtMs - killedAtMs).toFixed(0)} ms, 1 MB in ${tookMs.toFixed(0)} ms`);
    assert.ok(received.every((message, i) => Buffer.compare(message, messageOf(i)) === 0));
    assert.equal(received.length, count);
    assert.ok(resumedAtMs - killedAtMs < 5000, `${resumedAtMs - killedAtMs} ms`);
    assert.notEqual(nextHop(), dead);
    await mesh.close();
  });

  it("routes round a link that is deaf in one direction, both ways, and takes it again when it heals", async () => {
    const mesh = await testMesh(["AB", "AC", "BD", "CD"]);
    const { clock } = mesh;
    const hop = (from: string, to: string) =>
      ["A", "B", "C", "D"].find(
        (name) => mesh.node(from).route(mesh.sid(to))?.nextHop.hex === mesh.sid(name).hex,
      );
    clock.runUntil(10_000);
    const used = hop("A", "D")!;
    const other = used === "B" ? "C" : "B";
    const segment = mesh.segments[`A${used}`]!;
    segment.link(used, "A").configure({ up: false });
    clock.runUntil(13_500);
    assert.deepEqual([hop("A", "D"), hop("D", "A")], [other, other]);
    assert.equal(mesh.node("A").route(mesh.sid(used))?.hops, 3);
    assert.ok(await canPing(clock, mesh.node("A"), mesh.sid(used)));
    segment.link(used, "A").configure({ up: true });
    clock.runUntil(40_000);
    assert.deepEqual([hop("A", "D"), hop("D", "A")], [used, used]);
    await mesh.close();
  });

  it("follows a node that moves from one neighbour to another", async () => {
    const mesh = await testMesh(["AB", "AC", "BD", "CD"]);
    const { clock, segments } = mesh;
    const move = (edge: string, isThere: boolean) => {
      for (const [from, to] of [edge, `${edge[1]}${edge[0]}`]) {
        segments[edge]!.link(from!, to!).configure({ up: isThere });
      }
    };
    move("CD", false);
    clock.runUntil(10_000);
    assert.equal(mesh.node("A").route(mesh.sid("D"))?.nextHop.hex, mesh.sid("B").hex);
    move("CD", true);
    move("BD", false);
    clock.runUntil(18_000);
    assert.equal(mesh.node("A").route(mesh.sid("D"))?.nextHop.hex, mesh.sid("C").hex);
    assert.equal(mesh.node("B").route(mesh.sid("D"))?.hops, 3);
    assert.ok(await canPing(clock, mesh.node("B"), mesh.sid("D")));
    await mesh.close();
  });

  it("a line of five with 5 % loss on each link and in each direction delivers 1 MB (seed 3)", async () => {
    const mesh = await testMesh(["AB", "BC", "CD", "DE"], {
      seed: 3,
      link: { delayMs: 2, loss: { model: "bernoulli", p: 0.05 } },
    });
    mesh.clock.runUntil(3000);
    assert.equal(mesh.node("A").route(mesh.sid("E"))?.hops, 4);
    const { received, tookMs } = await transfer(mesh, "A", "E", 1024);
    console.log(`1 MB over four links with 5 % loss each in ${(tookMs / 1000).toFixed(1)} s`);
    assert.equal(received.length, 1024);
    assert.ok(received.every((message, i) => Buffer.compare(message, messageOf(i)) === 0));
    await mesh.close();
  });
});
