import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom } from "@meshstream/netem";
import { EPOCH_BYTES, NonceSource } from "../../src/overlay/nonce.ts";
import { NONCE_BYTES } from "../../src/overlay/seal.ts";
import { toHex } from "./vectors.ts";

describe("nonces", () => {
  it("a million in a row are all different, and a restart brings none of them again", () => {
    const random = createRandom(1);
    const nonce = new Uint8Array(NONCE_BYTES);
    const view = new DataView(nonce.buffer);
    const epochs = new Set<string>();
    for (let start = 0; start < 2; start++) {
      const source = new NonceSource(random);
      source.writeNext(nonce, 0);
      const epoch = toHex(nonce.subarray(0, EPOCH_BYTES));
      assert.equal(view.getBigUint64(EPOCH_BYTES, true), 0n);
      // Same epoch and a counter that only grows: no nonce comes twice.
      for (let i = 1; i < 1_000_000; i++) {
        source.writeNext(nonce, 0);
        if (view.getUint32(EPOCH_BYTES, true) !== i || view.getUint32(EPOCH_BYTES + 4, true) !== 0) {
          assert.fail(`nonce ${i} is ${toHex(nonce)}`);
        }
      }
      assert.equal(toHex(nonce.subarray(0, EPOCH_BYTES)), epoch);
      epochs.add(epoch);
    }
    assert.equal(epochs.size, 2);
  });

  it("the reserved top bit of the first byte is clear, whatever is drawn", () => {
    const source = new NonceSource({ fill: (bytes) => bytes.fill(0xff) });
    const nonce = new Uint8Array(NONCE_BYTES);
    source.writeNext(nonce, 0);
    assert.equal(toHex(nonce), `7f${"ff".repeat(15)}${"00".repeat(8)}`);
  });
});
