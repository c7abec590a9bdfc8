import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { type Core, createCoreSync, SEAL_HEAD_BYTES, type SealKey } from "../src/index.ts";
import {
  littleEndian,
  PRIME,
  polyBlock,
  polyKey,
  twinPoly1305,
  twinSeal,
  xsalsa20,
} from "./reference/twin-seal.ts";
import { engines, Random, seeds, testBoth } from "./support.ts";

const NONCE_BYTES = 24;
/** The text's place in the tests below: not aligned. */
const PLACE = 2048 + 7;

/** A core, and a key whose bytes are known. */
function rig(core: Core, random: Random): { core: Core; key: SealKey; keyBytes: Uint8Array } {
  const keyBytes = random.bytes(32);
  return { core, key: core.createSealKey(keyBytes), keyBytes };
}

/** Put nonce, tag and hidden text where they are opened. */
function put(core: Core, nonce: Uint8Array, box: Uint8Array): void {
  core.bytes.set(nonce, PLACE);
  core.bytes.set(box, PLACE + NONCE_BYTES);
}

// In stretches, so that each stays far below the 5 s that Bun gives a test.
for (const engine of engines) {
  for (let low = 0; low <= 1300; low += 130) {
    for (const seed of seeds(low)) {
      test(`texts of ${low} to ${low + 130} bytes are sealed as by the twin, and opened; nothing beside them changes (${engine}, SEED=${seed})`, () => {
        const random = new Random(seed);
        const { core, key, keyBytes } = rig(createCoreSync({ engine, poolBytes: 1 << 20 }), random);
        for (let length = low; length <= low + 130; length += 1) {
          const nonce = random.bytes(NONCE_BYTES);
          const text = random.bytes(length);
          const end = PLACE + SEAL_HEAD_BYTES + length;
          core.bytes.fill(0xaa, PLACE - 16, end + 16);
          core.bytes.set(nonce, PLACE);
          core.bytes.set(text, PLACE + SEAL_HEAD_BYTES);
          core.seal(key, PLACE + SEAL_HEAD_BYTES, length);
          const box = twinSeal({ key: keyBytes, nonce }, text);
          assert.deepEqual(core.bytes.slice(PLACE, end), Uint8Array.from([...nonce, ...box]));
          assert.equal(core.open(key, PLACE, SEAL_HEAD_BYTES + length), true);
          assert.deepEqual(core.bytes.slice(PLACE + SEAL_HEAD_BYTES, end), text);
          for (const border of [PLACE - 16, end]) {
            assert.deepEqual(core.bytes.slice(border, border + 16), new Uint8Array(16).fill(0xaa));
          }
        }
      });
    }
  }
}

testBoth(
  "the longest text that the memory has room for is sealed and opened, at its very ends (SEED=1)",
  (create) => {
    const random = new Random(1);
    const { core, key, keyBytes } = rig(create(), random);
    const low = core.transmitRegion.offset;
    const high = core.receiveRegion.offset + core.receiveRegion.length;
    for (const length of [1376, 1377, 1392, 1393, 2000, high - low - SEAL_HEAD_BYTES]) {
      const nonce = random.bytes(NONCE_BYTES);
      const text = random.bytes(length);
      const start = high - length - SEAL_HEAD_BYTES;
      core.bytes.set(nonce, start);
      core.bytes.set(text, start + SEAL_HEAD_BYTES);
      core.seal(key, start + SEAL_HEAD_BYTES, length);
      const box = twinSeal({ key: keyBytes, nonce }, text);
      assert.equal(Buffer.compare(core.bytes.slice(start + NONCE_BYTES, high), box), 0);
      assert.equal(core.open(key, start, SEAL_HEAD_BYTES + length), true);
      assert.equal(Buffer.compare(core.bytes.slice(start + SEAL_HEAD_BYTES, high), text), 0);
    }
  },
);

testBoth(
  "what was changed in any byte, or cut short, is not opened, and not a byte of it changes (SEED=2)",
  (create) => {
    const random = new Random(2);
    const { core, key, keyBytes } = rig(create(), random);
    for (const length of [0, 1, 15, 16, 50, 97, 300, 1033]) {
      const nonce = random.bytes(NONCE_BYTES);
      const box = twinSeal({ key: keyBytes, nonce }, random.bytes(length));
      const sealed = Uint8Array.from([...nonce, ...box]);
      const refuses = (given: Uint8Array, what: string) => {
        core.bytes.fill(0x55, PLACE, PLACE + sealed.length + 16);
        core.bytes.set(given, PLACE);
        const before = core.bytes.slice(256, 18_432);
        assert.equal(core.open(key, PLACE, given.length), false, what);
        assert.equal(Buffer.compare(core.bytes.slice(256, 18_432), before), 0, what);
      };
      for (let at = 0; at < sealed.length; at += 1 + (at >> 6)) {
        const changed = sealed.slice();
        changed[at]! ^= 1 << random.whole(0, 7);
        refuses(changed, `byte ${at} of ${sealed.length} changed`);
      }
      for (let short = 0; short < sealed.length; short += 1 + (short >> 5)) {
        refuses(sealed.slice(0, short), `${short} of ${sealed.length} bytes`);
      }
      refuses(Uint8Array.from([...sealed, 0]), "one byte more");
      put(core, nonce, box);
      assert.equal(
        core.open(core.createSealKey(random.bytes(32)), PLACE, sealed.length),
        false,
        "another key",
      );
      assert.equal(core.open(key, PLACE, sealed.length), true);
    }
  },
);

for (const engine of engines) {
  for (const seed of seeds(1, 2, 3)) {
    test(`the authenticator is right where its sum comes to the edge of the prime, or its carries run through (${engine}, SEED=${seed})`, () => {
      const random = new Random(seed);
      const { core, key, keyBytes } = rig(createCoreSync({ engine, poolBytes: 1 << 20 }), random);
      const ones = 2n ** 128n - 1n;
      const edges = [
        0n,
        1n,
        2n,
        3n,
        4n,
        5n,
        6n,
        ones,
        ones + 1n,
        ones - 4n,
        2n ** 32n - 1n,
        2n ** 64n,
        2n ** 96n,
      ];
      for (const edge of [...edges, ...edges.map((sum) => PRIME - 1n - sum), 2n ** 129n, 2n ** 129n + ones]) {
        const nonce = random.bytes(NONCE_BYTES);
        const tagKey = xsalsa20({ key: keyBytes, nonce }, 32);
        // Every block drives the sum to an edge: the given one last.
        const hidden: number[] = [];
        for (const sum of [edges[random.whole(0, 12)]!, PRIME - 1n - edges[random.whole(0, 12)]!, edge]) {
          hidden.push(...blocksTo(sum, tagKey, Uint8Array.from(hidden), random));
        }
        const text = Uint8Array.from(hidden);
        const { r, s } = polyKey(tagKey);
        assert.equal(sumOf(text, r), edge);
        const tag = twinPoly1305(tagKey, text);
        assert.deepEqual(tag, littleEndian((edge + s) % 2n ** 128n, 16));
        put(core, nonce, Uint8Array.from([...tag, ...text]));
        assert.equal(core.open(key, PLACE, SEAL_HEAD_BYTES + text.length), true, `sum ${edge}`);
        // What it would be if the last reduction failed.
        for (const wrong of [edge + s + 5n, edge + s + 2n ** 128n - 5n]) {
          put(core, nonce, Uint8Array.from([...littleEndian(wrong % 2n ** 128n, 16), ...text]));
          assert.equal(core.open(key, PLACE, SEAL_HEAD_BYTES + text.length), false, `sum ${edge}`);
        }
      }
    });
  }
}

/** The sum after all blocks of a text, each of them whole. */
function sumOf(text: Uint8Array, r: bigint): bigint {
  let sum = 0n;
  for (let at = 0; at < text.length; at += 16)
    sum = ((sum + polyBlock(text.subarray(at, at + 16))) * r) % PRIME;
  return sum;
}

/** Blocks after which the authenticator's sum is `sum`: random ones, until the block that is left to choose fits. */
function blocksTo(sum: bigint, tagKey: Uint8Array, before: Uint8Array, random: Random): Uint8Array {
  const { r } = polyKey(tagKey);
  const wanted = (sum * power(r, PRIME - 2n)) % PRIME;
  const start = sumOf(before, r);
  for (;;) {
    const some = random.bytes(16);
    const reached = ((start + polyBlock(some)) * r) % PRIME;
    const block = (wanted - reached + PRIME) % PRIME;
    if (block >> 128n === 1n) return Uint8Array.from([...some, ...littleEndian(block, 16)]);
  }
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % PRIME;
    square = (square * square) % PRIME;
  }
  return result;
}
