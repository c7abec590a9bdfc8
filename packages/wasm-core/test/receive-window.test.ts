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
