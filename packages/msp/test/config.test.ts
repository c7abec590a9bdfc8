import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type MspConfig, parseConfig } from "../src/config.ts";
import { MspError } from "../src/errors.ts";
import { Mesh } from "../src/stream/mesh.ts";
import { ENGINES, Pair } from "./support/pair.ts";

type Field = Exclude<keyof MspConfig & string, "sender" | "extension" | "coding">;

/** Lowest and highest value of each field, given these of the others. */
const OTHERS = { maxRtoMs: 60_000, initialRtoMs: 60_000, minRtoMs: 1 };
const WHOLE: { readonly [name in Field]?: readonly [number, number] } = {
  windowPackets: [1, 8190],
  firstFlightPackets: [1, 64],
  sendQueueMessages: [1, 8190],
  receiveWindowMessages: [8, 8192],
  connectionsLimit: [1, 65_536],
  ackEveryMessages: [1, 64],
  closedMemoryEntries: [1, 65_536],
};
const MILLISECONDS: { readonly [name in Field]?: readonly [number, number] } = {
  minRtoMs: [1, 60_000],
  maxRtoMs: [1, 60_000],
  initialRtoMs: [1, 60_000],
  ackDelayMs: [0, 1000],
  keepAliveMs: [10, 60_000],
  patienceMs: [100, 3_600_000],
  noRouteRetryMs: [1, 60_000],
  closedMemoryMs: [0, 3_600_000],
};
const RANGES = Object.entries({ ...WHOLE, ...MILLISECONDS }) as [Field, readonly [number, number]][];

/** An MspError "argument" whose message names the field and the value. */
function naming(field: string, value: unknown) {
  return (error: unknown) =>
    error instanceof MspError &&
    error.code === "argument" &&
    error.message.includes(field) &&
    error.message.includes(String(value));
}

function parseOne(field: string, value: unknown): MspConfig {
  const others = field === "maxRtoMs" ? { ...OTHERS, initialRtoMs: value } : OTHERS;
  return parseConfig({ ...others, [field]: value } as never);
}

describe("the configuration", () => {
  it("has a range for every field, and no field is forgotten here", () => {
    const fields = Object.keys(parseConfig()).filter(
      (name) => !["sender", "extension", "coding"].includes(name),
    );
    assert.deepEqual(RANGES.map(([name]) => name).sort(), fields.sort());
  });

  it("is complete, frozen, and takes undefined for the default", () => {
    const config = parseConfig({ windowPackets: undefined } as never);
    assert.ok(Object.isFrozen(config));
    assert.deepEqual(config, parseConfig({}));
    assert.equal(config.windowPackets, 4096);
    assert.equal(parseConfig({ windowPackets: 32 }).windowPackets, 32);
  });

  for (const [field, [lowest, highest]] of RANGES) {
    it(`takes ${field} from ${lowest} to ${highest}; an error names field and value`, () => {
      assert.equal(parseOne(field, lowest)[field], lowest);
      assert.equal(parseOne(field, highest)[field], highest);
      const outside = [lowest - 1, highest + 1, Number.NaN, Number.POSITIVE_INFINITY, -lowest - 1];
      if (field in WHOLE) outside.push(lowest + 0.5);
      for (const value of outside) assert.throws(() => parseOne(field, value), naming(field, value));
    });

    it(`takes nothing but a number for ${field}`, () => {
      for (const value of [null, String(lowest), true, [lowest], {}, BigInt(lowest)]) {
        assert.throws(() => parseOne(field, value), naming(field, ""), String(value));
      }
    });
  }

  it("holds the timeouts to their order", () => {
    assert.throws(() => parseConfig({ minRtoMs: 500, maxRtoMs: 499 }), naming("maxRtoMs", 499));
    assert.throws(() => parseConfig({ minRtoMs: 500, initialRtoMs: 499 }), naming("initialRtoMs", 499));
    assert.throws(() => parseConfig({ maxRtoMs: 900 }), naming("initialRtoMs", 1000));
  });

  it("knows three senders", () => {
    for (const sender of ["auto", "reno", "legacy"] as const)
      assert.equal(parseConfig({ sender }).sender, sender);
    for (const value of ["Legacy", "fixed", "", null, 4]) {
      assert.throws(() => parseOne("sender", value), naming("sender", value));
    }
  });

  it("refuses a field that there is not, by name", () => {
    for (const field of ["windowpackets", "window", "toString", "constructor", "__proto__x"]) {
      assert.throws(() => parseOne(field, 1), naming(field, ""), field);
    }
  });

  for (const engine of ENGINES) {
    it(`is checked when a mesh opens (${engine})`, async () => {
      const pair = await Pair.make({ engine });
      const { clock, entropy } = pair;
      assert.throws(
        () => Mesh.open({ transport: pair.a, clock, entropy, config: { patienceMs: 1 } }),
        naming("patienceMs", 1),
      );
    });
  }
});
