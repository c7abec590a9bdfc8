import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom } from "@meshstream/netem";
import { Freshness } from "../../src/overlay/freshness.ts";
import { EPOCH_BYTES, NonceSource } from "../../src/overlay/nonce.ts";
import { NONCE_BYTES } from "../../src/overlay/seal.ts";
import { fromHex, readVectors, toHex, VECTOR_NAMES } from "./vectors.ts";

/** The first `count` nonces of a node. */
function noncesOf(seed: number, count: number): Uint8Array[] {
  const source = new NonceSource(createRandom(seed));
  return Array.from({ length: count }, () => {
    const nonce = new Uint8Array(NONCE_BYTES);
    source.writeNext(nonce, 0);
    return nonce;
  });
}

/** The nonces that deployed nodes sealed with, in the order of each recording, by who sealed. */
function recordedNonces(): Uint8Array[][] {
  const bySource = new Map<string, Uint8Array[]>();
  for (const name of VECTOR_NAMES) {
    for (const { decoded } of readVectors(name).packets) {
      for (const { nonce, source } of decoded.frames) {
        if (typeof nonce !== "string") continue;
        const key = `${name} ${source}`;
        bySource.set(key, [...(bySource.get(key) ?? []), fromHex(nonce)]);
      }
    }
  }
  return [...bySource.values()];
}

describe("the freshness of sealed frames", () => {
  it("lets frames overtake each other by up to 2048, in any order, and drops what is later", () => {
    const nonces = noncesOf(1, 4000);
    const freshness = new Freshness();
    for (const nonce of nonces.slice(0, 3000)) assert.equal(freshness.isStale(nonce, 0), false);
    // 2999 is the newest.
    assert.equal(freshness.isStale(nonces[2999 - 2048]!, 0), false);
    assert.equal(freshness.isStale(nonces[2999 - 2049]!, 0), true);
    assert.equal(freshness.isStale(nonces[0]!, 0), true);
    // A late one does not take the newest back.
    assert.equal(freshness.isStale(nonces[3500]!, 0), false);
    assert.equal(freshness.isStale(nonces[2999 - 2048]!, 0), true);
  });

  it("counts beyond 32 bits", () => {
    const [nonce] = noncesOf(1, 1) as [Uint8Array];
    const at = (counter: bigint) => {
      const bytes = nonce.slice();
      new DataView(bytes.buffer).setBigUint64(EPOCH_BYTES, counter, true);
      return bytes;
    };
    const freshness = new Freshness();
    assert.equal(freshness.isStale(at(2n ** 32n + 1000n), 0), false);
    assert.equal(freshness.isStale(at(2n ** 32n - 1048n), 0), false);
    assert.equal(freshness.isStale(at(2n ** 32n - 1049n), 0), true);
    assert.equal(freshness.isStale(at(2n ** 40n), 0), false);
    // That high no node has counted: it is none of ours.
    assert.equal(freshness.isStale(at(2n ** 48n), 0), false);
    assert.equal(freshness.isStale(at(2n ** 63n), 0), false);
    assert.equal(freshness.isStale(at(2n ** 40n - 2049n), 0), true);
  });

  it("begins anew with a node that was started again", () => {
    const [before, after] = [noncesOf(1, 5000), noncesOf(2, 10)];
    const freshness = new Freshness();
    for (const nonce of before) freshness.isStale(nonce, 0);
    for (const nonce of after) assert.equal(freshness.isStale(nonce, 0), false);
  });

  it("drops nothing that a deployed node has sealed, in the recorded order, backwards, or again and again", () => {
    const recorded = recordedNonces();
    assert.ok(recorded.flat().length >= 81, `${recorded.flat().length} nonces`);
    for (const nonces of recorded) {
      const freshness = new Freshness();
      const again = [...nonces, ...nonces.toReversed(), ...Array.from({ length: 50 }, () => nonces).flat()];
      for (const nonce of again) assert.equal(freshness.isStale(nonce, 0), false);
    }
  });

  it("takes no nonce of a deployed node for a step of the one before: its counter stands still as long as it runs", () => {
    for (const nonces of recordedNonces()) {
      const counters = new Set(nonces.map((nonce) => toHex(nonce.subarray(EPOCH_BYTES))));
      assert.equal(counters.size, 1);
    }
  });
});
