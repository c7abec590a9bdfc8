import assert from "node:assert/strict";
import { type Core, PacketFlag, type SendWindow, WINDOW_LIMIT } from "../src/index.ts";
import { pattern, testBoth } from "./support.ts";

/** Push `count` empty messages and mark all of them sent at `nowMs`. */
function pushAndSend(window: SendWindow, count: number, nowMs = 0): void {
  for (let done = 0; done < count; done += 1) {
    assert.notEqual(window.push(0), -1);
    window.markSent(window.nextUnsent, nowMs);
  }
}

/** Take a new window to sequence number `base`, with nothing held. */
function spin(window: SendWindow, base: number): void {
  while (window.base !== base) {
    pushAndSend(window, 1);
    assert.equal(window.acknowledge(window.base), 1);
  }
}

/** The sequence numbers in flight, from the oldest transmission to the newest. */
function inFlight(window: SendWindow): number[] {
  const list: number[] = [];
  for (let at = window.oldestSent(); at !== -1; at = window.sentAfter(at)) list.push(at);
  assert.equal(list.length, window.inFlightCount);
  return list;
}

function numbers(window: SendWindow): number[] {
  return [
    window.base,
    window.nextUnsent,
    window.next,
    window.heldCount,
    window.inFlightCount,
    window.lostCount,
  ];
}

function windowOf(create: (options?: object) => Core, limit: number): SendWindow {
  return create({ poolBytes: 16 << 20 }).createSendWindow(limit);
}

testBoth("a new window is empty and starts at 0", (create) => {
  const window = windowOf(create, 4);
  assert.deepEqual(numbers(window), [0, 0, 0, 0, 0, 0]);
  assert.equal(window.oldestSent(), -1);
  assert.equal(window.firstLost(), -1);
});

testBoth("a pushed message keeps its bytes, length and flags until it is acknowledged", (create) => {
  const core = create();
  const window = core.createSendWindow(300);
  for (let salt = 0; salt < 300; salt += 1) {
    const offset = window.push(salt * 3);
    core.bytes.set(pattern(salt * 3, salt), offset);
    assert.equal(window.messageOffset(salt), offset);
    assert.equal(window.messageFlags(salt), 0);
  }
  window.setMessageFlags(299, PacketFlag.SHUTDOWN);
  for (let salt = 0; salt < 300; salt += 1) {
    const offset = window.messageOffset(salt);
    assert.equal(window.messageLength(salt), salt * 3);
    assert.deepEqual(core.bytes.slice(offset, offset + salt * 3), pattern(salt * 3, salt));
    assert.equal(window.transmissions(salt), 0);
    assert.equal(window.sentAtMs(salt), 0);
  }
  assert.equal(window.messageFlags(299), PacketFlag.SHUTDOWN);
  assert.equal(window.messageFlags(298), 0);
  assert.deepEqual(numbers(window), [0, 0, 300, 300, 0, 0]);
});

testBoth("a full window answers -1 and takes messages again once some are acknowledged", (create) => {
  const window = windowOf(create, 3);
  pushAndSend(window, 3);
  assert.equal(window.push(1), -1);
  assert.equal(window.acknowledge(0), 1);
  assert.notEqual(window.push(1), -1);
  assert.equal(window.push(1), -1);
  assert.deepEqual(numbers(window), [1, 3, 4, 3, 2, 0]);
});

testBoth(
  "the in-flight list is in order of last transmission, the lost list in order of declaration",
  (create) => {
    const window = windowOf(create, 8);
    pushAndSend(window, 6);
    assert.deepEqual(inFlight(window), [0, 1, 2, 3, 4, 5]);
    window.markSent(2, 10);
    window.markSent(0, 11);
    assert.deepEqual(inFlight(window), [1, 3, 4, 5, 2, 0]);
    window.markLost(4);
    window.markLost(1);
    window.markLost(4);
    assert.deepEqual(inFlight(window), [3, 5, 2, 0]);
    assert.equal(window.firstLost(), 4);
    assert.deepEqual(numbers(window), [0, 6, 6, 6, 4, 2]);
    window.markSent(4, 12);
    assert.equal(window.firstLost(), 1);
    assert.deepEqual(inFlight(window), [3, 5, 2, 0, 4]);
    assert.equal(window.acknowledge(3), 4);
    assert.deepEqual(inFlight(window), [5, 4]);
    assert.equal(window.firstLost(), -1);
    assert.deepEqual(numbers(window), [4, 6, 6, 2, 2, 0]);
  },
);

testBoth("transmissions are counted up to 65535 and the time of the last one is kept as passed", (create) => {
  const window = windowOf(create, 2);
  window.push(0);
  window.markSent(0, 1.25);
  assert.equal(window.transmissions(0), 1);
  assert.equal(window.sentAtMs(0), 1.25);
  window.markLost(0);
  assert.equal(window.sentAtMs(0), 1.25);
  window.markSent(0, 2 ** 41 + 0.5);
  assert.equal(window.transmissions(0), 2);
  assert.equal(window.sentAtMs(0), 2 ** 41 + 0.5);
  for (let count = 2; count < 65537; count += 1) window.markSent(0, count);
  assert.equal(window.transmissions(0), 65535);
});

testBoth("messages are sent for the first time in their order only", (create) => {
  const window = windowOf(create, 4);
  window.push(0);
  window.push(0);
  assert.throws(() => window.markSent(1, 0), RangeError);
  assert.throws(() => window.markLost(0), RangeError);
  window.markSent(0, 0);
  window.markSent(1, 0);
  assert.deepEqual(numbers(window), [0, 2, 2, 2, 2, 0]);
});

testBoth("an acknowledgement is taken only within base - 1 .. nextUnsent - 1", (create) => {
  const window = windowOf(create, 8);
  assert.equal(window.acknowledge(65535), 0);
  assert.equal(window.acknowledge(0), -1);
  pushAndSend(window, 4);
  window.push(0);
  const before = numbers(window);
  for (const wrong of [4, 5, 6, 100, 32767, 32768, 65534]) {
    assert.equal(window.acknowledge(wrong), -1, `acknowledgement ${wrong}`);
    assert.deepEqual(numbers(window), before);
  }
  assert.equal(window.acknowledge(65535), 0);
  assert.deepEqual(numbers(window), before);
  assert.equal(window.acknowledge(1), 2);
  assert.equal(window.acknowledge(1), 0);
  assert.equal(window.acknowledge(0), -1);
  assert.equal(window.acknowledge(65535), -1);
  assert.equal(window.acknowledge(3), 2);
  assert.equal(window.acknowledge(4), -1);
  assert.deepEqual(numbers(window), [4, 4, 5, 1, 0, 0]);
});

testBoth("a window works across the wrap at 2^16 as anywhere else", (create) => {
  const window = windowOf(create, 8);
  spin(window, 65533);
  pushAndSend(window, 6);
  window.push(0);
  assert.deepEqual(numbers(window), [65533, 3, 4, 7, 6, 0]);
  assert.deepEqual(inFlight(window), [65533, 65534, 65535, 0, 1, 2]);
  window.markLost(65535);
  window.markLost(0);
  window.markSent(65534, 5);
  assert.equal(window.firstLost(), 65535);
  assert.deepEqual(inFlight(window), [65533, 1, 2, 65534]);
  assert.equal(window.acknowledge(3), -1);
  assert.equal(window.acknowledge(65532), 0);
  assert.equal(window.acknowledge(0), 4);
  assert.deepEqual(inFlight(window), [1, 2]);
  assert.equal(window.acknowledge(65535), -1);
  assert.equal(window.acknowledge(2), 2);
  assert.deepEqual(numbers(window), [3, 3, 4, 1, 0, 0]);
});

testBoth("a window of 8192 messages holds them all, across the wrap too", (create) => {
  const core = create({ poolBytes: 16 << 20 });
  const window = core.createSendWindow(WINDOW_LIMIT);
  const idle = core.freeSlotCount;
  spin(window, 60000);
  assert.equal(core.freeSlotCount, idle);
  pushAndSend(window, WINDOW_LIMIT);
  assert.equal(window.push(0), -1);
  assert.equal(window.next, 60000 + WINDOW_LIMIT - 65536);
  assert.equal(core.freeSlotCount, idle - WINDOW_LIMIT - 31);
  assert.equal(new Set(inFlight(window)).size, WINDOW_LIMIT);
  assert.equal(window.acknowledge(window.next - 1), WINDOW_LIMIT);
  assert.equal(core.freeSlotCount, idle);
});
