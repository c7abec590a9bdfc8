import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom } from "@meshstream/netem";
import { AddressBook, type BookEntry } from "../../src/overlay/address-book.ts";
import { NeighbourNode } from "../../src/overlay/neighbours.ts";
import { Timing } from "../../src/overlay/timing.ts";
import { Topology } from "../../src/overlay/topology.ts";
import { strangeSid } from "./scripted-mesh.ts";

describe("what neighbours announce", () => {
  it("is kept as a plain list keeps it, and holds nobody in the address book any longer (seeds 1 to 10)", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = createRandom(seed);
      const book = new AddressBook([strangeSid(0)]);
      const entries = Array.from({ length: 20 }, (_, i) => book.adopt(strangeSid(i + 1)) as BookEntry);
      const nodes = entries.slice(0, 4).map((entry) => new NeighbourNode(entry, 0));
      // To be a neighbour still is to have a relation; what it is does not matter here.
      for (const node of nodes) node.relations.push({} as (typeof node.relations)[number]);
      const topology = new Topology();
      const list = new Map<string, { transmitter: BookEntry; atMs: number }>();
      let nowMs = 0;
      for (let step = 0; step < 400; step++) {
        nowMs += random.below(400);
        topology.expire(nowMs);
        for (const [key, { atMs }] of list) if (atMs + Timing.PATH_GONE <= nowMs) list.delete(key);
        const by = random.below(nodes.length);
        const [receiver, transmitter] = [entries[random.below(20)]!, entries[random.below(20)]!];
        const key = `${by} ${receiver.sid.hex}`;
        const what = random.below(100);
        if (what === 0) {
          topology.forget(nodes[by]!);
          for (const each of [...list.keys()]) if (each.startsWith(`${by} `)) list.delete(each);
        } else if (what < 10) {
          assert.equal(topology.withdraw(nodes[by]!, receiver), list.delete(key));
        } else {
          topology.announce(nodes[by]!, receiver, transmitter, 1, 0, nowMs);
          list.set(key, { transmitter, atMs: nowMs });
        }
        const kept = nodes.flatMap((node, i) =>
          [...topology.tree(node)].map(([to, from]) => `${i} ${to.sid.hex} ${from.transmitter.sid.hex}`),
        );
        const wanted = [...list].map(([each, { transmitter: from }]) => `${each} ${from.sid.hex}`);
        assert.deepEqual(kept.sort(), wanted.sort(), `seed ${seed}, step ${step}`);
      }
      const heldTwice = entries.reduce((sum, { holders }) => sum + holders, 0);
      assert.equal(heldTwice, 2 * list.size);
      for (const node of nodes) node.relations.pop();
      topology.expire(nowMs + Timing.PATH_GONE);
      assert.ok(entries.every(({ holders }) => holders === 0));
      assert.equal(topology.expiryMs, Number.POSITIVE_INFINITY);
    }
  });
});
