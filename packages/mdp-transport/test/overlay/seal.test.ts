import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom } from "@meshstream/netem";
import { createCore } from "@meshstream/wasm-core";
import sodium from "libsodium-wrappers";
import { createIdentity } from "../../src/index.ts";
import { AddressBook } from "../../src/overlay/address-book.ts";
import { chooseSeal } from "../../src/overlay/choose-seal.ts";
import { isUnusableSid } from "../../src/overlay/identity.ts";
import { NONCE_BYTES, SEAL_BYTES, type SealKey, type SealProvider } from "../../src/overlay/seal.ts";
import { SharedKeys } from "../../src/overlay/shared-keys.ts";
import { createSodiumSeal } from "../../src/overlay/sodium-seal.ts";
import { testIdentity } from "./rig.ts";
import { fromHex } from "./vectors.ts";

const LOW_ORDER = [
  "00".repeat(32),
  `01${"00".repeat(31)}`,
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  `ec${"ff".repeat(30)}7f`,
  `ed${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(31)}`,
].map(fromHex);

/** Each provider, and memory for it of at least 2 KiB. */
const PROVIDERS: readonly (readonly [
  string,
  () => Promise<{ provider: SealProvider; bytes: Uint8Array }>,
])[] = [
  ["libsodium", async () => ({ provider: await createSodiumSeal(), bytes: new Uint8Array(2048) })],
  ...(["wasm", "ts"] as const).map(
    (engine) =>
      [
        `wasm-core, ${engine}`,
        async () => {
          const core = await createCore({ engine, poolBytes: 1 << 20 });
          return { provider: await chooseSeal(core, "wasm-core"), bytes: core.bytes };
        },
      ] as const,
  ),
];

/** In the middle of where packets are in a core's memory. */
const AT = 300;

for (const [name, create] of PROVIDERS) {
  describe(`sealing by ${name}`, () => {
    // In stretches: each must stay far below the 5 s that Bun gives a test.
    for (let low = 0; low <= 1300; low += 325) {
      it(`gives the bytes of crypto_box for every length from ${low} to ${low + 325}, in place, and opens them (seed ${low})`, async () => {
        const random = createRandom(low);
        const { provider, bytes } = await create();
        const [a, b] = [await testIdentity(1), await testIdentity(2)];
        const key = provider.agree(a.boxSecret, b.sid.bytes)!;
        const other = provider.agree(b.boxSecret, a.sid.bytes)!;
        const shared = sodium.crypto_box_beforenm(b.sid.bytes, a.boxSecret);
        const plain = new Uint8Array(low + 325);
        random.fill(plain);
        for (let length = low; length <= low + 325; length++) {
          random.fill(bytes.subarray(AT, AT + NONCE_BYTES));
          bytes.set(plain.subarray(0, length), AT + SEAL_BYTES);
          provider.seal(key, bytes, AT + SEAL_BYTES, length);
          const nonce = bytes.subarray(AT, AT + NONCE_BYTES);
          const expected = sodium.crypto_box_easy_afternm(plain.subarray(0, length), nonce, shared);
          assert.deepEqual(bytes.slice(AT + NONCE_BYTES, AT + SEAL_BYTES + length), expected);
          assert.equal(provider.open(other, bytes, AT, SEAL_BYTES + length), true);
          assert.deepEqual(bytes.slice(AT + SEAL_BYTES, AT + SEAL_BYTES + length), plain.slice(0, length));
        }
      });
    }

    it("opens nothing that was changed, cut short or sealed with another key, and leaves it as it was", async () => {
      const { provider, bytes } = await create();
      const [a, b, c] = [await testIdentity(1), await testIdentity(2), await testIdentity(3)];
      const key = provider.agree(a.boxSecret, b.sid.bytes)!;
      provider.seal(key, bytes, AT + SEAL_BYTES, 50);
      const sealed = bytes.slice(AT, AT + SEAL_BYTES + 50);
      const opens = (opener: SealKey, given: Uint8Array) => {
        bytes.set(given, AT);
        const before = bytes.slice();
        const opened = provider.open(opener, bytes, AT, given.length);
        if (!opened) assert.deepEqual(bytes.slice(0, 2048), before.slice(0, 2048));
        return opened;
      };
      for (let at = 0; at < sealed.length; at++) {
        const changed = sealed.slice();
        changed[at]! ^= 1;
        assert.equal(opens(key, changed), false);
      }
      for (let length = 0; length < sealed.length; length++) {
        assert.equal(opens(key, sealed.slice(0, length)), false);
      }
      assert.equal(opens(provider.agree(c.boxSecret, b.sid.bytes)!, sealed), false);
      assert.equal(opens(key, sealed), true);
      key.wipe();
      key.wipe();
      assert.throws(() => opens(key, sealed), { name: "RangeError", message: /wiped/ });
      assert.throws(() => provider.seal(key, bytes, AT + SEAL_BYTES, 50), {
        name: "RangeError",
        message: /wiped/,
      });
    });

    it("agrees on no key with a SID of low order", async () => {
      const { provider } = await create();
      const { boxSecret } = await testIdentity(1);
      for (const point of LOW_ORDER) assert.equal(provider.agree(boxSecret, point), undefined);
    });
  });
}

describe("sealing", () => {
  it("SIDs of low order are known at sight", async () => {
    const { sid } = await testIdentity(1);
    for (const point of LOW_ORDER) assert.equal(isUnusableSid(point, 0), true);
    assert.equal(isUnusableSid(new Uint8Array(32).fill(0xff), 0), true);
    assert.equal(isUnusableSid(fromHex(`${"00".repeat(31)}05`), 0), true);
    assert.equal(isUnusableSid(sid.bytes, 0), false);
  });

  it("a shared key is agreed once; for strangers no more than 32 at once and 100 a second; failures are not kept", async () => {
    const own = await testIdentity(1);
    let agreements = 0;
    const provider: SealProvider = {
      name: "libsodium",
      agree: (_secret: Uint8Array, sid: Uint8Array) => {
        agreements++;
        return sid[0]! % 2 === 0 ? { wipe: () => {} } : undefined;
      },
      seal: () => {},
      open: () => false,
    };
    const book = new AddressBook([own.sid]);
    const keys = new SharedKeys([own], provider);
    const entry = (byte: number, number: number) => {
      const sid = new Uint8Array(32).fill(byte);
      sid[1] = number;
      const learned = book.learn(sid, 0);
      assert.ok(typeof learned === "object", "it has an entry");
      return learned;
    };
    const key = keys.key(0, entry(2, 0), 0);
    assert.equal(typeof key, "object");
    assert.equal(keys.key(0, entry(2, 0), 0), key);
    assert.equal(agreements, 1);
    assert.equal(keys.key(0, entry(3, 0), 0), "low-order");
    assert.equal(keys.key(0, entry(3, 0), 0), "low-order");
    assert.equal(agreements, 3);
    for (let i = 1; i <= 29; i++) assert.equal(typeof keys.key(0, entry(4, i), 0), "object");
    assert.equal(keys.key(0, entry(4, 30), 0), "agreement-limit");
    book.verify(entry(4, 31));
    assert.equal(typeof keys.key(0, entry(4, 31), 0), "object", "one that has proved itself need not wait");
    assert.equal(typeof keys.key(0, entry(4, 30), 10), "object", "10 ms later there is one more");
  });

  it("an identity is drawn anew each time, comes back from its seed, and takes no other seed than 32 bytes", async () => {
    await assert.rejects(createIdentity(new Uint8Array(31)), { code: "argument" });
    const random = createRandom(1);
    const drawn = await createIdentity(random);
    assert.notEqual(drawn.sid.hex, (await createIdentity(random)).sid.hex);
    assert.equal((await createIdentity(drawn.seed)).sid.hex, drawn.sid.hex);
  });
});
