import assert from "node:assert/strict";
import { Arrival, type Core, type ReceiveWindow, WINDOW_LIMIT } from "../src/index.ts";
import { pattern, testBoth } from "./support.ts";

/** Let a message of `length` bytes arrive whose content follows from its number. */
function arrive(core: Core, window: ReceiveWindow, sequence: number, length = 20, flags = 0): Arrival {
  core.bytes.set(pattern(length, sequence), core.receiveRegion.offset);
  const arrival = window.accept(sequence, core.receiveRegion.offset, length, flags);
  core.bytes.fill(0, core.receiveRegion.offset, core.receiveRegion.offset + length);
  return arrival;
}

/** Take the next message and check that it is the one that was sent under that number. */
function takeChecked(core: Core, window: ReceiveWindow, length = 20): void {
  const offset = window.frontOffset();
  assert.equal(window.frontLength(), length);
  assert.deepEqual(core.bytes.slice(offset, offset + length), pattern(length, window.taken));
  window.take();
}

/** Take a new window to sequence number `taken`, with nothing held. */
function spin(core: Core, window: ReceiveWindow, taken: number): void {
  while (window.taken !== taken) {
    assert.equal(window.accept(window.taken, core.receiveRegion.offset, 0, 0), Arrival.IN_ORDER);
    window.take();
  }
}

function numbers(window: ReceiveWindow): number[] {
  return [window.taken, window.arrived, window.heldCount];
}

testBoth("messages in order are kept with their bytes and flags, and taken in order", (create) => {
  const core = create();
  const window = core.createReceiveWindow(8);
  assert.deepEqual(numbers(window), [0, 0, 0]);
  assert.equal(window.frontOffset(), -1);
  assert.equal(window.frontLength(), -1);
  assert.equal(window.frontFlags(), -1);
  assert.equal(arrive(core, window, 0, 1195, 0xf7), Arrival.IN_ORDER);
  assert.equal(arrive(core, window, 1, 0, 0x01), Arrival.IN_ORDER);
  assert.deepEqual(numbers(window), [0, 2, 2]);
  assert.equal(window.frontFlags(), 0xf7);
  takeChecked(core, window, 1195);
  assert.equal(window.frontFlags(), 0x01);
  takeChecked(core, window, 0);
  assert.deepEqual(numbers(window), [2, 2, 0]);
  assert.throws(() => window.take(), RangeError);
});

testBoth("messages out of order wait, and all that is in order then becomes so at once", (create) => {
  const core = create();
  const window = core.createReceiveWindow(8);
  for (const sequence of [3, 1, 5, 2]) assert.equal(arrive(core, window, sequence), Arrival.OUT_OF_ORDER);
  assert.deepEqual(numbers(window), [0, 0, 4]);
  assert.equal(window.frontOffset(), -1);
  assert.throws(() => window.take(), RangeError);
  assert.equal(arrive(core, window, 0), Arrival.IN_ORDER);
  assert.deepEqual(numbers(window), [0, 4, 5]);
  for (let count = 0; count < 4; count += 1) takeChecked(core, window);
  assert.equal(window.frontOffset(), -1);
  assert.equal(arrive(core, window, 4), Arrival.IN_ORDER);
  assert.deepEqual(numbers(window), [4, 6, 2]);
});

testBoth("a message that came before is a duplicate, taken or not, and keeps nothing", (create) => {
  const core = create();
  const window = core.createReceiveWindow(8);
  for (const sequence of [0, 1, 3]) arrive(core, window, sequence);
  window.take();
  const free = core.freeSlotCount;
  for (const sequence of [0, 1, 3, 65535, 60000, 32769, 32768 + 1]) {
    assert.equal(arrive(core, window, sequence), Arrival.DUPLICATE, `message ${sequence}`);
  }
  assert.equal(core.freeSlotCount, free);
  assert.deepEqual(numbers(window), [1, 2, 2]);
});

testBoth("the window reaches limit - 1 ahead of what was taken; 32768 ahead counts as behind", (create) => {
  const core = create();
  const window = core.createReceiveWindow(4);
  assert.equal(arrive(core, window, 3), Arrival.OUT_OF_ORDER);
  assert.equal(arrive(core, window, 4), Arrival.AHEAD);
  assert.equal(arrive(core, window, 32767), Arrival.AHEAD);
  assert.equal(arrive(core, window, 32768), Arrival.DUPLICATE);
  for (const sequence of [0, 1, 2]) assert.equal(arrive(core, window, sequence), Arrival.IN_ORDER);
  assert.deepEqual(numbers(window), [0, 4, 4]);
  assert.equal(arrive(core, window, 4), Arrival.AHEAD);
  window.take();
  assert.equal(arrive(core, window, 4), Arrival.IN_ORDER);
  assert.equal(arrive(core, window, 32768), Arrival.AHEAD);
  assert.equal(arrive(core, window, 32769), Arrival.DUPLICATE);
});

testBoth("a window works across the wrap at 2^16 as anywhere else", (create) => {
  const core = create();
  const window = core.createReceiveWindow(8);
  spin(core, window, 65534);
  assert.equal(arrive(core, window, 1), Arrival.OUT_OF_ORDER);
  assert.equal(arrive(core, window, 65535), Arrival.OUT_OF_ORDER);
  assert.equal(arrive(core, window, 6), Arrival.AHEAD);
  assert.equal(arrive(core, window, 65533), Arrival.DUPLICATE);
  assert.equal(arrive(core, window, 65534), Arrival.IN_ORDER);
  assert.deepEqual(numbers(window), [65534, 0, 3]);
  assert.equal(arrive(core, window, 0), Arrival.IN_ORDER);
  assert.deepEqual(numbers(window), [65534, 2, 4]);
  for (let count = 0; count < 4; count += 1) takeChecked(core, window);
  assert.deepEqual(numbers(window), [2, 2, 0]);
});

testBoth("a window of 8192 messages fills from its far end and empties in order", (create) => {
  const core = create({ poolBytes: 16 << 20 });
  const window = core.createReceiveWindow(WINDOW_LIMIT);
  const idle = core.freeSlotCount;
  spin(core, window, 60000);
  for (let ahead = WINDOW_LIMIT - 1; ahead > 0; ahead -= 1) {
    assert.equal(arrive(core, window, (60000 + ahead) & 0xffff, 2), Arrival.OUT_OF_ORDER);
  }
  assert.equal(arrive(core, window, 60000, 2), Arrival.IN_ORDER);
  assert.deepEqual(numbers(window), [60000, (60000 + WINDOW_LIMIT) & 0xffff, WINDOW_LIMIT]);
  assert.equal(core.freeSlotCount, idle - WINDOW_LIMIT - 31);
  for (let count = 0; count < WINDOW_LIMIT; count += 1) takeChecked(core, window, 2);
  assert.equal(window.heldCount, 0);
  assert.equal(core.freeSlotCount, idle);
});

/** The bitmap that the window writes, as its bytes. */
function bitmapOf(core: Core, window: ReceiveWindow, base: number, maxBytes: number): number[] {
  const { offset } = core.transmitRegion;
  core.bytes.fill(0xee, offset, offset + 70);
  const length = window.writeBitmap(base, offset, maxBytes);
  assert.deepEqual(
    [...core.bytes.subarray(offset + maxBytes, offset + 70)],
    new Array(70 - maxBytes).fill(0xee),
  );
  return [...core.bytes.subarray(offset, offset + length)];
}

testBoth("a bitmap says what has arrived from its base on, without zero bytes at the end", (create) => {
  const core = create();
  const window = core.createReceiveWindow(256);
  assert.deepEqual([window.limit, window.highest], [256, 0xffff]);
  assert.deepEqual(bitmapOf(core, window, 0, 64), []);
  for (const sequence of [0, 1, 3, 4, 12, 40]) arrive(core, window, sequence);
  assert.equal(window.highest, 40);
  assert.deepEqual(bitmapOf(core, window, 3, 64), [0b00000011, 0b00000010, 0, 0, 0b00100000]);
  assert.deepEqual(bitmapOf(core, window, 3, 3), [0b00000011, 0b00000010]);
  assert.deepEqual(bitmapOf(core, window, 13, 3), []);
  assert.deepEqual(bitmapOf(core, window, 40, 64), [1]);
  assert.deepEqual(bitmapOf(core, window, 41, 64), []);
  assert.deepEqual(bitmapOf(core, window, 3, 0), []);
  window.take();
  window.take();
  // What was taken has arrived; so has everything behind.
  assert.deepEqual(bitmapOf(core, window, 65_532, 1), [0b10111111]);
  assert.deepEqual(bitmapOf(core, window, 0, 64).slice(0, 1), [0b00011011]);
});

testBoth("hasArrived tells what is held or was taken from what is missing or too far ahead", (create) => {
  const core = create();
  const window = core.createReceiveWindow(8);
  spin(core, window, 65_534);
  for (const sequence of [65_534, 0, 3]) arrive(core, window, sequence);
  window.take();
  const asked = [65_000, 65_533, 65_534, 65_535, 0, 1, 2, 3, 4, 7, 8, 300, 30_000];
  assert.deepEqual(
    asked.filter((sequence) => window.hasArrived(sequence)),
    [65_000, 65_533, 65_534, 0, 3],
  );
  assert.equal(window.highest, 3);
});

testBoth("the last messages taken are kept if asked for, and count as free", (create) => {
  const core = create();
  const window = core.createReceiveWindow(8);
  const free = core.freeSlotCount;
  window.keepTaken(3);
  for (let sequence = 0; sequence < 6; sequence += 1) {
    arrive(core, window, sequence);
    window.take();
    assert.equal(window.keptCount, Math.min(sequence + 1, 3));
    assert.deepEqual(numbers(window), [sequence + 1, sequence + 1, 0]);
    assert.equal(core.freeSlotCount, free);
    assert.equal(arrive(core, window, sequence), Arrival.DUPLICATE);
  }
  window.keepTaken(1);
  assert.equal(window.keptCount, 1);
  window.keepTaken(0);
  assert.equal(window.keptCount, 0);
  assert.equal(core.freeSlotCount, free);
});

testBoth(
  "kept messages give way to whatever needs their slots, the longest kept first, in all windows",
  (create) => {
    const core = create();
    const first = core.createReceiveWindow(128);
    const second = core.createReceiveWindow(128);
    for (const window of [first, second]) {
      window.keepTaken(50);
      for (let sequence = 0; sequence < 50; sequence += 1) {
        arrive(core, window, sequence);
        window.take();
      }
    }
    const sender = core.createSendWindow(8192);
    const before = core.freeSlotCount;
    let pushed = 0;
    while (sender.push(0) !== -1) pushed += 1;
    assert.ok(pushed > before - 5, `${pushed} of ${before}`);
    assert.deepEqual([first.keptCount, second.keptCount], [0, 0]);
    sender.markSent(0, 0);
    sender.acknowledge(0);
    assert.equal(arrive(core, second, 50), Arrival.IN_ORDER);
    second.take();
    assert.equal(second.keptCount, 1);
    // The next message takes the slot of the one that is kept.
    assert.equal(arrive(core, first, 50), Arrival.IN_ORDER);
    assert.equal(second.keptCount, 0);
  },
);

testBoth("a kept message is never taken for one that is a whole index ahead", (create) => {
  const core = create({ poolBytes: 2 << 20 });
  const window = core.createReceiveWindow(256);
  window.keepTaken(100);
  for (let sequence = 0; sequence < 100; sequence += 1) {
    arrive(core, window, sequence);
    window.take();
  }
  assert.equal(window.keptCount, 100);
  assert.equal(window.hasArrived(256), false);
  assert.equal(arrive(core, window, 300), Arrival.OUT_OF_ORDER);
  // 300 and those after 44 are in different places of the index; 0..44 gave way.
  assert.equal(window.keptCount, 55);
  assert.equal(window.hasArrived(256), false);
  assert.equal(arrive(core, window, 355), Arrival.OUT_OF_ORDER);
  assert.equal(window.keptCount, 0);
  for (let sequence = 100; sequence < 356; sequence += 1) arrive(core, window, sequence);
  assert.deepEqual(numbers(window), [100, 356, 256]);
  for (let sequence = 100; sequence < 356; sequence += 1) takeChecked(core, window);
  assert.equal(window.keptCount, 100);
});
