import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom } from "@meshstream/netem";
import { PacketLedger } from "../../src/overlay/packet-ledger.ts";
import { RoundTrip } from "../../src/overlay/round-trip.ts";
import { PacketWindow } from "../../src/overlay/windows.ts";

describe("the ledger of packets sent", () => {
  it("never says that a packet came which did not, nor that one is missing which came (seed 41)", () => {
    const random = createRandom(41);
    const ledger = new PacketLedger();
    const window = new PacketWindow();
    const came = new Set<number>();
    const told = { acknowledged: 0, missing: 0, unknown: 0, pending: 0 };
    assert.equal(ledger.next(), -1, "unnumbered at first");
    ledger.begin(-1);
    for (let i = 0; i < 50_000; i++) {
      const sequence = ledger.next();
      if (random.below(10) > 0) {
        window.note(sequence, i);
        came.add(ledger.count);
      }
      if (random.below(30) > 0 || window.latest < 0) continue;
      ledger.handleAck(window.latest, window.mask);
      for (let back = 0; back < 60 && back < ledger.count - 1; back++) {
        const packet = ledger.count - back;
        const fate = ledger.fate(packet);
        told[fate]++;
        if (fate === "acknowledged") assert.equal(came.has(packet), true, `packet ${packet}`);
        if (fate === "missing") assert.equal(came.has(packet), false, `packet ${packet}`);
      }
    }
    for (const [fate, count] of Object.entries(told)) assert.ok(count > 100, `${count} ${fate}`);
    const share = ledger.acknowledged / came.size;
    assert.ok(share > 0.5 && share <= 1, `${share} of those that came, with a record in 30 packets`);
  });

  it("counts as lost what the neighbour misses of the last fifteen, once there were as many", () => {
    const ledger = new PacketLedger();
    ledger.begin(-1);
    for (let i = 0; i < 5; i++) ledger.next();
    ledger.handleAck(5, 0);
    assert.equal(ledger.missedOf15, 4);
    for (let i = 6; i < 30; i++) {
      ledger.next();
      ledger.handleAck(i, 0b1111_0000_1111_0000_1111);
    }
    assert.equal(ledger.missedOf15, 7);
    ledger.begin(35);
    assert.equal(ledger.missedOf15, 0);
  });

  it("tells a steady loss of a busy link steadily (seed 42)", () => {
    const random = createRandom(42);
    for (const [percent, least, most] of [
      [5, 0, 2],
      [40, 4, 8],
    ] as const) {
      const ledger = new PacketLedger();
      const window = new PacketWindow();
      ledger.begin(-1);
      let changes = 0;
      for (let i = 0; i < 16 * 1000; i++) {
        const sequence = ledger.next();
        if (random.below(100) >= percent) window.note(sequence, i);
        if (i % 16 < 15 || window.latest < 0) continue;
        const before = ledger.missedOf15;
        ledger.handleAck(window.latest, window.mask);
        if (ledger.missedOf15 !== before) changes++;
        if (i > 1000) {
          assert.equal(ledger.missedOf15 >= least && ledger.missedOf15 <= most, true, `${ledger.missedOf15}`);
        }
      }
      assert.equal(changes < 100, true, `${changes} changes in 1000 records at ${percent} %`);
    }
  });

  it("begins 128 away from what was heard, and takes no acknowledgement of before for one of after", () => {
    const ledger = new PacketLedger();
    ledger.begin(250);
    assert.equal(ledger.next(), (250 + 129) & 0xff);
    assert.equal(ledger.handleAck(250, 0xffff_ffff), true);
    assert.equal(ledger.fate(1), "pending");
    assert.equal(ledger.handleAck(250, 0xffff_ffff), false, "nothing new");
    ledger.end();
    assert.equal(ledger.handleAck(250, 0xffff_ffff), true, "anything is new to one that begins anew");
  });
});

describe("the time to wait for an acknowledgement", () => {
  it("is long before the first sample, never below 65 ms, and above the longest of a tick's samples", () => {
    const quick = new RoundTrip();
    assert.equal(quick.resendMs, 550);
    assert.equal(quick.shortestMs, undefined);
    for (let i = 0; i < 20; i++) quick.handleSample(12 + (i % 3));
    assert.equal(quick.resendMs, 65);
    assert.ok(Math.abs(quick.shortestMs! - 12) < 0.2);
    const atTicks = new RoundTrip();
    for (let i = 0; i < 50; i++) atTicks.handleSample(5 + 100 * (i % 5));
    assert.ok(atTicks.resendMs > 500 && atTicks.resendMs <= 900, `${atTicks.resendMs} ms`);
  });
});
