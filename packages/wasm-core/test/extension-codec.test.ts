import assert from "node:assert/strict";
import {
  BITMAP_BYTES,
  type Core,
  type DecodedPacket,
  EXTENDED_ACK_BYTES,
  type ExtendedAck,
  PacketFlag,
  PacketKind,
} from "../src/index.ts";
import { plainFields, Random, seeds, testBoth } from "./support.ts";

function decodeBytes(core: Core, bytes: readonly number[]): DecodedPacket {
  core.bytes.set(bytes, core.receiveRegion.offset);
  return core.decode(core.receiveRegion.offset, bytes.length);
}

const report: ExtendedAck = {
  arrived: 0x1234,
  version: 1,
  capabilities: 1,
  window: 0x0456,
  ackDelayUs: 0x0102 * 16 + 15.5,
  echoSequence: 0xfedc,
  echoTransmission: 2,
  missingRank: 7,
  train: 0x9a,
  trainSpreadUs: 0x0304 * 16,
  recovered: 0xabcd,
  bitmapBase: 0x1236,
  bitmapLength: 3,
};

const reportBytes = [
  [0xc6, 0x22, 0x11, 0x34, 0x12, 0x11, 0x56, 0x04, 0x02, 0x01, 0xdc, 0xfe, 0x82, 7, 0x9a, 0x04, 0x03],
  [0xcd, 0xab, 0x36, 0x12, 0, 0x55, 0, 0x80],
].flat();

testBoth("an extended acknowledgement has the bytes of the wire, and no byte around it changes", (create) => {
  const core = create();
  const offset = core.transmitRegion.offset + 256;
  core.bytes.fill(0xee, offset - 1, offset + 40);
  core.bytes.set([0x55, 0, 0x80], offset + EXTENDED_ACK_BYTES);
  assert.equal(core.encodeExtendedAck(offset, 0x06, 0x1122, report), 25);
  assert.deepEqual([...core.bytes.subarray(offset - 1, offset + 26)], [0xee, ...reportBytes, 0xee]);
});

testBoth("an extended acknowledgement is decoded into the same fields", (create) => {
  const core = create();
  const packet = decodeBytes(core, reportBytes);
  assert.equal(packet.kind, PacketKind.EXTENDED_ACK);
  assert.deepEqual([packet.flags, packet.ack, packet.isExtended], [0xc6, 0x1122, true]);
  assert.deepEqual(
    { ...packet.extendedAck },
    {
      ...report,
      ackDelayUs: 0x0102 * 16,
      bitmapOffset: core.receiveRegion.offset + EXTENDED_ACK_BYTES,
    },
  );
  const again = decodeBytes(core, [0xc0, ...new Array<number>(21).fill(0)]);
  assert.equal(again.extendedAck.echoSequence, -1);
  assert.equal(again.extendedAck.bitmapLength, 0);
});

testBoth("what saturates on the wire saturates, and without an echo its bytes are 0", (create) => {
  const core = create();
  const offset = core.transmitRegion.offset;
  const large = {
    ...report,
    ackDelayUs: 1e12,
    trainSpreadUs: Number.POSITIVE_INFINITY,
    missingRank: 999,
    echoSequence: -1,
    bitmapLength: 0,
  };
  const length = core.encodeExtendedAck(offset, 0, 0, large);
  const { extendedAck } = core.decode(offset, length);
  assert.equal(extendedAck.ackDelayUs, 0xffff * 16);
  assert.equal(extendedAck.trainSpreadUs, 0xffff * 16);
  assert.equal(extendedAck.missingRank, 255);
  assert.equal(extendedAck.echoSequence, -1);
  assert.deepEqual([...core.bytes.subarray(offset + 10, offset + 13)], [0, 0, 0]);
});

testBoth("the bitmap has 0 to 64 bytes, and an extended acknowledgement cut short is a fault", (create) => {
  const core = create();
  for (let length = 1; length <= 100; length += 1) {
    const packet = decodeBytes(core, [0xc2, 5, 0, ...new Array<number>(length).fill(0)].slice(0, length));
    const isWhole = length >= EXTENDED_ACK_BYTES && length <= EXTENDED_ACK_BYTES + BITMAP_BYTES;
    assert.equal(packet.kind, isWhole ? PacketKind.EXTENDED_ACK : PacketKind.FAULT_EXTENSION, `${length}`);
    assert.equal(packet.ack, length >= 3 ? 5 : 0xffff);
    if (isWhole) assert.equal(packet.extendedAck.bitmapLength, length - EXTENDED_ACK_BYTES);
  }
});

testBoth(
  "a repair combines 1 to 128 messages in a symbol of 3 to 1027 bytes; else it is a fault",
  (create) => {
    const core = create();
    const header = [0xd2, 1, 2, 0xff, 0xfe, 128, 0x34, 0x12];
    const packet = decodeBytes(core, [...header, 9, 9, 9, 9]);
    assert.equal(packet.kind, PacketKind.REPAIR);
    assert.equal(packet.ack, 0x0201);
    const symbolOffset = core.receiveRegion.offset + 8;
    assert.deepEqual(
      { ...packet.repair },
      { first: 0xfeff, count: 128, seed: 0x1234, symbolOffset, symbolLength: 4 },
    );
    for (const [symbolLength, count, isWhole] of [
      [3, 1, true],
      [1027, 64, true],
      [2, 1, false],
      [1028, 1, false],
      [100, 0, false],
      [100, 129, false],
      [100, 255, false],
    ] as const) {
      const bytes = [...header, ...new Array<number>(symbolLength).fill(0)];
      bytes[5] = count;
      const { kind } = decodeBytes(core, bytes);
      assert.equal(
        kind,
        isWhole ? PacketKind.REPAIR : PacketKind.FAULT_EXTENSION,
        `${symbolLength} ${count}`,
      );
    }
    for (let length = 1; length < 11; length += 1) {
      assert.equal(decodeBytes(core, header.slice(0, length)).kind, PacketKind.FAULT_EXTENSION);
    }
  },
);

testBoth("types 6 and 7 are faults of whatever length, and no type counts without EXTENSION", (create) => {
  const core = create();
  for (const length of [1, 2, 3, 5, 22, 30, 1300]) {
    for (let flags = 0; flags < 256; flags += 1) {
      const packet = decodeBytes(core, [flags, ...new Array<number>(length - 1).fill(1)]);
      const type = (flags >> 4) & 7;
      assert.equal(packet.flags, flags);
      assert.equal(packet.isExtended, flags >= 0x80);
      if (flags >= 0x80 && type > 5) assert.equal(packet.kind, PacketKind.FAULT_EXTENSION);
      if (flags < 0x80 || type < 4) assert.ok(packet.kind <= PacketKind.DATA);
    }
  }
});

testBoth("a data packet says which transmission it is only with EXTENSION", (create) => {
  const core = create();
  for (let type = 0; type < 8; type += 1) {
    const bytes = [(type << 4) | 0x02, 0, 0, 0, 0, 77];
    assert.equal(decodeBytes(core, bytes).kind, PacketKind.DATA);
    assert.equal(decodeBytes(core, bytes).transmission, 0);
    bytes[0] = PacketFlag.EXTENSION | (type << 4) | 0x02;
    if (type < 4) assert.equal(decodeBytes(core, bytes).transmission, type);
    else assert.notEqual(decodeBytes(core, bytes).kind, PacketKind.DATA);
  }
  assert.equal(decodeBytes(core, [0xb2, 0, 0]).transmission, 0);
});

testBoth("the opening acknowledgement and the STOP of a connection have the EXTENSION bit", (create) => {
  const core = create();
  const offset = core.transmitRegion.offset;
  core.bytes.fill(0xee, offset, offset + 6);
  assert.equal(core.encodeOpeningAck(offset, 0xf6, 0x1234), 4);
  assert.deepEqual([...core.bytes.subarray(offset, offset + 5)], [0x86, 0x34, 0x12, 0, 0xee]);
  assert.equal(core.decode(offset, 4).kind, PacketKind.ACK);
  assert.equal(core.encodeStop(offset, true), 1);
  assert.equal(core.bytes[offset], 0x88);
  assert.equal(core.decode(offset, 1).kind, PacketKind.STOP);
  assert.equal(core.encodeStop(offset), 1);
  assert.equal(core.bytes[offset], 0x08);
});

for (const seed of seeds(1, 2, 3)) {
  testBoth(`random bytes are decoded without a fault thrown, twice alike (SEED=${seed})`, (create) => {
    const core = create();
    const random = new Random(seed);
    const offset = core.receiveRegion.offset;
    for (let count = 0; count < 2000; count += 1) {
      const bytes = random.bytes(random.whole(0, 90));
      core.bytes.set(bytes, offset);
      const first = plainFields(core.decode(offset, bytes.length));
      assert.deepEqual(plainFields(core.decode(offset, bytes.length)), first);
      if (first.kind !== PacketKind.EXTENDED_ACK) continue;
      // What was decoded is encoded again to the same bytes, but for those that are ignored.
      const { extendedAck } = core.decode(offset, bytes.length);
      const length = core.encodeExtendedAck(offset, first.flags, first.ack, extendedAck);
      assert.equal(length, bytes.length);
      const kept = [...bytes];
      kept[12] = (kept[12] as number) & 0x83;
      if (extendedAck.echoSequence === -1) kept.splice(10, 3, 0, 0, 0);
      kept[21] = 0;
      assert.deepEqual([...core.bytes.subarray(offset, offset + length)], kept);
    }
  });
}
