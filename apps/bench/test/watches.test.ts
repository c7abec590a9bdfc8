import assert from "node:assert/strict";
import { test } from "node:test";
import { QueueSamples } from "../src/matrix/queue-samples.ts";
import { ReturnWatch } from "../src/matrix/return-watch.ts";

test("what the queue had kept does not count as something new after the return", () => {
  const watch = new ReturnWatch();
  watch.handleHanded(4000);
  watch.handleReturn(2, 7000);
  watch.handleHanded(7016);
  watch.handlePacketDone();
  watch.handleHanded(7017);
  watch.handlePacketDone();
  assert.equal(watch.longestMs, 0);
  watch.handleHanded(7090);
  watch.handleHanded(9000);
  assert.equal(watch.longestMs, 90);
});

test("the longest wait counts, also one that goes on over the next return, or to the end of the run", () => {
  const watch = new ReturnWatch();
  watch.handleReturn(0, 7000);
  watch.handleHanded(7050);
  watch.handleReturn(0, 14_000);
  watch.handleReturn(0, 21_000);
  watch.handleHanded(21_100);
  assert.equal(watch.longestMs, 7100);
  watch.handleReturn(0, 28_000);
  watch.end(40_000);
  assert.equal(watch.longestMs, 12_000);
});

test("the standing queue is the median after the first tenth", () => {
  const samples = new QueueSamples();
  for (let i = 0; i < 10; i++) samples.add(1000);
  for (let i = 0; i < 90; i++) samples.add(i % 3);
  assert.equal(samples.standingMs, 1);
  assert.equal(new QueueSamples().standingMs, 0);
});

test("a long run is looked at more rarely, and its median stays that of all its time", () => {
  const samples = new QueueSamples();
  assert.equal(samples.everyMs, 0.5);
  let atMs = 0;
  const wholeMs = 100_000;
  while (atMs < wholeMs) {
    samples.add(atMs);
    atMs += samples.everyMs;
  }
  assert.equal(samples.everyMs, 2);
  // The median of what follows the first tenth.
  assert.ok(Math.abs(samples.standingMs - 0.55 * wholeMs) < 10, `${samples.standingMs}`);
});
