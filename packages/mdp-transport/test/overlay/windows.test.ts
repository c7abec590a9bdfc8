import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TokenBucket } from "@meshstream/msp";
import { createRandom } from "@meshstream/netem";
import { AddressBook } from "../../src/overlay/address-book.ts";
import { FrameWindow, PacketWindow } from "../../src/overlay/windows.ts";
import { testIdentity } from "./rig.ts";

describe("sequence windows", () => {
  it("packets: agrees with a plain list of what was heard (seed 7)", () => {
    const random = createRandom(7);
    const window = new PacketWindow();
    let latest = -1;
    let seen = new Set<number>();
    for (let i = 0; i < 50_000; i++) {
      const step = random.below(100) === 0 ? random.below(256) : random.below(6) - 2;
      const sequence = latest < 0 ? 5 : (latest + step) & 0xff;
      const ahead = (sequence - latest + 256) & 0xff;
      const isAhead = latest >= 0 && ahead > 0 && ahead < 128;
      const isRestart = latest < 0 || (ahead >= 128 && 256 - ahead > 32);
      const isDuplicate = !isAhead && !isRestart && seen.has(sequence);
      const expected = isDuplicate ? "duplicate" : isAhead && ahead > 1 ? "gap" : undefined;
      const actual = window.note(sequence);
      if (expected !== undefined) assert.equal(actual, expected);
      else assert.equal(actual === "next" || actual === "late", true);
      if (isRestart) seen = new Set();
      if (isAhead || isRestart) latest = sequence;
      seen.add(sequence);
      seen = new Set([...seen].filter((other) => ((latest - other + 256) & 0xff) <= 32));
      let mask = 0;
      for (let bit = 0; bit < 32; bit++) if (seen.has((latest - 1 - bit) & 0xff)) mask |= 1 << bit;
      assert.equal(window.latest, latest);
      assert.equal(window.mask, mask >>> 0);
    }
  });

  it("frames: a copy is one seen at most 64 back; 65 or more back is new (seed 8)", () => {
    const random = createRandom(8);
    const window = new FrameWindow();
    let latest = -1;
    let seen = new Set<number>();
    for (let i = 0; i < 50_000; i++) {
      const step = random.below(50) === 0 ? random.below(256) : random.below(8) - 4;
      const sequence = latest < 0 ? 250 : (latest + step) & 0xff;
      const behind = latest < 0 ? 255 : (latest - sequence + 256) & 0xff;
      const isNewest = behind > 64;
      assert.equal(window.note(sequence), isNewest || !seen.has(sequence), `number ${i}`);
      if (isNewest) latest = sequence;
      seen.add(sequence);
      seen = new Set([...seen].filter((other) => ((latest - other + 256) & 0xff) <= 64));
    }
  });
});

describe("limits", () => {
  it("a token bucket gives its burst, then its rate", () => {
    const bucket = new TokenBucket(10, 3);
    const taken = (nowMs: number) => [1, 2, 3, 4, 5].filter(() => bucket.take(nowMs)).length;
    assert.equal(taken(1000), 3);
    assert.equal(taken(1000), 0);
    assert.equal(taken(1100), 1);
    assert.equal(taken(9000), 3);
  });

  it("the address book forgets the strangers used longest ago, and nobody else", async () => {
    const own = (await testIdentity(1)).sid;
    const book = new AddressBook([own]);
    const random = createRandom(9);
    const sid = new Uint8Array(32);
    const named = book.adopt((await testIdentity(2)).sid, 0);
    random.fill(sid);
    const held = book.learn(sid, 0, 0);
    assert.ok(typeof held === "object" && typeof named === "object", "both have entries");
    held.holders++;
    for (let i = 1; i <= 6000; i++) {
      random.fill(sid);
      assert.equal(typeof book.learn(sid, 0, i), "object");
    }
    assert.equal(book.size, 4096 + 2);
    assert.equal(typeof book.find(sid, 0, 32, 7000), "object", "the newest is there");
    assert.equal(book.find(held.sid.bytes, 0, 32, 7000), held);
    assert.equal(book.find(named.sid.bytes, 0, 32, 7000), named);
    assert.equal(book.find(own.bytes, 0, 32, 7000), book.own[0]);
  });

  it("an abbreviation of two SIDs is ambiguous; a longer one is not", async () => {
    const book = new AddressBook([(await testIdentity(1)).sid]);
    const [one, two] = [new Uint8Array(32).fill(7), new Uint8Array(32).fill(7)];
    two[10] = 8;
    const entry = book.learn(one, 0, 0);
    book.learn(two, 0, 0);
    assert.equal(book.find(one, 0, 10, 0), "address-ambiguous");
    assert.equal(book.find(one, 0, 11, 0), entry);
    assert.equal(book.find(new Uint8Array([9]), 0, 1, 0), "address-unknown");
  });
});
