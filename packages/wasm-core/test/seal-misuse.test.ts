import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type Core, SEAL_HEAD_BYTES, type SealKey } from "../src/index.ts";
import { testBoth } from "./support.ts";

const neverWhole: readonly unknown[] = [
  Number.NaN,
  0.5,
  Number.POSITIVE_INFINITY,
  2 ** 40,
  "3",
  undefined,
  null,
];

testBoth("a key is made of 32 bytes and of nothing else", (create) => {
  const core = create();
  const wrong: readonly unknown[] = [
    new Uint8Array(31),
    new Uint8Array(33),
    new Uint8Array(0),
    new Uint16Array(32),
    new Array(32).fill(0),
    "0".repeat(32),
    undefined,
    null,
  ];
  for (const bytes of wrong) assert.throws(() => core.createSealKey(bytes as Uint8Array), RangeError);
});

testBoth("nothing is sealed or opened but where packets are, and nothing changes", (create) => {
  const core = create();
  const key = core.createSealKey(new Uint8Array(32));
  const low = core.transmitRegion.offset;
  const high = core.receiveRegion.offset + core.receiveRegion.length;
  const refuses = (offset: unknown, length: unknown) => {
    const [at, count] = [offset as number, length as number];
    assert.throws(() => core.seal(key, at, count), RangeError, `seal ${at} ${count}`);
    assert.throws(() => core.open(key, at, count), RangeError, `open ${at} ${count}`);
  };
  const before = core.bytes.slice();
  for (const wrong of [...neverWhole, -1]) {
    refuses(wrong, 10);
    refuses(1000, wrong);
  }
  refuses(0, 50);
  refuses(high + 1, 0);
  refuses(high, 1);
  refuses(2 ** 31 - 1, 10);
  assert.throws(() => core.seal(key, low + SEAL_HEAD_BYTES - 1, 0), RangeError);
  assert.throws(() => core.seal(key, low + SEAL_HEAD_BYTES, high - low - SEAL_HEAD_BYTES + 1), RangeError);
  assert.throws(() => core.open(key, low - 1, 41), RangeError);
  assert.throws(() => core.open(key, high - 40, 41), RangeError);
  assert.equal(Buffer.compare(core.bytes, before), 0);
});

testBoth("a key serves the core that made it, and no other", (create) => {
  const core = create();
  const other: Core = create();
  const foreign = other.createSealKey(new Uint8Array(32));
  for (const [key, message] of [
    [foreign, /another core/],
    [{ wipe: () => {} }, /no core/],
    [undefined, /no core/],
  ] as const) {
    assert.throws(() => core.seal(key as SealKey, 1000, 10), { name: "RangeError", message });
    assert.throws(() => core.open(key as SealKey, 1000, 50), { name: "RangeError", message });
    assert.throws(() => core.open(key as SealKey, 1000, 5), { name: "RangeError", message });
  }
  other.seal(foreign, 1000, 10);
  assert.throws(() => core.seal(foreign, 1000, 10), { message: /another core/ });
});
