import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../src/index.ts";

function draws(seed: number, count: number): number[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => random.uint32());
}

test("the same seed gives the same numbers, on every runtime", () => {
  assert.deepEqual(draws(1, 4), [3156918035, 1441851889, 2588504999, 293990378]);
  assert.deepEqual(draws(1, 100), draws(1, 100));
});

test("neighbouring, negative and very large seeds give unrelated numbers", () => {
  const seeds = [0, 1, 2, 3, -1, -2, 2 ** 32, 2 ** 32 + 1, 2 ** 52, Number.MAX_SAFE_INTEGER];
  const seen = new Set(seeds.flatMap((seed) => draws(seed, 8)));
  assert.equal(seen.size, seeds.length * 8);
});

test("a seed that is no safe integer is refused by name and value", () => {
  for (const seed of [0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
    assert.throws(() => createRandom(seed), new RangeError(`seed: ${seed} is not a safe integer`));
  }
});

test("next() is even over [0, 1)", () => {
  const random = createRandom(5);
  const tenths = new Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i++) {
    const x = random.next();
    assert.ok(x >= 0 && x < 1);
    tenths[Math.floor(10 * x)]! += 1;
  }
  for (const count of tenths) assert.ok(Math.abs(count - 10_000) < 400, `${tenths}`);
});

test("below(n) is even over 0..n-1, for n beyond half of the 32-bit range too", () => {
  const random = createRandom(6);
  for (const n of [1, 3, 2 ** 31 + 1, 3 * 2 ** 30, 2 ** 32]) {
    let sum = 0;
    for (let i = 0; i < 20_000; i++) {
      const x = random.below(n);
      assert.ok(Number.isInteger(x) && x >= 0 && x < n);
      sum += x;
    }
    assert.ok(Math.abs(sum / 20_000 / n - (n - 1) / n / 2) < 0.01, `mean for ${n}: ${sum / 20_000}`);
  }
  for (const n of [0, -1, 1.5, 2 ** 32 + 1]) assert.throws(() => random.below(n), RangeError);
});

test("fill() writes every byte of any length, and nothing outside", () => {
  const random = createRandom(7);
  for (const length of [0, 1, 3, 4, 5, 33]) {
    const around = new Uint8Array(length + 2);
    const seen = new Uint8Array(length);
    for (let i = 0; i < 20; i++) {
      random.fill(around.subarray(1, length + 1));
      for (let j = 0; j < length; j++) seen[j]! |= around[j + 1]!;
    }
    assert.ok(seen.every((byte) => byte !== 0));
    assert.equal(around[0], 0);
    assert.equal(around[length + 1], 0);
  }
});

test("fill() draws each byte by itself", () => {
  const bytes = new Uint8Array(40_000);
  createRandom(9).fill(bytes);
  const repeats = bytes.filter((byte, i) => byte === bytes[i + 1]).length;
  assert.ok(Math.abs(repeats - 40_000 / 256) < 60, `${repeats} bytes equal to the next`);
});

test("a fork goes its own way: what it draws does not change its parent's numbers", () => {
  const used = createRandom(8);
  const unused = createRandom(8);
  const fork = used.fork();
  unused.fork();
  const forkDraws = Array.from({ length: 50 }, () => fork.uint32());
  const after = Array.from({ length: 50 }, () => used.uint32());
  assert.deepEqual(
    after,
    Array.from({ length: 50 }, () => unused.uint32()),
  );
  assert.equal(new Set([...forkDraws, ...after]).size, 100);
});
