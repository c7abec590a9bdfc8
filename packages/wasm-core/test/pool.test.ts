import assert from "node:assert/strict";
import { Arrival } from "../src/index.ts";
import { pattern, testBoth } from "./support.ts";

testBoth("the pool has a slot for each 1280 of its bytes, all free at first", (create) => {
  for (const poolBytes of [1 << 20, (1 << 20) + 1279, 3_000_001]) {
    const core = create({ poolBytes });
    assert.equal(core.slotCount, Math.floor(poolBytes / 1280));
    assert.equal(core.freeSlotCount, core.slotCount);
  }
  assert.equal(create({ poolBytes: 16 << 20 }).slotCount, 13107);
});

testBoth("an empty pool is answered, not thrown, and serves again once slots come back", (create) => {
  const core = create();
  const sender = core.createSendWindow(8192);
  const receiver = core.createReceiveWindow(8192);
  while (sender.push(10) !== -1) sender.markSent(sender.nextUnsent, 0);
  const held = sender.heldCount;
  // What remains is at most the one slot that a message and a new index page would not have fitted into.
  assert.ok(core.freeSlotCount <= 1);
  if (core.freeSlotCount === 1)
    assert.equal(receiver.accept(1, core.receiveRegion.offset, 0, 0), Arrival.OUT_OF_ORDER);
  assert.equal(core.freeSlotCount, 0);
  assert.equal(receiver.accept(0, core.receiveRegion.offset, 0, 0), Arrival.NO_SLOT);
  assert.equal(sender.push(10), -1);
  assert.equal(sender.heldCount, held);
  assert.throws(() => core.createSendWindow(1), { name: "RangeError", message: /pool/ });
  assert.throws(() => core.createReceiveWindow(1), RangeError);
  assert.equal(sender.acknowledge(2), 3);
  assert.equal(receiver.accept(0, core.receiveRegion.offset, 0, 0), Arrival.IN_ORDER);
  assert.notEqual(sender.push(10), -1);
});

testBoth(
  "release gives every slot back, whatever the window holds, and a second release is harmless",
  (create) => {
    const core = create({ poolBytes: 4 << 20 });
    const other = core.createSendWindow(4);
    other.push(3);
    const before = core.freeSlotCount;
    for (let round = 0; round < 3; round += 1) {
      const sender = core.createSendWindow(2048);
      const receiver = core.createReceiveWindow(2048);
      for (let count = 0; count < 1000; count += 1) sender.push(count);
      for (let count = 0; count < 900; count += 1) sender.markSent(count, 0);
      for (let count = 0; count < 900; count += 7) sender.markLost(count);
      sender.acknowledge(99);
      for (let count = 0; count < 2048; count += 3) receiver.accept(count, core.receiveRegion.offset, 9, 0);
      assert.ok(core.freeSlotCount < before - 1500);
      receiver.release();
      sender.release();
      assert.equal(core.freeSlotCount, before);
      receiver.release();
      sender.release();
      assert.equal(core.freeSlotCount, before);
    }
    assert.equal(other.heldCount, 1);
    assert.equal(other.messageLength(0), 3);
  },
);

testBoth("a released window does nothing any more, even after its slot serves another", (create) => {
  const core = create();
  const sender = core.createSendWindow(4);
  const receiver = core.createReceiveWindow(4);
  sender.push(1);
  sender.markSent(0, 0);
  sender.release();
  receiver.release();
  const heir = core.createSendWindow(4);
  const second = core.createReceiveWindow(4);
  heir.push(1);
  const misuses: readonly (() => unknown)[] = [
    () => sender.push(1),
    () => sender.acknowledge(0),
    () => sender.oldestSent(),
    () => sender.firstLost(),
    () => sender.messageOffset(0),
    () => sender.markSent(0, 0),
    () => receiver.accept(0, core.receiveRegion.offset, 0, 0),
    () => receiver.frontOffset(),
    () => receiver.take(),
  ];
  for (const misuse of misuses) assert.throws(misuse, { name: "RangeError", message: /released/ });
  assert.deepEqual(
    [sender.heldCount, sender.base, sender.next, receiver.heldCount, receiver.taken],
    [0, 0, 0, 0, 0],
  );
  assert.deepEqual([heir.heldCount, second.heldCount], [1, 0]);
});

testBoth("1000 idle pairs of windows take far less than 64 KiB each, whatever their limit", (create) => {
  const core = create({ poolBytes: 16 << 20 });
  const windows = [];
  for (let pair = 0; pair < 1000; pair += 1) {
    windows.push(core.createSendWindow(8192), core.createReceiveWindow(8192));
  }
  const pairBytes = ((core.slotCount - core.freeSlotCount) * 1280) / 1000;
  assert.ok(pairBytes <= 64 * 1024 && pairBytes <= 2560, `${pairBytes} bytes for each pair`);
  // A pair that has worked and is idle again holds no more than a new one.
  for (const window of windows.slice(0, 100)) {
    if (!("push" in window)) continue;
    for (let count = 0; count < 700; count += 1) {
      window.push(0);
      window.markSent(window.nextUnsent, 0);
    }
    window.acknowledge(699);
  }
  assert.equal(((core.slotCount - core.freeSlotCount) * 1280) / 1000, pairBytes);
});

testBoth("an idle core leaves its pool untouched", (create) => {
  const core = create({ poolBytes: 4 << 20 });
  const window = core.createSendWindow(64);
  const end = core.bytes.length;
  const firstBlock = window.push(0);
  assert.ok(core.bytes.subarray(firstBlock + 1280, end).every((byte) => byte === 0));
});

testBoth("no two messages share bytes: what one window holds, no other changes", (create) => {
  const core = create();
  const windows = Array.from({ length: 5 }, () => core.createSendWindow(300));
  const offsets = new Set<number>();
  for (let round = 0; round < 150; round += 1) {
    for (const [index, window] of windows.entries()) {
      const offset = window.push(1024);
      offsets.add(offset);
      core.bytes.set(pattern(1024, round * 8 + index), offset);
    }
  }
  assert.equal(offsets.size, 750);
  const sorted = [...offsets].sort((left, right) => left - right);
  for (let index = 1; index < sorted.length; index += 1) {
    assert.ok((sorted[index] as number) - (sorted[index - 1] as number) >= 1280);
  }
  for (let round = 0; round < 150; round += 1) {
    for (const [index, window] of windows.entries()) {
      const offset = window.messageOffset(round);
      assert.deepEqual(core.bytes.slice(offset, offset + 1024), pattern(1024, round * 8 + index));
    }
  }
});
