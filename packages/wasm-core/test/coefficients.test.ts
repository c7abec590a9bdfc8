import assert from "node:assert/strict";
import { test } from "node:test";
import { TinyMt32 } from "../src/ts/coefficients.ts";
import { inverse, multiply } from "../src/ts/field.ts";
import { twinCoefficients, twinCombination, twinInverse, twinProduct } from "./reference/twin-coding.ts";
import { testBoth } from "./support.ts";

/** RFC 8682, figure 2: the first 50 numbers of the sequence of seed 1. */
const RFC8682_NUMBERS = [
  2545341989, 981918433, 3715302833, 2387538352, 3591001365, 3820442102, 2114400566, 2196103051, 2783359912,
  764534509, 643179475, 1822416315, 881558334, 4207026366, 3690273640, 3240535687, 2921447122, 3984931427,
  4092394160, 44209675, 2188315343, 2908663843, 1834519336, 3774670961, 3019990707, 4065554902, 1239765502,
  4035716197, 3412127188, 552822483, 161364450, 353727785, 140085994, 149132008, 2547770827, 4064042525,
  4078297538, 2057335507, 622384752, 2041665899, 2193913817, 1080849512, 33160901, 662956935, 642999063,
  3384709977, 1723175122, 3866752252, 521822317, 2292524454,
];

/** RFC 8681, appendix A: the first 50 numbers below 256 of the sequence of seed 1. */
const RFC8681_BYTES = [
  37, 225, 177, 176, 21, 246, 54, 139, 168, 237, 211, 187, 62, 190, 104, 135, 210, 99, 176, 11, 207, 35, 40,
  113, 179, 214, 254, 101, 212, 211, 226, 41, 234, 232, 203, 29, 194, 211, 112, 107, 217, 104, 197, 135, 23,
  89, 210, 252, 109, 166,
];

test("the numbers behind coefficients are those that RFC 8682 and RFC 8681 publish", () => {
  const numbers = new TinyMt32();
  numbers.start(1);
  assert.deepEqual(
    RFC8682_NUMBERS.map(() => numbers.next()),
    RFC8682_NUMBERS,
  );
  // None of these is 0, so they are the coefficients of seed 1, too.
  numbers.start(1);
  assert.deepEqual(
    RFC8681_BYTES.map(() => numbers.nextCoefficient()),
    RFC8681_BYTES,
  );
  assert.deepEqual(twinCoefficients(1, 50), RFC8681_BYTES);
});

test("no coefficient is 0, whatever the seed", () => {
  const numbers = new TinyMt32();
  for (let seed = 0; seed < 65536; seed += 257) {
    numbers.start(seed);
    const coefficients = Array.from({ length: 64 }, () => numbers.nextCoefficient());
    assert.ok(!coefficients.includes(0));
    assert.deepEqual(coefficients, twinCoefficients(seed, 64));
  }
});

test("products and inverses are those of GF(256) modulo 0x11D", () => {
  assert.equal(multiply(0x80, 2), 0x1d);
  for (let left = 0; left < 256; left += 1) {
    for (let right = 0; right < 256; right += 1)
      assert.equal(multiply(left, right), twinProduct(left, right));
    if (left !== 0) assert.equal(inverse(left), twinInverse(left));
  }
});

testBoth(
  "a repair of one message is the message times the first coefficient, whatever its length",
  (create) => {
    const core = create();
    const window = core.createSendWindow(256);
    const packet = core.transmitRegion.offset + 256;
    for (let length = 0; length < 256; length += 1) {
      const message = Array.from({ length }, (_, index) => index ^ length);
      core.bytes.set(message, window.push(length));
      window.markSent(length, 0);
      core.bytes.fill(0xee, packet, packet + 300);
      const seed = length * 251;
      assert.equal(core.encodeRepair(packet, 0x02, 0x1234, window, length, 1, seed), 11 + length);
      const symbol = twinCombination([[0, length, 0, ...message]], seed);
      const header = [0xd2, 0x34, 0x12, length, 0, 1, seed & 0xff, seed >> 8];
      assert.deepEqual([...core.bytes.subarray(packet, packet + 12 + length)], [...header, ...symbol, 0xee]);
    }
  },
);

testBoth("a repair of 64 messages is their sum under the coefficients of its seed", (create) => {
  const core = create({ poolBytes: 2 << 20 });
  const window = core.createSendWindow(100);
  const packet = core.transmitRegion.offset + 256;
  const symbols: number[][] = [];
  for (let index = 0; index < 70; index += 1) {
    const length = index === 50 ? 1024 : (index * 37) % 700;
    const message = Array.from({ length }, (_, at) => (at * 7 + index * 31) & 0xff);
    core.bytes.set(message, window.push(length));
    if (index === 69) window.setMessageFlags(69, 0x03);
    window.markSent(index, 0);
    // Only SHUTDOWN is a message's own.
    symbols.push([index === 69 ? 1 : 0, length & 0xff, length >> 8, ...message]);
  }
  for (const first of [0, 3, 6]) {
    const length = core.encodeRepair(packet, 0xff, 0, window, first, 64, 4711);
    assert.equal(length, 1035);
    assert.equal(core.bytes[packet], 0xdf);
    const symbol = twinCombination(symbols.slice(first, first + 64), 4711);
    assert.deepEqual([...core.bytes.subarray(packet + 8, packet + length)], symbol);
  }
});
