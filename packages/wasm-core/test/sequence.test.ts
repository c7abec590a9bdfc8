import assert from "node:assert/strict";
import { test } from "node:test";
import { sequenceAdd, sequenceDistance } from "../src/index.ts";

test("sequence numbers wrap at 2^16 in both directions", () => {
  assert.equal(sequenceAdd(65535, 1), 0);
  assert.equal(sequenceAdd(0, -1), 65535);
  assert.equal(sequenceAdd(65000, 1000), 464);
  assert.equal(sequenceAdd(7, -65536), 7);
});

test("a distance is positive up to 32767 ahead and negative from 32768 on", () => {
  assert.equal(sequenceDistance(5, 5), 0);
  assert.equal(sequenceDistance(0, 65535), 1);
  assert.equal(sequenceDistance(65535, 0), -1);
  assert.equal(sequenceDistance(32767, 0), 32767);
  assert.equal(sequenceDistance(32768, 0), -32768);
  assert.equal(sequenceDistance(32769, 0), -32767);
  for (let from = 0; from < 65536; from += 977) {
    for (let steps = -32768; steps < 32768; steps += 1021) {
      assert.equal(sequenceDistance(sequenceAdd(from, steps), from), steps);
    }
  }
});
