import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { type Core, createCoreSync, SEAL_HEAD_BYTES, type SealKey } from "../src/index.ts";
import { SEAL_SLOT_COUNT } from "../src/memory-map.ts";
import { twinHsalsa20, twinSeal } from "./reference/twin-seal.ts";
import { engines, Random, seeds, testBoth } from "./support.ts";

const PLACE = 2048;

interface KnownKey {
  readonly key: SealKey;
  readonly bytes: Uint8Array;
}

function createKeys(core: Core, count: number, random: Random): KnownKey[] {
  return Array.from({ length: count }, () => {
    const bytes = random.bytes(32);
    return { key: core.createSealKey(bytes), bytes };
  });
}

for (const engine of engines) {
  for (const seed of seeds(1, 2, 3, 4)) {
    test(`with more keys than places, in both directions, old and new nonces mixed, each text is the twin's (${engine}, SEED=${seed})`, () => {
      const random = new Random(seed);
      const core = createCoreSync({ engine, poolBytes: 1 << 20 });
      const keys = createKeys(core, SEAL_SLOT_COUNT + 5, random);
      const epochs = [random.bytes(16), random.bytes(16), random.bytes(16)];
      for (let count = 0; count < 400; count += 1) {
        const { key, bytes } = random.chance(0.5) ? random.pick(keys) : random.pick(keys.slice(0, 3));
        const nonce = Uint8Array.from([...random.pick(epochs), ...random.bytes(8)]);
        const text = random.bytes(random.whole(0, 70));
        const box = twinSeal({ key: bytes, nonce }, text);
        core.bytes.set(nonce, PLACE);
        if (random.chance(0.5)) {
          core.bytes.set(text, PLACE + SEAL_HEAD_BYTES);
          core.seal(key, PLACE + SEAL_HEAD_BYTES, text.length);
          assert.deepEqual(core.bytes.slice(PLACE + 24, PLACE + SEAL_HEAD_BYTES + text.length), box);
        } else {
          core.bytes.set(box, PLACE + 24);
          assert.equal(core.open(key, PLACE, SEAL_HEAD_BYTES + text.length), true);
          assert.deepEqual(
            core.bytes.slice(PLACE + SEAL_HEAD_BYTES, PLACE + SEAL_HEAD_BYTES + text.length),
            text,
          );
        }
      }
    });
  }
}

testBoth(
  "a key is a copy: what happens to the bytes that it was made from is nothing to it (SEED=5)",
  (create) => {
    const core = create();
    const random = new Random(5);
    const bytes = random.bytes(32);
    const key = core.createSealKey(bytes);
    const box = twinSeal({ key: bytes, nonce: new Uint8Array(24) }, new Uint8Array(9));
    bytes.fill(1);
    core.bytes.fill(0, PLACE, PLACE + 100);
    core.seal(key, PLACE + SEAL_HEAD_BYTES, 9);
    assert.deepEqual(core.bytes.slice(PLACE + 24, PLACE + SEAL_HEAD_BYTES + 9), box);
  },
);

testBoth(
  "once it is wiped, nothing of a key is left in the core's memory, and it serves no more (SEED=6)",
  (create) => {
    const core = create();
    const random = new Random(6);
    const [first, second] = createKeys(core, 2, random) as [KnownKey, KnownKey];
    const nonce = random.bytes(24);
    core.bytes.set(nonce, PLACE);
    const secrets = [first.bytes, twinHsalsa20(first.bytes, nonce.slice(0, 16))];
    core.seal(second.key, PLACE + SEAL_HEAD_BYTES, 500);
    core.seal(first.key, PLACE + SEAL_HEAD_BYTES, 500);
    assert.equal(core.open(first.key, PLACE, SEAL_HEAD_BYTES + 500), true);
    // The tag's key, from which further tags could be made.
    const tagKey = twinSeal({ key: first.bytes, nonce }, new Uint8Array(0));
    assert.ok(
      secrets.every((secret) => holds(core, secret)),
      "it is there while it is used",
    );
    first.key.wipe();
    for (const secret of [...secrets, tagKey]) assert.equal(holds(core, secret), false);
    assert.throws(() => core.seal(first.key, PLACE + SEAL_HEAD_BYTES, 1), {
      name: "RangeError",
      message: /wiped/,
    });
    assert.throws(() => core.open(first.key, PLACE, 50), { name: "RangeError", message: /wiped/ });
    first.key.wipe();
    core.seal(second.key, PLACE + SEAL_HEAD_BYTES, 500);
    assert.equal(core.open(second.key, PLACE, SEAL_HEAD_BYTES + 500), true, "others are left alone");
  },
);

testBoth("a wiped key whose place another has taken leaves that one alone (SEED=7)", (create) => {
  const core = create();
  const keys = createKeys(core, SEAL_SLOT_COUNT + 1, new Random(7));
  for (const { key } of keys) core.seal(key, PLACE + SEAL_HEAD_BYTES, 3);
  const last = keys[SEAL_SLOT_COUNT]!;
  keys[0]!.key.wipe();
  assert.equal(holds(core, last.bytes), true);
});

/** Whether the bytes stand anywhere in the core's memory below its pool. */
function holds(core: Core, bytes: Uint8Array): boolean {
  return Buffer.from(core.bytes.subarray(0, 40_000)).includes(Buffer.from(bytes));
}
