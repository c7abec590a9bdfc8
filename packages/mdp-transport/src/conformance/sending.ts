import { Sid } from "@meshstream/msp";
import { check, pattern, same, sameBytes } from "./check.ts";
import { LONGEST_BYTES, type Promises } from "./rig.ts";

export const SENDING: Promises = {
  "calls the writer exactly once, before send returns, with room in its own core": async (rig) => {
    const [from, to] = await rig.ends();
    let calls = 0;
    const sent = from.binding.send(from.local, to.address, (core, offset, capacity) => {
      calls += 1;
      same(core, rig.a.core, "core");
      check(capacity >= LONGEST_BYTES, `capacity ${capacity}`);
      check(offset >= 0 && offset + capacity <= core.bytes.length, `room at ${offset}`);
      core.bytes[offset] = 1;
      return 1;
    });
    same(calls, 1, "calls");
    same(sent, true, "send's answer");
    await rig.settle();
    same(calls, 1, "calls later");
  },

  "delivers the same bytes with the right SIDs and ports, both ways": async (rig) => {
    const [atA, atB] = await rig.ends();
    for (const [from, to] of [
      [atA, atB],
      [atB, atA],
    ] as const) {
      const bytes = pattern(100);
      from.send(to, bytes);
      await rig.settle();
      same(to.packets.length, 1, "packets");
      const packet = to.packets[0]!;
      sameBytes(packet.bytes, bytes);
      same(packet.local.hex, to.local.hex, "local SID");
      same(packet.remote.hex, from.local.hex, "remote SID");
      same(packet.remotePort, from.address.port, "remote port");
    }
  },

  "carries packets of every length, 1 to 1029 bytes": async (rig) => {
    const [from, to] = await rig.ends();
    const lengths = [
      1, 2, 3, 4, 5, 6, 7, 15, 16, 17, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 1000,
    ];
    for (const length of [...lengths, 1023, 1024, 1025, LONGEST_BYTES - 1, LONGEST_BYTES]) {
      const bytes = pattern(length);
      from.send(to, bytes);
      await rig.settle();
      same(to.packets.length, 1, `packets of ${length} bytes`);
      sameBytes(to.packets.pop()!.bytes, bytes);
    }
  },

  "keeps many packets whole and in order on a clean link": async (rig) => {
    const [from, to] = await rig.ends();
    for (let i = 0; i < 200; i++) {
      from.send(to, pattern(1 + ((i * 37) % LONGEST_BYTES), i));
      if (i % 10 === 9) await rig.settle();
    }
    same(to.packets.length, 200, "packets");
    for (const [i, { bytes }] of to.packets.entries()) {
      sameBytes(bytes, pattern(1 + ((i * 37) % LONGEST_BYTES), i));
    }
  },

  "has let go of the written bytes when send returns": async (rig) => {
    const [from, to] = await rig.ends();
    let room = { offset: 0, capacity: 0 };
    from.binding.send(from.local, to.address, (core, offset, capacity) => {
      room = { offset, capacity };
      core.bytes.set(pattern(50), offset);
      return 50;
    });
    rig.a.core.bytes.fill(0, room.offset, room.offset + room.capacity);
    await rig.settle();
    sameBytes(to.packets[0]?.bytes, pattern(50));
  },

  "to nobody, known or not: calls the writer, does not throw, disturbs nothing": async (rig) => {
    const [from, to] = await rig.ends();
    for (const address of [
      { sid: Sid.fromBytes(pattern(32)), port: 2000 },
      { sid: to.local, port: 2077 },
    ]) {
      let calls = 0;
      const sent = from.binding.send(from.local, address, (core, offset) => {
        calls += 1;
        core.bytes[offset] = 9;
        return 1;
      });
      same(calls, 1, "calls");
      same(typeof sent, "boolean", "send's answer");
      await rig.settle();
    }
    from.send(to, pattern(10));
    await rig.settle();
    same(to.packets.length, 1, "packets");
  },
};
