import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseRoute } from "../../src/servald/route.ts";

const A = "6BEB429737A3DC7FB029AECD00433CE47A2DAC1B2AC35B1F0F1A8C50FF8ED700";
const B = "D634D4A3D4AC09CCFE709666081527395A773A08C7B74A1897AD9B5AC7FD6F61";
const KEY = "46".repeat(32);

describe("a route as a daemon tells it (docs/wire.md W10.8)", () => {
  // The forms are those of three running daemons in a line.
  for (const [what, text, expected] of [
    ["its own identity", `${A}03${KEY}0100000164766100`, { kind: "self", hops: 0 }],
    ["another identity of its own", `${A}03${KEY}01`, { kind: "self", hops: 0 }],
    ["a neighbour", `${A}03${KEY}0401000164766100`, { kind: "neighbour", hops: 1, interfaceName: "dva" }],
    ["a node behind another", `${A}03${KEY}0802${B}`, { kind: "relayed", hops: 2, nextHop: B }],
  ] as const) {
    it(`is read: ${what}`, () => {
      const { sid, nextHop, ...rest } = parseRoute(bytesOf(text))!;
      assert.equal(sid.hex, A);
      assert.deepEqual({ ...rest, ...(nextHop && { nextHop: nextHop.hex }) }, expected);
    });
  }

  it("never throws, however much of it is missing", () => {
    for (const text of [`${A}03${KEY}0802${B}`, `${A}03${KEY}0401000164766100`]) {
      const whole = bytesOf(text);
      for (let length = 0; length < whole.length; length++) {
        const route = parseRoute(whole.subarray(0, length));
        assert.equal(route === undefined, length < 32);
      }
    }
  });
});

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g)!, (byte) => Number.parseInt(byte, 16));
}
