import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Core,
  createCore,
  createCoreSync,
  type ExtendedAck,
  type ReceiveWindow,
  type SendWindow,
} from "../src/index.ts";
import { testBoth } from "./support.ts";

/** What no argument that is a number of some kind may be. */
const neverWhole: readonly unknown[] = [
  Number.NaN,
  0.5,
  Number.POSITIVE_INFINITY,
  -(2 ** 40),
  2 ** 40,
  "3",
  undefined,
  null,
];

function expectRangeErrors(values: readonly unknown[], call: (value: number) => unknown): void {
  for (const value of values) {
    assert.throws(() => call(value as number), RangeError, `${JSON.stringify(value)} (${String(value)})`);
  }
}

testBoth("a window's limit is a whole number from 1 to 8192", (create) => {
  const core = create();
  const wrong = [...neverWhole, 0, -1, 8193];
  expectRangeErrors(wrong, (limit) => core.createSendWindow(limit));
  expectRangeErrors(wrong, (limit) => core.createReceiveWindow(limit));
  assert.equal(core.freeSlotCount, core.slotCount);
});

testBoth("a send window throws on lengths, numbers and flags out of range and does not change", (create) => {
  const core = create();
  const window = core.createSendWindow(8);
  expectRangeErrors([...neverWhole, -1, 1025], (length) => window.push(length));
  expectRangeErrors([...neverWhole, 0, 65535], (sequence) => window.messageLength(sequence));
  window.push(1024);
  window.push(0);
  window.markSent(0, 0);
  const wrong = [...neverWhole, -1, 2, 32768, 32769, 65535, 65536];
  expectRangeErrors(wrong, (sequence) => window.messageOffset(sequence));
  expectRangeErrors(wrong, (sequence) => window.messageLength(sequence));
  expectRangeErrors(wrong, (sequence) => window.messageFlags(sequence));
  expectRangeErrors(wrong, (sequence) => window.setMessageFlags(sequence, 0));
  expectRangeErrors(wrong, (sequence) => window.markSent(sequence, 0));
  expectRangeErrors([...wrong, 1], (sequence) => window.markLost(sequence));
  expectRangeErrors(wrong, (sequence) => window.transmissions(sequence));
  expectRangeErrors(wrong, (sequence) => window.sentAtMs(sequence));
  expectRangeErrors([...wrong, 1], (sequence) => window.sentAfter(sequence));
  expectRangeErrors([...neverWhole, -1, 256], (flags) => window.setMessageFlags(0, flags));
  expectRangeErrors([...neverWhole, -1, 65536], (ack) => window.acknowledge(ack));
  window.markLost(0);
  expectRangeErrors([0], (sequence) => window.sentAfter(sequence));
  assert.deepEqual([window.base, window.nextUnsent, window.next, window.heldCount], [0, 1, 2, 2]);
  assert.deepEqual([window.inFlightCount, window.lostCount, window.messageFlags(0)], [0, 1, 0]);
});

testBoth("a receive window throws on arguments out of range and keeps nothing", (create) => {
  const core = create();
  const window = core.createReceiveWindow(8);
  const offset = core.receiveRegion.offset;
  expectRangeErrors([...neverWhole, -1, 65536], (sequence) => window.accept(sequence, offset, 0, 0));
  expectRangeErrors([...neverWhole, -1, 1196], (length) => window.accept(0, offset, length, 0));
  expectRangeErrors([...neverWhole, -1, 256], (flags) => window.accept(0, offset, 0, flags));
  expectRangeErrors([...neverWhole, -1, core.bytes.length - 9], (from) => window.accept(0, from, 10, 0));
  assert.equal(window.heldCount, 0);
  assert.equal(window.accept(0, core.bytes.length - 10, 10, 0), 0);
});

testBoth(
  "packets are written between the start of the transmit and the end of the receive region only",
  (create) => {
    const core = create();
    const low = core.transmitRegion.offset;
    const high = core.receiveRegion.offset + core.receiveRegion.length;
    const before = core.bytes.slice();
    expectRangeErrors([...neverWhole, -1, 0, low - 1, high], (offset) => core.encodeStop(offset));
    expectRangeErrors([...neverWhole, -1, 0, low - 1, high - 2], (offset) => core.encodeAck(offset, 0, 0));
    expectRangeErrors([...neverWhole, -1, 0, low - 1, high - 14], (offset) =>
      core.encodeData(offset, 0, 0, 0, low, 10),
    );
    expectRangeErrors([...neverWhole, -1, core.bytes.length - 9], (from) =>
      core.encodeData(low, 0, 0, 0, from, 10),
    );
    expectRangeErrors([...neverWhole, -1, 1196], (length) => core.encodeData(low, 0, 0, 0, low, length));
    expectRangeErrors([...neverWhole, -1, 256], (flags) => core.encodeAck(low, flags, 0));
    expectRangeErrors([...neverWhole, -1, 256], (flags) => core.encodeData(low, flags, 0, 0, low, 0));
    expectRangeErrors([...neverWhole, -1, 65536], (ack) => core.encodeAck(low, 0, ack));
    expectRangeErrors([...neverWhole, -1, 65536], (ack) => core.encodeData(low, 0, ack, 0, low, 0));
    expectRangeErrors([...neverWhole, -1, 65536], (sequence) => core.encodeData(low, 0, 0, sequence, low, 0));
    assert.deepEqual(core.bytes, before);
    assert.equal(core.encodeStop(low), 1);
    assert.equal(core.encodeStop(high - 1), 1);
  },
);

testBoth("reports to a send window are checked, and change nothing if they are wrong", (create) => {
  const core = create();
  const window = core.createSendWindow(8);
  window.push(3);
  window.markSent(0, 0);
  const { offset } = core.receiveRegion;
  const notTimes = [Number.NaN, "3", undefined, null];
  const notNumbers = [...neverWhole, -1, 65_536];
  expectRangeErrors(notNumbers, (arrived) => window.arriveThrough(arrived));
  expectRangeErrors(notNumbers, (base) => window.arriveBitmap(base, offset, 1));
  expectRangeErrors(notNumbers, (base) => window.markMissing(0, base, offset, 1, 0));
  expectRangeErrors(notNumbers, (arrived) => window.markMissing(arrived, 0, offset, 1, 0));
  expectRangeErrors([...neverWhole, -1, 65], (length) => window.arriveBitmap(0, offset, length));
  expectRangeErrors([...neverWhole, -1, 65], (length) => window.markMissing(0, 0, offset, length, 0));
  const beyond = [...neverWhole, -1, core.bytes.length - 7];
  expectRangeErrors(beyond, (from) => window.arriveBitmap(0, from, 8));
  expectRangeErrors(beyond, (from) => window.markMissing(0, 0, from, 8, 0));
  expectRangeErrors(notTimes, (time) => window.beginSample(time));
  expectRangeErrors(notTimes, (time) => window.markSent(0, time));
  expectRangeErrors(notTimes, (time) => window.markOverdue(time));
  expectRangeErrors(notTimes, (time) => window.markMissing(0, 0, offset, 1, time));
  expectRangeErrors([...neverWhole, -1, 1, 65_535], (sequence) => window.isArrived(sequence));
  assert.deepEqual([window.inFlightCount, window.lostCount, window.transmissions(0)], [1, 0, 1]);
  window.release();
  for (const misuse of [
    () => window.sample,
    () => window.beginSample(0),
    () => window.arriveThrough(0),
    () => window.arriveBitmap(0, offset, 1),
    () => window.markMissing(0, 0, offset, 1, 0),
    () => window.markOverdue(0),
    () => window.markAppLimited(),
    () => window.isArrived(0),
  ]) {
    assert.throws(misuse, { name: "RangeError", message: /released/ });
  }
  assert.deepEqual([window.arrivedCount, window.deliveredCount, window.arrived], [0, 0, 0]);
  assert.equal(window.missingSentAtMs, Number.POSITIVE_INFINITY);
});

testBoth(
  "a receive window's bitmap is written where packets are, and at most 128 messages are kept",
  (create) => {
    const core = create();
    const window = core.createReceiveWindow(8);
    const low = core.transmitRegion.offset;
    const high = core.receiveRegion.offset + core.receiveRegion.length;
    expectRangeErrors([...neverWhole, -1, 65_536], (base) => window.writeBitmap(base, low, 8));
    expectRangeErrors([...neverWhole, -1, 65], (length) => window.writeBitmap(0, low, length));
    expectRangeErrors([...neverWhole, -1, 0, low - 1, high - 7], (offset) =>
      window.writeBitmap(0, offset, 8),
    );
    expectRangeErrors([...neverWhole, -1, 65_536], (sequence) => window.hasArrived(sequence));
    expectRangeErrors([...neverWhole, -1, 129], (count) => window.keepTaken(count));
    window.release();
    assert.throws(() => window.keepTaken(0), { name: "RangeError", message: /released/ });
    assert.throws(() => window.hasArrived(0), { name: "RangeError", message: /released/ });
    assert.throws(() => window.writeBitmap(0, low, 1), { name: "RangeError", message: /released/ });
    assert.deepEqual([window.keptCount, window.limit, window.highest], [0, 0, 0]);
  },
);

testBoth("an extended acknowledgement with a field out of range is not written", (create) => {
  const core = create();
  const low = core.transmitRegion.offset;
  const high = core.receiveRegion.offset + core.receiveRegion.length;
  const right: ExtendedAck = {
    arrived: 0,
    version: 1,
    capabilities: 0,
    window: 0,
    ackDelayUs: 0,
    echoSequence: -1,
    echoTransmission: 0,
    missingRank: 0,
    train: 0,
    trainSpreadUs: 0,
    recovered: 0,
    bitmapBase: 0,
    bitmapLength: 8,
  };
  const before = core.bytes.slice(low, high);
  const limits: Partial<Record<keyof ExtendedAck, number>> = {
    arrived: 65_535,
    version: 15,
    capabilities: 15,
    window: 65_535,
    echoTransmission: 3,
    train: 255,
    recovered: 65_535,
    bitmapBase: 65_535,
    bitmapLength: 64,
  };
  for (const [field, limit] of Object.entries(limits)) {
    const encode = (value: number) => core.encodeExtendedAck(low, 0, 0, { ...right, [field]: value });
    expectRangeErrors([...neverWhole, -1, limit + 1], encode);
  }
  for (const field of ["ackDelayUs", "trainSpreadUs", "missingRank"]) {
    const encode = (value: number) => core.encodeExtendedAck(low, 0, 0, { ...right, [field]: value });
    expectRangeErrors([Number.NaN, -1, "3", undefined, null], encode);
  }
  expectRangeErrors([...neverWhole, -2, 65_536], (echoSequence) =>
    core.encodeExtendedAck(low, 0, 0, { ...right, echoSequence }),
  );
  expectRangeErrors([...neverWhole, low - 1, high - 29], (at) => core.encodeExtendedAck(at, 0, 0, right));
  expectRangeErrors([...neverWhole, -1, 256], (flags) => core.encodeExtendedAck(low, flags, 0, right));
  expectRangeErrors([...neverWhole, -1, 65_536], (ack) => core.encodeExtendedAck(low, 0, ack, right));
  expectRangeErrors([...neverWhole, low - 1, high - 3], (at) => core.encodeOpeningAck(at, 0, 0));
  expectRangeErrors([...neverWhole, -1, 256], (flags) => core.encodeOpeningAck(low, flags, 0));
  expectRangeErrors([...neverWhole, -1, 65_536], (ack) => core.encodeOpeningAck(low, 0, ack));
  assert.deepEqual(core.bytes.slice(low, high), before);
});

testBoth(
  "a repair is written only over messages that were sent and are held, of a window of that core",
  (create) => {
    const core = create();
    const low = core.transmitRegion.offset;
    const window = core.createSendWindow(100);
    for (let count = 0; count < 80; count += 1) window.push(1);
    for (let count = 0; count < 70; count += 1) window.markSent(count, 0);
    window.acknowledge(1);
    const before = core.bytes.slice(low, low + 1280);
    const encode = (first: number, count: number, seed: number) =>
      core.encodeRepair(low, 0, 0, window, first, count, seed);
    expectRangeErrors([...neverWhole, 0, 1, 70, 79, 80, 65_535, 65_536], (first) => encode(first, 1, 0));
    expectRangeErrors([...neverWhole, -1, 0, 65], (count) => encode(2, count, 0));
    expectRangeErrors([...neverWhole, -1, 65_536], (seed) => encode(2, 1, seed));
    expectRangeErrors([6, 7, 20], (count) => encode(65, count, 0));
    expectRangeErrors([...neverWhole, 0, low - 1], (at) => core.encodeRepair(at, 0, 0, window, 2, 1, 0));
    const other = create().createSendWindow(4);
    other.push(1);
    other.markSent(0, 0);
    assert.throws(() => core.encodeRepair(low, 0, 0, other, 0, 1, 0), { message: /another core/ });
    assert.throws(() => core.encodeRepair(low, 0, 0, {} as SendWindow, 0, 1, 0), RangeError);
    assert.deepEqual(core.bytes.slice(low, low + 1280), before);
    assert.equal(encode(65, 5, 0), 12);
    window.release();
    assert.throws(() => encode(2, 1, 0), { name: "RangeError", message: /released/ });
  },
);

testBoth(
  "a decoder takes only repairs within their limits, and is made for a window of its core",
  (create) => {
    const core = create();
    const window = core.createReceiveWindow(8);
    const free = core.freeSlotCount;
    assert.throws(() => core.createDecoder(create().createReceiveWindow(4)), { message: /another core/ });
    assert.throws(() => core.createDecoder({} as ReceiveWindow), RangeError);
    const released = core.createReceiveWindow(4);
    released.release();
    assert.throws(() => core.createDecoder(released), { message: /released/ });
    assert.equal(core.freeSlotCount, free);
    const decoder = core.createDecoder(window);
    const { offset } = core.receiveRegion;
    expectRangeErrors([...neverWhole, -1, 65_536], (first) => decoder.addRepair(first, 1, 0, offset, 3));
    expectRangeErrors([...neverWhole, 0, -1, 129], (count) => decoder.addRepair(0, count, 0, offset, 3));
    expectRangeErrors([...neverWhole, -1, 65_536], (seed) => decoder.addRepair(0, 1, seed, offset, 3));
    expectRangeErrors([...neverWhole, 2, 1028], (length) => decoder.addRepair(0, 1, 0, offset, length));
    expectRangeErrors([...neverWhole, -1, core.bytes.length - 2], (at) => decoder.addRepair(0, 1, 0, at, 3));
    expectRangeErrors([...neverWhole, -1, 65_536], (sequence) => decoder.handleArrival(sequence));
    expectRangeErrors([...neverWhole, -1, 0], (index) => decoder.recovered(index));
    assert.deepEqual([decoder.storedCount, core.freeSlotCount], [0, free - 1]);
    const filler = core.createSendWindow(8192);
    while (filler.push(0) !== -1) filler.markSent(filler.nextUnsent, 0);
    const second = core.freeSlotCount === 0 ? undefined : core.createReceiveWindow(4);
    decoder.release();
    if (second === undefined) core.createSendWindow(1);
    else core.createDecoder(second);
    assert.throws(() => core.createDecoder(window), { name: "RangeError", message: /pool/ });
  },
);

testBoth("decode throws only if asked for bytes outside the memory", (create) => {
  const core = create();
  expectRangeErrors([...neverWhole, -1, core.bytes.length + 1], (length) => core.decode(0, length));
  expectRangeErrors([...neverWhole, -1, core.bytes.length - 9], (offset) => core.decode(offset, 10));
  assert.equal(core.decode(core.bytes.length - 10, 10).messageLength, 5);
});

test("a pool is a whole number of bytes from 1 MiB to 1 GiB, and an engine one of three", async () => {
  for (const engine of ["auto", "wasm", "ts"] as const) {
    expectRangeErrors(
      [Number.NaN, 0, -1, 1048575, 1048576.5, 2 ** 30 + 1, 2 ** 40, "1048576", null],
      (poolBytes) => createCoreSync({ engine, poolBytes: poolBytes ?? Number.NaN }),
    );
    await assert.rejects(createCore({ engine, poolBytes: 1 }), RangeError);
  }
  assert.throws(() => createCoreSync({ engine: "fast" as "ts" }), RangeError);
  await assert.rejects(createCore({ engine: "" as "ts" }), RangeError);
  const defaults: Core = await createCore();
  assert.equal(defaults.slotCount, 13107);
});
