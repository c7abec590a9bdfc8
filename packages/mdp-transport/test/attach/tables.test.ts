import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Sid } from "@meshstream/msp";
import { PortTable } from "../../src/attach/port-table.ts";
import { SidTable } from "../../src/attach/sid-table.ts";

describe("the table of SIDs", () => {
  it("gives one object for one SID, and its bytes are its own", () => {
    const table = new SidTable(10);
    const bytes = sidBytes(1);
    const first = table.intern(bytes);
    bytes.fill(0xdd);
    assert.deepEqual(first.bytes, sidBytes(1));
    const second = table.intern(sidBytes(2));
    assert.notEqual(first, second);
    assert.equal(table.intern(sidBytes(1)), first);
    assert.equal(table.intern(sidBytes(1)), first);
    assert.equal(table.intern(sidBytes(2)), second);
  });

  it("forgets the one that was not used for longest, and only when it is full", () => {
    const table = new SidTable(3);
    const [a, b, c] = [1, 2, 3].map((i) => table.intern(sidBytes(i)));
    assert.equal(table.intern(sidBytes(1)), a);
    table.intern(sidBytes(4));
    assert.equal(table.intern(sidBytes(1)), a);
    assert.equal(table.intern(sidBytes(3)), c);
    assert.notEqual(table.intern(sidBytes(2)), b, "2 was the oldest");
  });
});

describe("the table of ports", () => {
  const [a, b] = [Sid.fromBytes(sidBytes(1)), Sid.fromBytes(sidBytes(2))];

  it("finds the identity's own binding before the one of all", () => {
    const table = new PortTable<string>();
    table.add(undefined, 5, "all");
    table.add(a, 5, "a");
    assert.deepEqual([table.find(a, 5), table.find(b, 5), table.find(a, 6)], ["a", "all", undefined]);
  });

  it("has each binding once, and gives it back when it is taken out", () => {
    const table = new PortTable<string>();
    assert.ok(table.add(a, 5, "first"));
    assert.ok(!table.add(a, 5, "second"));
    assert.ok(table.add(b, 5, "b") && table.add(undefined, 5, "all"));
    assert.equal(table.size, 3);
    assert.equal(table.remove(a, 5), "first");
    assert.equal(table.remove(a, 5), undefined);
    assert.deepEqual(table.removeAll(), ["b", "all"]);
    assert.equal(table.size, 0);
  });
});

function sidBytes(fill: number): Uint8Array {
  return new Uint8Array(32).fill(fill);
}
