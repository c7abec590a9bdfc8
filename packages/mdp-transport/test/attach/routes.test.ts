import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Sid } from "@meshstream/msp";
import { AttachLimit } from "../../src/attach/limits.ts";
import type { RouteInfo } from "../../src/overlay/paths.ts";
import { drain } from "./byte-streams.ts";
import { AttachRig, NO_MANAGEMENT } from "./rig.ts";

const sid = (number: number) => {
  const bytes = new Uint8Array(32).fill(1);
  new DataView(bytes.buffer).setUint32(0, number);
  return Sid.fromBytes(bytes);
};

const route = (number: number): RouteInfo => ({
  sid: sid(number),
  hops: 2,
  nextHop: sid(1),
  lastHop: sid(2),
  viaLink: 0,
  dropRate: 3,
  heardAgoMs: 12.5,
});

describe("the routes of an attached program's node", () => {
  it("come whole, in the order of their SIDs, however many there are", async () => {
    for (const count of [0, 1, 256, 257, 5000]) {
      const rig = new AttachRig();
      const rows = Array.from({ length: count }, (_, index) => route(index + 1));
      const management = { ...NO_MANAGEMENT, routes: () => [...rows].reverse() };
      const { client, served } = await rig.attach(await rig.node(), { management });
      let routes: readonly RouteInfo[] | undefined;
      void client.routes().then((all) => {
        routes = all;
      });
      while (routes === undefined) await drain();
      assert.deepEqual(routes, rows);
      served.close();
      await rig.close();
    }
  });

  it("end at a limit if the node goes on and on, and rows that mean nothing are left out", async () => {
    const rig = new AttachRig();
    let asked = 0;
    const endless = () => {
      asked++;
      return Array.from({ length: 256 }, (_, index) => route(asked * 256 + index));
    };
    const { client } = await rig.attach(await rig.node(), {
      management: { ...NO_MANAGEMENT, routes: endless },
    });
    let count = 0;
    void client.routes().then(({ length }) => {
      count = length;
    });
    while (count === 0) await drain();
    assert.equal(count, AttachLimit.ROUTES);
    const wrong = [{ ...route(1), hops: "2" }, { ...route(2), lastHop: sid(3).bytes }, route(3)];
    const management = { ...NO_MANAGEMENT, routes: () => wrong as unknown as RouteInfo[] };
    const { client: other } = await rig.attach(await rig.node(), { management });
    const pending = other.routes();
    await drain();
    assert.deepEqual(await pending, [route(3)]);
    await rig.close();
  });
});
