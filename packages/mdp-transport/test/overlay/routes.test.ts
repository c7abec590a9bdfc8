import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Sid } from "@meshstream/msp";
import type { OverlayNode } from "../../src/index.ts";
import { Limit } from "../../src/overlay/limits.ts";
import { hexHead, scriptedMesh, strangeSid } from "./scripted-mesh.ts";

const [S, T, U] = [strangeSid(1), strangeSid(2), strangeSid(3)];

/** Next hop, hops and drop rate. */
function way(node: OverlayNode, sid: Sid): readonly [string, number, number] | undefined {
  const route = node.route(sid);
  return route && [route.nextHop.hex, route.hops, route.dropRate];
}

describe("routes", () => {
  it("the lowest sum of drop rates wins, then fewer hops, then the next hop with the lowest SID", async () => {
    const { clock, node, neighbour } = await scriptedMesh();
    const [x, y] = [await neighbour("x", 71), await neighbour("y", 72)];
    const [low, high] = x.sid.hex < y.sid.hex ? [x, y] : [y, x];
    clock.runUntil(50);
    low.say(low.path(S, low.sid, 5));
    high.say(high.path(T, high.sid, 0), high.path(S, T, 4));
    clock.runUntil(100);
    assert.deepEqual(way(node, S), [high.sid.hex, 3, 4], "two good links rather than a bad one");
    high.say(high.path(S, T, 5, 2));
    clock.runUntil(150);
    assert.deepEqual(way(node, S), [low.sid.hex, 2, 5], "as bad, but shorter");
    high.say(high.path(S, high.sid, 5));
    clock.runUntil(200);
    assert.deepEqual(way(node, S), [low.sid.hex, 2, 5], "the same for each but the SID");
    assert.equal(node.route(S)?.lastHop.hex, low.sid.hex);
    assert.equal(node.routes().length, 4);
    await node.close();
  });

  it("a way through this node, in a circle, or along links that nobody announced, is none", async () => {
    const { clock, node, neighbour } = await scriptedMesh();
    const x = await neighbour("x", 71);
    clock.runUntil(50);
    x.say(x.path(S, node.identities[0]), x.path(T, U), x.path(U, T), x.path(strangeSid(4), strangeSid(5)));
    clock.runUntil(100);
    assert.deepEqual(
      node.routes().map(({ sid }) => sid.hex),
      [x.sid.hex],
    );
    x.say(x.path(U, x.sid, 0, 2));
    clock.runUntil(150);
    assert.deepEqual([way(node, U)?.[1], way(node, T)?.[1]], [2, 3]);
    await node.close();
  });

  it("a SID is reached only through the neighbour that its last hop is reached through", async () => {
    const { clock, node, neighbour } = await scriptedMesh();
    const [x, y] = [await neighbour("x", 71), await neighbour("y", 72)];
    clock.runUntil(50);
    // y tells of a link from x to S that x itself knows nothing of any more.
    y.say(y.path(x.sid, y.sid), y.path(S, x.sid));
    clock.runUntil(100);
    assert.equal(node.route(S), undefined);
    assert.deepEqual(way(node, x.sid), [x.sid.hex, 1, 0]);
    await node.close();
  });

  it("no path means none at once; what is not said again for 15 s is forgotten; a lost neighbour takes its tree along", async () => {
    const { clock, node, neighbour } = await scriptedMesh();
    const [x, y] = [await neighbour("x", 71), await neighbour("y", 72)];
    clock.runUntil(50);
    x.say(x.path(S, x.sid), x.path(T, x.sid));
    y.say(y.path(U, y.sid));
    clock.runUntil(100);
    assert.equal(node.routes().length, 5);
    x.say(x.path(S, undefined, 32, 1));
    clock.runUntil(130);
    assert.equal(node.route(S), undefined);
    y.fallSilent();
    clock.runUntil(3000);
    assert.equal(node.route(U), undefined);
    clock.runUntil(14_900);
    assert.ok(node.route(T) !== undefined);
    clock.runUntil(15_200);
    assert.equal(node.route(T), undefined);
    assert.equal(node.route(x.sid)?.hops, 1);
    await node.close();
  });

  it("an older version is a packet overtaken; after a while it is a node that began anew", async () => {
    const { clock, node, neighbour } = await scriptedMesh();
    const x = await neighbour("x", 71);
    clock.runUntil(50);
    x.say(x.path(S, x.sid, 4, 3));
    clock.runUntil(100);
    x.say(x.path(S, x.sid, 9, 250)); // nine before, modulo 256
    clock.runUntil(150);
    assert.deepEqual([way(node, S)?.[2], node.counters["record-old"]], [4, 1]);
    x.say(x.path(S, x.sid, 6, 4));
    clock.runUntil(200);
    assert.equal(way(node, S)?.[2], 6);
    clock.runUntil(1500);
    x.say(x.path(S, x.sid, 8, 1));
    clock.runUntil(1550);
    assert.equal(way(node, S)?.[2], 8);
    await node.close();
  });

  it("1000 announced SIDs are reached and handed on, whole to who does not know them, else short", async () => {
    const { clock, node, neighbour } = await scriptedMesh();
    const [x, y] = [await neighbour("x", 71), await neighbour("y", 72)];
    clock.runUntil(200);
    const sids = Array.from({ length: 1000 }, (_, i) => strangeSid(i));
    y.heard();
    for (let i = 0; i < 1000; i += 10) x.say(...sids.slice(i, i + 10).map((sid) => x.path(sid, x.sid)));
    clock.runUntil(1500);
    assert.equal(node.routes().length, 1002);
    const told = y.heardPaths();
    const names = new Set(told.map(({ receiver }) => receiver));
    assert.ok(sids.every((sid) => names.has(sid.hex.toLowerCase())));
    assert.ok(told.every(({ transmitter }) => transmitter !== undefined));
    // Now y speaks of them itself.
    for (let i = 0; i < 1000; i += 10) y.say(...sids.slice(i, i + 10).map((sid) => y.path(sid, x.sid, 1)));
    clock.runUntil(5500);
    y.heard();
    clock.runUntil(10_600);
    const known = y.heardPaths().filter(({ receiver }) => receiver.length === 16);
    assert.equal(known.length, 1001, "one round; only x is not among those that y speaks of");
    await node.close();
  });

  it("no neighbour can announce more than its share", async () => {
    const { clock, node, neighbour } = await scriptedMesh();
    const x = await neighbour("x", 71);
    clock.runUntil(50);
    const most = Limit.ANNOUNCED_BY_NEIGHBOUR;
    for (let i = 0; i < most + 100; i += 10) {
      x.say(...Array.from({ length: 10 }, (_, k) => x.path(strangeSid(i + k), x.sid)));
    }
    clock.runUntil(100);
    assert.equal(node.counters["announced-full"]! >= 92, true);
    assert.equal(node.routes().length, most + 1);
    await node.close();
  });
});

describe("what a node announces", () => {
  it("its further identities and its neighbours as one hop behind it, and the far ends of links as they were announced", async () => {
    const { clock, node, identities, neighbour } = await scriptedMesh({ identities: [1, 2] });
    const [x, y] = [await neighbour("x", 71), await neighbour("y", 72)];
    x.say(x.path(S, x.sid, 7, 41));
    clock.runUntil(100);
    const told = new Map(y.heardPaths().map(({ receiver, ...rest }) => [receiver, rest]));
    assert.deepEqual(Object.fromEntries(told), {
      [identities[1]!.sid.hex.toLowerCase()]: { transmitter: "me", version: 1, dropRate: 0 },
      [hexHead(y.sid)]: { transmitter: "me", version: 1, dropRate: 0 },
      [x.sid.hex.toLowerCase()]: { transmitter: "me", version: 1, dropRate: 0 },
      [S.hex.toLowerCase()]: { transmitter: x.sid.hex.toLowerCase(), version: 41, dropRate: 7 },
    });
    await node.close();
  });

  it("what changed within 30 ms, twice; what is gone without a transmitter; and all of it every 5 s", async () => {
    const { clock, node, neighbour } = await scriptedMesh();
    const [x, y] = [await neighbour("x", 71), await neighbour("y", 72)];
    clock.runUntil(1000);
    y.heard();
    x.say(x.path(S, x.sid));
    clock.runUntil(1030);
    assert.deepEqual(
      y.heardPaths().map(({ receiver }) => receiver),
      [S.hex.toLowerCase()],
    );
    clock.runUntil(1300);
    assert.equal(y.heardPaths().length, 1);
    x.fallSilent();
    clock.runUntil(3800);
    const gone = y.heardPaths().filter(({ transmitter }) => transmitter === undefined);
    assert.deepEqual(
      new Set(gone.map(({ receiver, version, dropRate }) => `${receiver} ${version} ${dropRate}`)),
      new Set([`${S.hex.toLowerCase()} 1 32`, `${x.sid.hex.toLowerCase()} 2 32`]),
    );
    clock.runUntil(3900);
    y.heard();
    clock.runUntil(8900);
    assert.deepEqual(
      y
        .heardPaths()
        .map(({ receiver, transmitter }) => [receiver, transmitter])
        .sort(),
      [
        [S.hex.toLowerCase(), undefined],
        [hexHead(y.sid), "me"],
        [x.sid.hex.toLowerCase(), undefined],
      ].sort(),
    );
    clock.runUntil(25_000);
    y.heard();
    clock.runUntil(30_000);
    assert.deepEqual(
      y.heardPaths().map(({ receiver }) => receiver),
      [hexHead(y.sid)],
      "what is gone is not told for ever",
    );
    await node.close();
  });

  it("to a neighbour that began anew, everything, and nothing counts that it said before", async () => {
    const { clock, node, neighbour } = await scriptedMesh();
    const [x, y] = [await neighbour("x", 71), await neighbour("y", 72)];
    x.say(x.path(S, x.sid));
    y.say(y.path(T, y.sid));
    clock.runUntil(1000);
    x.heard();
    x.numberOnce();
    clock.runUntil(1010);
    x.say();
    clock.runUntil(1400);
    assert.equal(node.counters["neighbour-restarts"], 0, "whoever it spoke to, it did not speak of us");
    assert.ok(node.route(S) !== undefined);
    clock.runUntil(1550);
    assert.equal(node.counters["neighbour-restarts"], 1);
    assert.equal(node.route(S), undefined);
    assert.ok(x.heardPaths().some(({ receiver }) => receiver === T.hex.toLowerCase()));
    await node.close();
  });
});
