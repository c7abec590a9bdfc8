import assert from "node:assert/strict";
import { test } from "node:test";
import { type Core, createCore, createCoreSync } from "../src/index.ts";
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
