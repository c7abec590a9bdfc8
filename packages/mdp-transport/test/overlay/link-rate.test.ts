import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom } from "@meshstream/netem";
import { LinkRate } from "../../src/overlay/link-rate.ts";

/** A link that is acknowledged every 500 ms, one packet each time, of which `loss` are lost. */
function lossyLink(seed: number) {
  const random = createRandom(seed);
  const rate = new LinkRate();
  const lost = new Array<boolean>(15).fill(false);
  let nowMs = 0;
  let changes = 0;
  let bare = 0;
  let bareChanges = 0;
  const pass = (ms: number, loss: number) => {
    for (const endMs = nowMs + ms; nowMs < endMs; nowMs += 500) {
      lost.push(random.next() < loss);
      lost.shift();
      const before = [rate.counted, bare];
      const missed = lost.filter((isLost) => isLost).length;
      rate.note(missed, nowMs);
      bare = missed <= 3 ? 0 : missed;
      if (rate.counted !== before[0]) changes++;
      if (bare !== before[1]) bareChanges++;
    }
    return rate.counted;
  };
  return { pass, changes: () => changes, bareChanges: () => bareChanges };
}

describe("the drop rate that counts", () => {
  it("follows what gets lost within 20 s, and is 0 again when nothing does (seeds 1 to 20)", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { pass } = lossyLink(seed);
      assert.equal(pass(10_000, 0), 0);
      assert.ok(pass(20_000, 0.9) >= 10, `seed ${seed}`);
      assert.equal(pass(30_000, 0), 0);
    }
  });

  it("is moved by chance six times less often than the bare count, at 20 and at 40 % loss (seeds 1 to 20)", () => {
    for (const loss of [0.2, 0.4]) {
      let changes = 0;
      let bareChanges = 0;
      for (let seed = 1; seed <= 20; seed++) {
        const link = lossyLink(seed);
        link.pass(600_000, loss);
        changes += link.changes();
        bareChanges += link.bareChanges();
      }
      assert.ok(6 * changes <= bareChanges, `${changes}, and ${bareChanges} in the bare count, at ${loss}`);
    }
  });
});
