import assert from "node:assert/strict";
import { test } from "node:test";
import { twinHsalsa20, twinPoly1305, twinSalsa20, twinSeal } from "./reference/twin-seal.ts";
import { testBoth } from "./support.ts";

const hex = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const run = (first: number, count: number) => Uint8Array.from({ length: count }, (_, index) => first + index);
const join = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));

// "Cryptography in NaCl" (D. J. Bernstein, 2009), sections 8 to 10: one box, step by step.
const SHARED = hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
const FIRST_KEY = hex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389");
const SECOND_KEY = hex("dc908dda0b9344a953629b733820778880f3ceb421bb61b91cbd4c3e66256ce4");
const NONCE = hex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37");
const TEXT = hex(
  "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705",
);
const SEALED = hex(
  "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5",
);

test("the twin is Salsa20: the example of its specification, section 9", () => {
  const expected = [
    69, 37, 68, 39, 41, 15, 107, 193, 255, 139, 122, 6, 170, 233, 217, 98, 89, 144, 182, 106, 21, 51, 200, 65,
    239, 49, 222, 34, 215, 114, 40, 126, 104, 197, 7, 225, 197, 153, 31, 2, 102, 78, 76, 176, 84, 245, 246,
    184, 177, 160, 133, 130, 6, 72, 149, 119, 192, 195, 132, 236, 234, 103, 246, 74,
  ];
  const block = twinSalsa20(join(run(1, 16), run(201, 16)), run(101, 16));
  assert.deepEqual(block, Uint8Array.from(expected));
});

test("the twin is HSalsa20 and the box of the paper on NaCl", () => {
  assert.deepEqual(twinHsalsa20(SHARED, new Uint8Array(16)), FIRST_KEY);
  assert.deepEqual(twinHsalsa20(FIRST_KEY, NONCE.slice(0, 16)), SECOND_KEY);
  assert.deepEqual(twinSeal({ key: FIRST_KEY, nonce: NONCE }, TEXT), SEALED);
});

test("the twin is Poly1305: the edge cases of RFC 8439, appendix A.3", () => {
  const block = (first: number, rest = 0) => Uint8Array.from([first, ...new Array<number>(15).fill(rest)]);
  const zero = block(0);
  const ones = block(0xff, 0xff);
  const sparse = hex("01000000000000000400000000000000");
  const long = join(
    hex(
      "e33594d7505e43b900000000000000003394d7505e4379cd01000000000000000000000000000000000000000000000001000000",
    ),
    new Uint8Array(12),
  );
  const cases: readonly (readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array])[] = [
    [block(2), zero, ones, block(3)],
    [block(2), ones, block(2), block(3)],
    [block(1), zero, join(ones, block(0xf0, 0xff), block(0x11)), block(5)],
    [block(1), zero, join(ones, block(0xfb, 0xfe), block(1, 1)), zero],
    [block(2), zero, block(0xfd, 0xff), block(0xfa, 0xff)],
    [sparse, zero, long, hex("14000000000000005500000000000000")],
    [sparse, zero, long.slice(0, 48), block(0x13)],
  ];
  for (const [r, s, message, tag] of cases) assert.deepEqual(twinPoly1305(join(r, s), message), tag);
});

testBoth("the box of the paper on NaCl is sealed and opened to the byte", (create) => {
  const core = create();
  const { bytes, receiveRegion } = core;
  const key = core.createSealKey(FIRST_KEY);
  const nonceAt = receiveRegion.offset + 3;
  bytes.set(NONCE, nonceAt);
  bytes.set(TEXT, nonceAt + 40);
  core.seal(key, nonceAt + 40, TEXT.length);
  assert.deepEqual(bytes.slice(nonceAt, nonceAt + 40 + TEXT.length), join(NONCE, SEALED));
  assert.equal(core.open(key, nonceAt, 40 + TEXT.length), true);
  assert.deepEqual(bytes.slice(nonceAt + 40, nonceAt + 40 + TEXT.length), TEXT);
});
