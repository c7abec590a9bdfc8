import { BIND_ALL, BIND_PRIMARY, Sid } from "@meshstream/msp";
import { check, pattern, same, sameBytes } from "./check.ts";
import { type End, LONGEST_BYTES, type Promises } from "./rig.ts";

export const RECEIVING: Promises = {
  "never calls a receiver from within bind or send, nor from within a receiver": async (rig) => {
    const [atA, atB] = await rig.ends();
    // The rig watches for calls from within a call, in every test; here they answer each other as well.
    const answer = (from: End, to: End) => () => {
      if (from.packets.length < 3) from.send(to, pattern(5));
    };
    atA.onPacket = answer(atA, atB);
    atB.onPacket = answer(atB, atA);
    atA.send(atB, pattern(5));
    for (let i = 0; i < 6; i++) await rig.settle();
    check(atA.packets.length >= 2 && atB.packets.length >= 3, "the answers did not arrive");
  },

  "lends bytes that stand until the receiver returns, whatever it sends meanwhile": async (rig) => {
    const [atA, atB] = await rig.ends();
    atB.onPacket = (offset, length) => {
      atB.send(atA, pattern(LONGEST_BYTES, 99));
      sameBytes(rig.b.core.bytes.slice(offset, offset + length), pattern(300, atB.packets.length - 1));
    };
    for (let i = 0; i < 5; i++) atA.send(atB, pattern(300, i));
    await rig.settle();
    await rig.settle();
    same(atB.packets.length, 5, "packets");
    same(atA.packets.length, 5, "answers");
  },

  "lends bytes within its own core": async (rig) => {
    const [atA, atB] = await rig.ends();
    atB.onPacket = (offset, length) => {
      check(offset >= 0 && offset + length <= rig.b.core.bytes.length, `lent ${length} bytes at ${offset}`);
    };
    atA.send(atB, pattern(LONGEST_BYTES));
    await rig.settle();
    same(atB.packets.length, 1, "packets");
  },

  "gives the same object for the same SID, whatever objects the senders used": async (rig) => {
    const [atA, atB] = await rig.ends();
    const other = await rig.bind(rig.a, { sid: BIND_PRIMARY, port: 1001 });
    const fresh = (sid: Sid) => Sid.fromHex(sid.hex);
    for (const { binding, local } of [atA, other, atA]) {
      const to = { sid: fresh(atB.local), port: atB.address.port };
      binding.send(fresh(local), to, (core, offset) => {
        core.bytes[offset] = 1; // not FIRST: a daemon must not be sent one of one byte
        return 1;
      });
      await rig.settle();
    }
    same(atB.packets.length, 3, "packets");
    for (const { local, remote } of atB.packets) {
      same(local, atB.packets[0]!.local, "local SID object");
      same(remote, atB.packets[0]!.remote, "remote SID object");
    }
  },

  "two bindings do not see each other's packets": async (rig) => {
    const [from, first] = await rig.ends();
    const second = await rig.bind(rig.b, { sid: BIND_ALL, port: 2001 });
    from.send(first, pattern(10, 1));
    from.send(second, pattern(10, 2));
    await rig.settle();
    for (const [i, end] of [first, second].entries()) {
      same(end.packets.length, 1, "packets");
      sameBytes(end.packets[0]!.bytes, pattern(10, i + 1));
    }
  },

  "delivers between two ports of one node, and from a port to itself": async (rig) => {
    const first = await rig.bind(rig.a, { sid: BIND_PRIMARY, port: 1000 });
    const second = await rig.bind(rig.a, { sid: BIND_ALL, port: 1001 });
    first.send(second, pattern(200));
    first.send(first, pattern(3));
    await rig.settle();
    same(second.packets.length, 1, "packets");
    sameBytes(second.packets[0]!.bytes, pattern(200));
    same(second.packets[0]!.local.hex, rig.a.identities[0]!.hex, "local SID");
    same(second.packets[0]!.remote.hex, rig.a.identities[0]!.hex, "remote SID");
    same(second.packets[0]!.remotePort, 1000, "remote port");
    same(first.packets.length, 1, "packets to itself");
  },
};
