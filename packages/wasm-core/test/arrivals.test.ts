import assert from "node:assert/strict";
import { type Core, type SendWindow, WINDOW_LIMIT } from "../src/index.ts";
import { testBoth } from "./support.ts";

/** A window with `count` empty messages in flight, message i sent at i milliseconds. */
function flight(core: Core, count: number): SendWindow {
  const window = core.createSendWindow(WINDOW_LIMIT);
  for (let at = 0; at < count; at += 1) {
    window.push(0);
    window.markSent(window.nextUnsent, at);
  }
  return window;
}

/** Put a bitmap into the memory; returns its offset and length. */
function bitmap(core: Core, ...bytes: number[]): [number, number] {
  core.bytes.set(bytes, core.receiveRegion.offset);
  return [core.receiveRegion.offset, bytes.length];
}

function counts(window: SendWindow): number[] {
  return [window.heldCount, window.inFlightCount, window.lostCount, window.arrivedCount];
}

testBoth(
  "messages that have arrived leave the flight and keep their slots until they are acknowledged",
  (create) => {
    const core = create();
    const window = flight(core, 10);
    window.markLost(1);
    const free = core.freeSlotCount;
    assert.equal(window.arriveThrough(2), 3);
    assert.equal(window.arriveThrough(2), 0);
    assert.equal(window.arriveThrough(0), 0);
    assert.equal(window.arrived, 3);
    assert.equal(window.arriveBitmap(4, ...bitmap(core, 0b1001)), 2);
    assert.equal(window.arriveBitmap(4, ...bitmap(core, 0b1001)), 0);
    assert.deepEqual(counts(window), [10, 5, 0, 5]);
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 6, 7].map((sequence) => window.isArrived(sequence)),
      [true, true, true, false, true, false, false, true],
    );
    assert.equal(core.freeSlotCount, free);
    assert.equal(window.deliveredCount, 5);
    assert.equal(window.acknowledge(4), 5);
    assert.deepEqual(counts(window), [5, 4, 0, 1]);
    assert.equal(window.deliveredCount, 6);
    assert.equal(core.freeSlotCount, free + 5);
    assert.equal(window.arrived, 5);
  },
);

testBoth("a report about what is gone, or was never sent, changes nothing", (create) => {
  const core = create();
  const window = flight(core, 10);
  for (let more = 0; more < 5; more += 1) window.push(0);
  window.acknowledge(3);
  const before = counts(window);
  for (const wrong of [2, 10, 11, 14, 15, 40_000, 65_535]) {
    assert.equal(window.arriveThrough(wrong), -1, `${wrong}`);
  }
  assert.equal(window.arriveThrough(3), 0);
  assert.equal(window.arriveBitmap(65_530, ...bitmap(core, 0xff, 0x03)), 0);
  assert.equal(window.arriveBitmap(10, ...bitmap(core, 0xff)), 0);
  assert.equal(window.arriveBitmap(30_000, ...bitmap(core, 0xff)), 0);
  assert.equal(window.markMissing(9, 10, ...bitmap(core, 0), 1000), 0);
  assert.equal(window.markMissing(1, 60_000, ...bitmap(core, 0), 1000), 0);
  assert.deepEqual(counts(window), before);
  assert.equal(window.arriveBitmap(0, ...bitmap(core, 0xff, 0xff)), 6);
  assert.deepEqual(counts(window), [11, 0, 0, 6]);
});

testBoth("what has arrived is neither sent again nor lost: RangeError, and nothing changes", (create) => {
  const core = create();
  const window = flight(core, 3);
  window.arriveThrough(1);
  assert.throws(() => window.markSent(1, 5), { name: "RangeError", message: /has arrived/ });
  assert.throws(() => window.markLost(1), { name: "RangeError", message: /has arrived/ });
  assert.throws(() => window.sentAfter(1), RangeError);
  assert.deepEqual(counts(window), [3, 1, 0, 2]);
  assert.equal(window.transmissions(1), 1);
});

testBoth(
  "what a report says is missing is lost if it was sent early enough; what it does not cover is unknown",
  (create) => {
    const core = create();
    const window = flight(core, 40);
    // Everything through 3 has arrived; 4 has not; of 5..20 the report says 5, 8 and 20 have.
    const [offset, length] = bitmap(core, 0b00001001, 0b10000000);
    window.arriveThrough(3);
    assert.equal(window.arriveBitmap(5, offset, length), 3);
    assert.equal(window.missingSentAtMs, Number.POSITIVE_INFINITY);
    assert.equal(window.markMissing(3, 5, offset, length, 10), 4);
    assert.equal(window.lostCount, 4);
    const lost: number[] = [];
    for (let at = window.firstLost(); at !== -1; at = window.firstLost()) {
      lost.push(at);
      window.markSent(at, 100);
    }
    assert.deepEqual(lost, [4, 6, 7, 9]);
    // 10..19 were too young: the oldest of them was sent at 10.
    assert.equal(window.missingSentAtMs, 10);
    assert.equal(window.markOverdue(10), 0);
    assert.equal(window.markOverdue(13), 3);
    assert.equal(window.missingSentAtMs, 13);
    assert.equal(window.firstLost(), 10);
    // 21..39 were covered by nothing, so they are never overdue; 4, 6, 7 and 9 were sent again since.
    assert.equal(window.markOverdue(1000), 7);
    assert.equal(window.missingSentAtMs, Number.POSITIVE_INFINITY);
    assert.equal(window.inFlightCount, 19 + 4);
    // A new report says that what was sent again is still missing.
    assert.equal(window.markMissing(3, 5, ...bitmap(core, 0b00001001), 100), 0);
    assert.equal(window.missingSentAtMs, 100);
    assert.equal(window.markMissing(3, 5, ...bitmap(core, 0b00001001), 100.5), 4);
  },
);

testBoth("a sample measures from the message sent last among those that have arrived", (create) => {
  const core = create();
  const window = core.createSendWindow(64);
  for (let at = 0; at < 10; at += 1) window.push(0);
  // Four messages 10 ms apart; their acknowledgements come 100 ms later, two at a time.
  for (let sequence = 0; sequence < 4; sequence += 1) window.markSent(sequence, 10 * sequence);
  window.beginSample(110);
  window.arriveThrough(1);
  assert.deepEqual(
    { ...window.sample },
    {
      arrivedCount: 2,
      arrivedLostCount: 0,
      newest: 1,
      newestSentAtMs: 10,
      newestTransmissions: 1,
      priorDelivered: 0,
      priorDeliveredAtMs: 0,
      sendElapsedMs: 10,
      ackElapsedMs: 110,
      isAppLimited: false,
    },
  );
  for (let sequence = 4; sequence < 6; sequence += 1) window.markSent(sequence, 120);
  window.beginSample(130);
  window.arriveThrough(3);
  assert.deepEqual([window.sample.newest, window.sample.ackElapsedMs], [3, 130]);
  window.beginSample(220);
  window.acknowledge(5);
  const { newest, priorDelivered, priorDeliveredAtMs, sendElapsedMs, ackElapsedMs } = window.sample;
  // Sent at 120, when 2 had been delivered, the last at 110, and that had been sent at 10.
  assert.deepEqual([newest, priorDelivered, priorDeliveredAtMs], [5, 2, 110]);
  assert.deepEqual([sendElapsedMs, ackElapsedMs], [110, 110]);
  assert.equal(window.deliveredCount - priorDelivered, 4);
});

testBoth(
  "a sample counts what had been declared lost, and tells by how many transmissions it came",
  (create) => {
    const core = create();
    const window = flight(core, 6);
    for (const sequence of [1, 2, 3]) window.markLost(sequence);
    window.markSent(2, 50);
    window.beginSample(60);
    window.arriveBitmap(1, ...bitmap(core, 0b10111));
    const { arrivedCount, arrivedLostCount, newest, newestTransmissions } = window.sample;
    assert.deepEqual([arrivedCount, arrivedLostCount, newest, newestTransmissions], [4, 2, 2, 2]);
    assert.deepEqual(counts(window), [6, 2, 0, 4]);
    window.beginSample(61);
    assert.equal(window.sample.newest, -1);
    assert.equal(window.sample.arrivedCount, 0);
  },
);

testBoth(
  "messages sent while the application had no more are marked so, until all that was in flight has arrived",
  (create) => {
    const core = create();
    const window = core.createSendWindow(64);
    for (let at = 0; at < 10; at += 1) window.push(0);
    for (let sequence = 0; sequence < 3; sequence += 1) window.markSent(sequence, 0);
    window.markAppLimited();
    window.markSent(3, 1);
    const isLimited = (through: number): boolean => {
      window.beginSample(10);
      window.arriveThrough(through);
      return window.sample.isAppLimited;
    };
    assert.equal(isLimited(2), false);
    window.markSent(4, 11);
    assert.equal(isLimited(3), true);
    window.markSent(5, 12);
    assert.equal(isLimited(4), true);
    assert.equal(isLimited(5), false);
  },
);

testBoth("a sample is read before the next one of any window of the core begins", (create) => {
  const core = create();
  const first = flight(core, 2);
  const second = flight(core, 2);
  assert.throws(() => first.sample, { name: "RangeError", message: /another window/ });
  first.beginSample(5);
  second.arriveThrough(0);
  first.arriveThrough(0);
  assert.equal(first.sample.arrivedCount, 1);
  second.beginSample(6);
  assert.throws(() => first.sample, RangeError);
  assert.equal(second.sample.arrivedCount, 0);
  second.release();
  const heir = core.createSendWindow(4);
  assert.throws(() => heir.sample, RangeError);
});

testBoth("reports work across the wrap at 2^16 and in a window of 8192", (create) => {
  const core = create({ poolBytes: 16 << 20 });
  const window = core.createSendWindow(WINDOW_LIMIT);
  while (window.base !== 65_000) {
    window.push(0);
    window.markSent(window.base, 0);
    window.acknowledge(window.base);
  }
  for (let at = 0; at < WINDOW_LIMIT; at += 1) {
    window.push(0);
    window.markSent(window.nextUnsent, at);
  }
  assert.equal(window.deliveredCount, 65_000);
  assert.equal(window.arriveThrough(65_535), 536);
  const full = new Array<number>(64).fill(0xff);
  assert.equal(window.arriveBitmap(1, ...bitmap(core, ...full)), 512);
  assert.equal(window.arriveBitmap(7000, ...bitmap(core, ...full)), 512);
  assert.equal(window.markMissing(65_535, 1, ...bitmap(core, ...full), 1e9), 1);
  assert.equal(window.firstLost(), 0);
  assert.equal(window.acknowledge((65_000 + WINDOW_LIMIT - 1) & 0xffff), WINDOW_LIMIT);
  assert.equal(window.deliveredCount, 65_000 + WINDOW_LIMIT);
  assert.deepEqual(counts(window), [0, 0, 0, 0]);
});
