import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TokenBucket } from "@meshstream/msp";
import { createRandom } from "@meshstream/netem";
import { AddressBook, type BookEntry } from "../../src/overlay/address-book.ts";
import { PacketWindow } from "../../src/overlay/windows.ts";
import { testIdentity } from "./rig.ts";

describe("the window of packet numbers", () => {
  it("agrees with a plain list of what was heard, while packets are at most 32 late (seed 7)", () => {
    const random = createRandom(7);
    const window = new PacketWindow();
    let latest = 1000;
    let seen = new Set([latest]);
    window.note(latest & 0xff, latest);
    for (let i = 0; i < 50_000; i++) {
      const packet = random.below(50) === 0 ? latest + random.below(127) : latest + random.below(20) - 15;
      const expected = seen.has(packet)
        ? "duplicate"
        : packet === latest + 1
          ? "next"
          : packet > latest
            ? "gap"
            : "late";
      assert.equal(window.note(packet & 0xff, packet), expected, `packet ${packet} after ${latest}`);
      latest = Math.max(latest, packet);
      seen.add(packet);
      seen = new Set([...seen].filter((other) => latest - other <= 32));
      let mask = 0;
      for (let bit = 0; bit < 32; bit++) if (seen.has(latest - 1 - bit)) mask |= 1 << bit;
      assert.equal(window.latest, latest & 0xff);
      assert.equal(window.mask, mask >>> 0);
    }
  });

  it("takes no fresh packet for a copy after an outage of any length, and follows from the second on", () => {
    for (let lost = 0; lost < 700; lost++) {
      const window = new PacketWindow();
      for (let packet = 0; packet < 300; packet++) window.note(packet & 0xff, packet);
      for (let packet = 300 + lost; packet < 302 + lost; packet++) {
        assert.notEqual(window.note(packet & 0xff, packet), "duplicate", `${lost} lost`);
      }
      assert.equal(window.latest, (301 + lost) & 0xff, `${lost} lost`);
    }
  });

  it("is not moved by a single packet that comes very late", () => {
    const window = new PacketWindow();
    for (let packet = 0; packet < 300; packet++) if (packet !== 200) window.note(packet & 0xff, packet);
    assert.equal(window.note(200, 200), "stray");
    assert.equal(window.latest, 299 & 0xff);
    assert.equal(window.mask, 0xffff_ffff);
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
    const named = book.adopt((await testIdentity(2)).sid);
    random.fill(sid);
    const held = book.learn(sid, 0);
    assert.ok(typeof held === "object" && typeof named === "object", "both have entries");
    held.hold();
    for (let i = 1; i <= 6000; i++) {
      random.fill(sid);
      assert.equal(typeof book.learn(sid, 0), "object");
    }
    assert.equal(book.size, 4096 + 3, "strangers, besides our own, the named and the held one");
    assert.equal(typeof book.find(sid, 0, 32), "object", "the newest is there");
    assert.equal(book.find(held.sid.bytes, 0, 32), held);
    assert.equal(book.find(named.sid.bytes, 0, 32), named);
    assert.equal(book.find(own.bytes, 0, 32), book.own[0]);
  });

  it("the address book forgets nobody who is held, and has as much room for strangers as without", async () => {
    const book = new AddressBook([(await testIdentity(1)).sid]);
    const random = createRandom(10);
    const learnNew = () => {
      const sid = new Uint8Array(32);
      random.fill(sid);
      return book.learn(sid, 0) as BookEntry;
    };
    const held = Array.from({ length: 6000 }, () => {
      const entry = learnNew();
      entry.hold();
      return entry;
    });
    for (let i = 0; i < 6000; i++) {
      const pair = [learnNew(), learnNew()];
      assert.deepEqual(
        pair.map(({ sid }) => book.find(sid.bytes, 0, 32)),
        pair,
        "two that one packet names are there when it is read",
      );
    }
    assert.ok(held.every((entry) => book.find(entry.sid.bytes, 0, 32) === entry));
    assert.equal(book.size, 1 + 6000 + 4096);
    for (const entry of held) entry.release();
    assert.equal(book.size, 1 + 4096);
  });

  it("the address book keeps 1024 SIDs that begin alike, and whoever is held among them", async () => {
    const book = new AddressBook([(await testIdentity(1)).sid]);
    const learn = (number: number, first = 5) => {
      const sid = new Uint8Array(32).fill(first);
      new DataView(sid.buffer).setUint32(10, number);
      return book.learn(sid, 0);
    };
    for (let i = 0; i < 3000; i++) assert.equal(typeof learn(i), "object");
    assert.equal(book.size, 1 + 1024);
    for (let i = 0; i < 1024; i++) (learn(i) as BookEntry).hold();
    assert.equal(learn(5000), "address-limit");
    assert.equal(typeof learn(5000, 6), "object", "others are not theirs to keep out");
    const first = learn(0) as BookEntry;
    first.release();
    const fresh = learn(5000);
    assert.deepEqual([typeof fresh, first.isForgotten], ["object", true]);
    first.hold();
    first.release();
    assert.equal(learn(5000), fresh, "who was forgotten moves nobody any more");
  });

  it("an abbreviation of two SIDs is ambiguous; a longer one is not", async () => {
    const book = new AddressBook([(await testIdentity(1)).sid]);
    const [one, two] = [new Uint8Array(32).fill(7), new Uint8Array(32).fill(7)];
    two[10] = 8;
    const entry = book.learn(one, 0);
    book.learn(two, 0);
    assert.equal(book.find(one, 0, 10), "address-ambiguous");
    assert.equal(book.find(one, 0, 11), entry);
    assert.equal(book.find(new Uint8Array([9]), 0, 1), "address-unknown");
  });
});
