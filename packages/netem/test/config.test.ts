import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_LINK_CONFIG, type LinkConfig, parseLinkConfig } from "../src/index.ts";

const wrong = (value: unknown) => value as Partial<LinkConfig>;

describe("parseLinkConfig", () => {
  it("gives a complete, frozen object: defaults, then the base, then the change", () => {
    const first = parseLinkConfig({ delayMs: 30 });
    assert.deepEqual(first, { ...DEFAULT_LINK_CONFIG, delayMs: 30 });
    const second = parseLinkConfig({ loss: { model: "bernoulli", p: 0.25 } }, first);
    assert.equal(second.delayMs, 30);
    assert.ok(Object.isFrozen(second) && Object.isFrozen(second.loss));
  });

  it("does not follow later changes of the object it was given", () => {
    const loss = { model: "bernoulli" as const, p: 0.25 };
    const config = parseLinkConfig({ loss });
    loss.p = 1;
    assert.deepEqual(config.loss, { model: "bernoulli", p: 0.25 });
  });

  it("takes undefined for absent", () => {
    assert.equal(parseLinkConfig(wrong({ delayMs: undefined }), parseLinkConfig({ delayMs: 5 })).delayMs, 5);
  });

  it("takes the ends of each range", () => {
    for (const p of [0, 1]) {
      parseLinkConfig({ duplicate: p, corrupt: p, truncate: p, loss: { model: "bernoulli", p } });
    }
    parseLinkConfig({ queuePackets: 0, queueBytes: 0, delayMs: 0, jitterMs: 0, mtuBytes: 1 });
    parseLinkConfig({ loss: { model: "gilbert-elliott", meanLoss: 0.5, meanBurstPackets: 1 } });
  });

  const refused: [Partial<LinkConfig>, ErrorConstructor, RegExp][] = [
    [{ delayMs: -1 }, RangeError, /^delayMs: -1 is not within 0 to/],
    [{ delayMs: Number.POSITIVE_INFINITY }, RangeError, /^delayMs: Infinity/],
    [{ jitterMs: Number.NaN }, RangeError, /^jitterMs: NaN/],
    [{ rateBitsPerSecond: 0 }, RangeError, /^rateBitsPerSecond: 0 is not more than 0$/],
    [{ queuePackets: -1 }, RangeError, /^queuePackets: -1/],
    [{ queueBytes: -1 }, RangeError, /^queueBytes: -1/],
    [{ mtuBytes: 0 }, RangeError, /^mtuBytes: 0 is not 1 or more$/],
    [{ duplicate: 1.01 }, RangeError, /^duplicate: 1.01/],
    [{ corrupt: -0.1 }, RangeError, /^corrupt: -0.1/],
    [{ truncate: 2 }, RangeError, /^truncate: 2/],
    [{ reorder: 2, reorderMs: 1 }, RangeError, /^reorder: 2/],
    [{ reorder: 0.1 }, RangeError, /^reorderMs: 0 would hold nothing back \(reorder is 0.1\)/],
    [wrong({ delayMs: "30" }), TypeError, /^delayMs: 30 is not a number/],
    [wrong({ up: 1 }), TypeError, /^up: 1 is not true or false/],
    [wrong({ delay: 30 }), TypeError, /^link: no field "delay" \(there are mtuBytes, /],
    [wrong({ toString: 30 }), TypeError, /no field "toString"/],
    [wrong(null), TypeError, /^link: null is not an object/],
    [wrong({ loss: 0.1 }), TypeError, /^loss: 0.1 is not an object/],
    [wrong({ loss: { model: "pareto" } }), RangeError, /^loss.model: "pareto"/],
    [wrong({ loss: { model: "bernoulli" } }), TypeError, /^loss.p: undefined is not a number/],
    [{ loss: { model: "bernoulli", p: 1.5 } }, RangeError, /^loss.p: 1.5/],
    [
      { loss: { model: "gilbert-elliott", meanLoss: 1, meanBurstPackets: 9 } },
      RangeError,
      /^loss.meanLoss: 1/,
    ],
    [
      { loss: { model: "gilbert-elliott", meanLoss: 0.1, meanBurstPackets: 0.5 } },
      RangeError,
      /^loss.meanBurstPackets: 0.5/,
    ],
    [
      { loss: { model: "gilbert-elliott", meanLoss: 0.75, meanBurstPackets: 2 } },
      RangeError,
      /^loss.meanBurstPackets: 2 is too short for a mean loss of 0.75 \(at least 3\)/,
    ],
  ];
  for (const [change, kind, message] of refused) {
    it(`refuses by name and value: ${message.source}`, () => {
      assert.throws(
        () => parseLinkConfig(change),
        (error: unknown) => error instanceof kind && message.test((error as Error).message),
      );
    });
  }
});
