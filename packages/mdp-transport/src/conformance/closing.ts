import { BIND_PRIMARY } from "@meshstream/msp";
import { pattern, same } from "./check.ts";
import type { Promises } from "./rig.ts";

export const CLOSING: Promises = {
  "delivers nothing to a binding after its close, not even what was under way": async (rig) => {
    const [from, to] = await rig.ends();
    from.send(to, pattern(10));
    to.binding.close();
    await rig.settle();
    from.send(to, pattern(10));
    await rig.settle();
    same(to.packets.length, 0, "packets");
  },

  "a receiver may close its own binding, and hears no more": async (rig) => {
    const [from, to] = await rig.ends();
    to.onPacket = () => to.binding.close();
    for (let i = 0; i < 3; i++) from.send(to, pattern(10));
    await rig.settle();
    same(to.packets.length, 1, "packets");
  },

  "delivers nothing after the transport's close, and sends nothing, without throwing": async (rig) => {
    const [from, to] = await rig.ends();
    from.send(to, pattern(10));
    await Promise.all([rig.b.close(), rig.settle()]);
    const before = to.packets.length; // what was under way may have come first
    same(to.send(from, pattern(10)), false, "send's answer");
    from.send(to, pattern(10));
    await rig.settle();
    same(to.packets.length, before, "packets");
    same(from.packets.length, 0, "packets sent after close");
  },

  "a closed binding calls the writer and sends nothing, without throwing; the others go on": async (rig) => {
    const [from, to] = await rig.ends();
    const other = await rig.bind(rig.a, { sid: BIND_PRIMARY, port: 1001 });
    from.binding.close();
    let calls = 0;
    const sent = from.binding.send(from.local, to.address, (core, offset) => {
      calls += 1;
      core.bytes[offset] = 9;
      return 1;
    });
    same(calls, 1, "calls of the writer");
    same(sent, false, "send's answer");
    same(other.send(to, pattern(10)), true, "the other's answer");
    await rig.settle();
    same(to.packets.length, 1, "packets");
  },

  "may be closed twice, binding and transport": async (rig) => {
    const [from, to] = await rig.ends();
    from.binding.close();
    from.binding.close();
    const again = await rig.bind(rig.a, { sid: BIND_PRIMARY, port: from.address.port });
    from.binding.close(); // must not close its successor
    to.send(again, pattern(10));
    await rig.settle();
    same(again.packets.length, 1, "packets");
    await rig.a.close();
    await rig.a.close();
    again.binding.close();
  },

  "a plain close is no loss: onLost stays silent": async (rig) => {
    let lost = 0;
    rig.a.onLost(() => {
      lost += 1;
    });
    await rig.ends();
    await rig.a.close();
    await rig.settle();
    same(lost, 0, "calls of onLost");
  },
};
