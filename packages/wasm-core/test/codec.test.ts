import assert from "node:assert/strict";
import {
  type Core,
  INBOUND_MESSAGE_BYTES,
  PacketFlag,
  PacketKind,
  TRANSMIT_CAPACITY,
  TRANSMIT_HEADROOM,
} from "../src/index.ts";
import { type PlainFields, pattern, plainFields, testBoth } from "./support.ts";

/** Put bytes into the receive region and decode them there. */
function decodeBytes(core: Core, bytes: readonly number[]): PlainFields {
  core.bytes.set(bytes, core.receiveRegion.offset);
  return plainFields(core.decode(core.receiveRegion.offset, bytes.length));
}

const nothingMore = { sequence: 0, messageOffset: 0, messageLength: 0 };

testBoth("every length from 0 to 6 bytes has the meaning that the wire gives it", (create) => {
  const core = create();
  const message = core.receiveRegion.offset + 5;
  const { FAULT_EMPTY, NOTHING, STOP, ACK, DATA } = PacketKind;
  assert.deepEqual(decodeBytes(core, []), { kind: FAULT_EMPTY, flags: 0, ack: 0xffff, ...nothingMore });
  assert.deepEqual(decodeBytes(core, [0x02]), { kind: NOTHING, flags: 2, ack: 0xffff, ...nothingMore });
  assert.deepEqual(decodeBytes(core, [0x08]), { kind: STOP, flags: 8, ack: 0xffff, ...nothingMore });
  assert.deepEqual(decodeBytes(core, [0x08, 9]), { kind: NOTHING, flags: 8, ack: 0xffff, ...nothingMore });
  assert.deepEqual(decodeBytes(core, [2, 0x34, 0x12]), { kind: ACK, flags: 2, ack: 0x1234, ...nothingMore });
  assert.deepEqual(decodeBytes(core, [2, 1, 0, 9]), { kind: ACK, flags: 2, ack: 1, ...nothingMore });
  assert.deepEqual(decodeBytes(core, [1, 0xff, 0xff, 0xcd, 0xab]), {
    kind: DATA,
    flags: 1,
    ack: 0xffff,
    sequence: 0xabcd,
    messageOffset: message,
    messageLength: 0,
  });
  assert.deepEqual(decodeBytes(core, [4, 0, 0, 1, 0, 77]), {
    kind: DATA,
    flags: 4,
    ack: 0,
    sequence: 1,
    messageOffset: message,
    messageLength: 1,
  });
});

testBoth("a STOP is a single byte with that bit, whatever other bits it has", (create) => {
  const core = create();
  for (let flags = 0; flags < 128; flags += 1) {
    const decoded = decodeBytes(core, [flags]);
    assert.equal(decoded.kind, flags & PacketFlag.STOP ? PacketKind.STOP : PacketKind.NOTHING);
    assert.equal(decoded.flags, flags);
  }
});

testBoth("unknown flag bits are kept on every kind of packet", (create) => {
  const core = create();
  for (const length of [1, 2, 3, 4, 5, 6, 1200]) {
    const packet = new Array<number>(length).fill(0);
    packet[0] = 0x70;
    assert.equal(decodeBytes(core, packet).flags, 0x70);
  }
});

testBoth("messages of 0 to 1195 bytes come through encode and decode unchanged", (create) => {
  const core = create();
  const source = core.receiveRegion.offset + 4000;
  const packet = core.transmitRegion.offset + TRANSMIT_HEADROOM;
  for (let length = 0; length <= INBOUND_MESSAGE_BYTES; length += 1) {
    const message = pattern(length, length);
    core.bytes.set(message, source);
    const ack = (length * 977) & 0xffff;
    const sequence = (length * 1531 + 65000) & 0xffff;
    assert.equal(core.encodeData(packet, length & 0x7f, ack, sequence, source, length), 5 + length);
    const decoded = core.decode(packet, 5 + length);
    assert.equal(decoded.kind, PacketKind.DATA);
    assert.equal(decoded.flags, length & 0x7f);
    assert.equal(decoded.ack, ack);
    assert.equal(decoded.sequence, sequence);
    assert.equal(decoded.messageOffset, packet + 5);
    assert.equal(decoded.messageLength, length);
    assert.deepEqual(core.bytes.slice(packet + 5, packet + 5 + length), message);
  }
});

testBoth(
  "1195 message bytes are taken, 1196 and more are a fault that keeps flags and acknowledgement",
  (create) => {
    const core = create();
    const offset = core.receiveRegion.offset;
    core.bytes.set([2, 5, 0, 9, 0], offset);
    assert.equal(core.decode(offset, 1200).kind, PacketKind.DATA);
    for (const length of [1201, 1500, 16384]) {
      const decoded = plainFields(core.decode(offset, length));
      assert.deepEqual(decoded, { kind: PacketKind.FAULT_OVERSIZE, flags: 2, ack: 5, ...nothingMore });
    }
  },
);

testBoth(
  "the bytes of each encoded packet are those of the wire, and no byte around them changes",
  (create) => {
    const core = create();
    const offset = core.transmitRegion.offset + TRANSMIT_HEADROOM;
    const expectBytes = (length: number, ...expected: number[]) => {
      assert.equal(length, expected.length);
      assert.deepEqual([...core.bytes.subarray(offset - 1, offset + length + 1)], [0xee, ...expected, 0xee]);
      core.bytes.fill(0xee, offset - 1, offset + 40);
    };
    core.bytes.fill(0xee, offset - 1, offset + 40);
    core.bytes.set([10, 11, 12], core.receiveRegion.offset);
    expectBytes(core.encodeStop(offset), 0x08);
    expectBytes(core.encodeAck(offset, 0x06, 0x1234), 0x06, 0x34, 0x12);
    expectBytes(core.encodeAck(offset, 0x00, 0xffff), 0x00, 0xff, 0xff);
    const data = core.encodeData(offset, 0x07, 0xfffe, 0x0102, core.receiveRegion.offset, 3);
    expectBytes(data, 0x07, 0xfe, 0xff, 0x02, 0x01, 10, 11, 12);
    expectBytes(core.encodeData(offset, 0x01, 0, 0, 0, 0), 0x01, 0, 0, 0, 0);
  },
);

testBoth("a message that lies across its own place in the packet is moved whole", (create) => {
  const core = create();
  const packet = core.transmitRegion.offset + TRANSMIT_HEADROOM;
  for (const source of [packet, packet + 1, packet + 5, packet + 9]) {
    const message = pattern(100, source);
    core.bytes.set(message, source);
    core.encodeData(packet, 0, 0, 0, source, 100);
    assert.deepEqual(core.bytes.slice(packet + 5, packet + 105), message);
  }
});

testBoth("the decoded packet is one and the same object at every call", (create) => {
  const core = create();
  const first = core.decode(core.receiveRegion.offset, 0);
  assert.equal(core.decode(core.receiveRegion.offset, 7), first);
});

testBoth("the regions are as large as promised, apart, and outside the pool", (create) => {
  const core = create();
  const { transmitRegion, receiveRegion } = core;
  assert.ok(TRANSMIT_HEADROOM >= 256);
  assert.ok(transmitRegion.length >= TRANSMIT_HEADROOM + TRANSMIT_CAPACITY);
  assert.equal(receiveRegion.length, 16384);
  assert.ok(transmitRegion.offset + transmitRegion.length <= receiveRegion.offset);
  const window = core.createSendWindow(1);
  assert.ok(receiveRegion.offset + receiveRegion.length <= window.push(1024));
});
