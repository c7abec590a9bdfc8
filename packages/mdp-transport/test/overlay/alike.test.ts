import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Sid } from "@meshstream/msp";
import { AddressBook, type BookEntry } from "../../src/overlay/address-book.ts";
import { canPing } from "./mesh-rig.ts";
import { isReachable, testPair } from "./rig.ts";
import { strangeSid } from "./scripted-mesh.ts";

/** A SID that begins with the same 8 bytes. Nobody has its secret: anyone can make it up. */
function alike(sid: Sid): Sid {
  const bytes = sid.bytes.slice();
  bytes[20]! ^= 0xff;
  return Sid.fromBytes(bytes);
}

describe("SIDs that begin alike", () => {
  it("an abbreviation means ourselves, then who has proved itself, then who is a neighbour, and else nobody", () => {
    const own = strangeSid(1);
    const book = new AddressBook([own]);
    const find = (sid: Sid) => book.find(sid.bytes, 0, 8);
    const learn = (sid: Sid) => book.learn(sid.bytes, 0) as BookEntry;
    learn(alike(own));
    assert.equal(find(own), book.own[0]);
    const [first, second] = [learn(strangeSid(2)), learn(alike(strangeSid(2)))];
    assert.equal(find(first.sid), "address-ambiguous");
    second.hold();
    assert.equal(find(first.sid), second);
    book.verify(first);
    assert.equal(find(first.sid), first);
    book.verify(second);
    assert.equal(find(first.sid), "address-ambiguous");
  });

  it("nobody is silenced by made-up SIDs that begin like one of two neighbours", async () => {
    const { clock, segment, a, b, close } = await testPair({ link: { delayMs: 2 } });
    clock.runUntil(1000);
    const [sidA, sidB] = [a.identities[0]!, b.identities[0]!];
    assert.ok(await canPing(clock, a, sidB));
    segment.port("mallory").onDatagram(() => {});
    for (const to of ["a", "b"]) {
      for (const sid of [alike(sidA), alike(sidB)]) {
        // A tick of that SID.
        segment.link("mallory", to).send(Uint8Array.of(0, 1, 0x20, ...sid.bytes, 1));
      }
    }
    for (let i = 0; i < 10; i++) {
      clock.runUntil(clock.now() + 1000);
      assert.ok(await canPing(clock, a, sidB, 1));
    }
    assert.ok(isReachable(a, sidB) && isReachable(b, sidA));
    assert.deepEqual([a.counters["address-ambiguous"], b.counters["address-ambiguous"]], [0, 0]);
    await close();
  });
});
