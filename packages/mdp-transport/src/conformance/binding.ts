import { BIND_ALL, BIND_PRIMARY, type BindAddress, MAX_PORT, Sid } from "@meshstream/msp";
import { check, pattern, rejects, same } from "./check.ts";
import type { Promises } from "./rig.ts";

export const BINDING: Promises = {
  "has identities, the primary first, and a bind to BIND_PRIMARY or BIND_ALL gives it": async ({
    a,
    bind,
  }) => {
    const [primary] = a.identities;
    check(primary !== undefined, "no identity");
    for (const [sid, port] of [
      [BIND_PRIMARY, 1000],
      [BIND_ALL, 1001],
      [primary, 1002],
    ] as const) {
      const { local } = (await bind(a, { sid, port })).binding;
      same(local.sid.hex, primary.hex, "SID");
      same(local.port, port, "port");
    }
  },

  "gives a free port for port 0, each time another": async ({ a, bind }) => {
    const ports = new Set<number>();
    const sids: BindAddress["sid"][] = [BIND_PRIMARY, BIND_ALL, BIND_PRIMARY, a.identities[0]!];
    for (const sid of sids) {
      const { port } = (await bind(a, { sid, port: 0 })).binding.local;
      check(Number.isInteger(port) && port >= 1 && port <= MAX_PORT, `port ${port}`);
      ports.add(port);
    }
    same(ports.size, 4, "different ports");
  },

  "refuses a port that is bound, with port-in-use, and gives it again once it is closed": async (rig) => {
    const { a, bind } = rig;
    const first = await bind(a, { sid: BIND_PRIMARY, port: 1000 });
    await rejects("port-in-use", () => bind(a, { sid: BIND_PRIMARY, port: 1000 }));
    await rejects("port-in-use", () => bind(a, { sid: a.identities[0]!, port: 1000 }));
    first.binding.close();
    await rig.settle();
    await bind(a, { sid: BIND_PRIMARY, port: 1000 });
    await bind(a, { sid: BIND_ALL, port: 1001 });
    for (const sid of [BIND_ALL, BIND_PRIMARY] as const) {
      await rejects("port-in-use", () => bind(a, { sid, port: 1001 }));
    }
    await rejects("port-in-use", () => bind(a, { sid: BIND_ALL, port: 1000 }));
  },

  "a refused bind takes nothing from whoever has the port": async (rig) => {
    const first = await rig.bind(rig.a, { sid: BIND_PRIMARY, port: 1000 });
    await rejects("port-in-use", () => rig.bind(rig.a, { sid: BIND_PRIMARY, port: 1000 }));
    const sender = await rig.bind(rig.b, { sid: BIND_PRIMARY, port: 2000 });
    sender.send(first, pattern(20));
    await rig.settle();
    same(first.packets.length, 1, "packets");
  },

  "refuses a SID that is not ours, and a port that is none, with address": async ({ a, bind }) => {
    const foreign = Sid.fromBytes(pattern(32));
    await rejects("address", () => bind(a, { sid: foreign, port: 1000 }));
    for (const port of [-1, 1.5, Number.NaN, MAX_PORT + 1]) {
      await rejects("address", () => bind(a, { sid: BIND_PRIMARY, port }));
    }
  },
};
