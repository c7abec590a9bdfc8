import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findDaemon } from "../../src/servald/find-daemon.ts";
import { ServaldRig } from "./rig.ts";

describe("a daemon at one of several addresses (docs/wire.md W10)", () => {
  const candidates = ["127.0.0.1:4210", "127.0.0.1:4211", "127.0.0.1:4212"];

  it("is found, the first of them at once", async () => {
    const rig = new ServaldRig();
    rig.daemon("127.0.0.1:4212");
    rig.daemon("127.0.0.1:4210");
    const found = findDaemon(rig.loopback.open("client"), rig.clock, candidates);
    assert.equal(await found, "127.0.0.1:4210");
  });

  it("is found after 300 ms if it is another, and what answers otherwise is none", async () => {
    const rig = new ServaldRig();
    rig.daemon("127.0.0.1:4212");
    const other = rig.loopback.open("127.0.0.1:4211");
    other.onDatagram((datagram, from) => other.send(datagram, from)); // an echo service
    const found = findDaemon(rig.loopback.open("client"), rig.clock, candidates);
    assert.equal(await rig.during(found, 400), "127.0.0.1:4212");
    assert.equal(rig.clock.now(), 300);
  });

  it("is undefined where there is none", async () => {
    const rig = new ServaldRig();
    const found = findDaemon(rig.loopback.open("client"), rig.clock, candidates);
    assert.equal(await rig.during(found, 400), undefined);
  });
});
