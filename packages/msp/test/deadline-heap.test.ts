import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom } from "@meshstream/netem";
import { DeadlineHeap, type Scheduled } from "../src/deadline-heap.ts";

const SEED = 20_260;

function createItem(): Scheduled {
  return { deadlineMs: Number.POSITIVE_INFINITY, heapIndex: -1 };
}

describe("the heap of deadlines", () => {
  it(`gives the earliest of any number of deadlines that are set, moved and taken out (seed ${SEED})`, () => {
    const random = createRandom(SEED);
    const heap = new DeadlineHeap<Scheduled>();
    const items = Array.from({ length: 60 }, createItem);
    const expected = new Map<Scheduled, number>();
    for (let step = 0; step < 20_000; step += 1) {
      const item = items[random.below(items.length)]!;
      if (random.below(3) === 0) {
        if (random.below(2) === 0) heap.remove(item);
        else heap.set(item, Number.POSITIVE_INFINITY);
        expected.delete(item);
      } else {
        const deadlineMs = random.below(100);
        heap.set(item, deadlineMs);
        expected.set(item, deadlineMs);
      }
      const { first } = heap;
      assert.equal(first?.deadlineMs, expected.size === 0 ? undefined : Math.min(...expected.values()));
      if (first !== undefined) assert.ok(expected.has(first));
      for (const each of items) assert.equal(each.heapIndex !== -1, expected.has(each));
    }
  });

  it("takes out what is not in it without a word", () => {
    const heap = new DeadlineHeap<Scheduled>();
    heap.remove(createItem());
    assert.equal(heap.first, undefined);
  });
});
