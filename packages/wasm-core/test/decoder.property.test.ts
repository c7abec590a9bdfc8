import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Arrival,
  createCoreSync,
  DECODER_UNKNOWNS,
  type Engine,
  RepairOutcome,
  sequenceAdd,
} from "../src/index.ts";
import { firstDifference } from "./reference/trio.ts";
import { type TwinRepair, twinCombination, twinSolve, twinSymbol } from "./reference/twin-coding.ts";
import { engines, Random, seeds } from "./support.ts";

// Random losses, random repairs: what the decoder recovers is exactly what linear algebra says is determined.

interface Run {
  readonly base: number;
  readonly messages: readonly Uint8Array[];
  /** What happens, in order: a message arrives, or a repair does. */
  readonly steps: readonly (number | TwinRepair)[];
  /** How many of the messages that are in order are taken after each step, at most. */
  readonly takes: readonly number[];
}

/** Losses among up to 60 messages, at most 16 of them, so that the decoder's bounds are never met. */
function planRun(random: Random): Run {
  const base = random.chance(0.3) ? 65536 - random.whole(1, 60) : random.whole(0, 65535);
  const count = random.whole(2, 60);
  const isEqual = random.chance(0.3);
  const messages = Array.from({ length: count }, () =>
    random.bytes(isEqual ? 40 : random.chance(0.05) ? random.whole(900, 1024) : random.whole(0, 80)),
  );
  const lost = new Set<number>();
  for (let tries = random.whole(1, 16); tries > 0; tries -= 1) lost.add(random.whole(0, count - 1));
  const steps: (number | TwinRepair)[] = [];
  for (let index = 0; index < count; index += 1) if (!lost.has(index)) steps.push(sequenceAdd(base, index));
  const insert = (step: number | TwinRepair) => steps.splice(random.whole(0, steps.length), 0, step);
  for (let repairs = random.whole(1, lost.size + 3); repairs > 0; repairs -= 1) {
    const first = random.whole(0, count - 1);
    const reach = random.chance(0.6) ? count - first : random.whole(1, count - first);
    const repair = { first: sequenceAdd(base, first), count: reach, seed: random.whole(0, 65535) };
    if (random.chance(0.8)) steps.push(repair);
    else insert(repair);
    if (random.chance(0.1)) steps.push(repair);
  }
  for (const index of lost) if (random.chance(0.2)) insert(sequenceAdd(base, index));
  const kept = withinBounds(steps);
  return {
    base,
    messages,
    steps: kept,
    takes: kept.map(() => (random.chance(0.5) ? random.whole(0, 3) : 0)),
  };
}

/** The steps without those repairs that would make more than 16 messages unknown at once. */
function withinBounds(steps: readonly (number | TwinRepair)[]): (number | TwinRepair)[] {
  const there = new Set<number>();
  let covered: number[] = [];
  return steps.filter((step) => {
    if (typeof step === "number") {
      there.add(step);
      return true;
    }
    const more = Array.from({ length: step.count }, (_, index) => sequenceAdd(step.first, index));
    const unknown = new Set([...covered, ...more].filter((sequence) => !there.has(sequence)));
    if (unknown.size > DECODER_UNKNOWNS) return false;
    covered = [...covered, ...more];
    return true;
  });
}

/** The messages that are there after each step. Checks each recovered one, and the blocks at the end. */
function decodeRun(
  engine: Engine,
  { base, messages, steps, takes }: Run,
): { states: string[]; bytes: Uint8Array } {
  const core = createCoreSync({ engine, poolBytes: 1 << 20 });
  const idle = core.freeSlotCount;
  const window = core.createReceiveWindow(128);
  const offset = core.receiveRegion.offset;
  for (; window.taken !== base; window.take()) window.accept(window.taken, offset, 0, 0);
  window.keepTaken(128);
  const decoder = core.createDecoder(window);
  const indexOf = (sequence: number) => (sequence - base) & 0xffff;
  const there = new Set<number>();
  const checkRecovered = () => {
    for (let index = 0; index < decoder.recoveredCount; index += 1) {
      assert.ok(!there.has(decoder.recovered(index)), "recovered twice");
      there.add(decoder.recovered(index));
    }
  };
  const states = steps.map((step, at) => {
    if (typeof step === "number") {
      const message = messages[indexOf(step)] as Uint8Array;
      core.bytes.set(message, offset);
      const arrival = window.accept(step, offset, message.length, 0x80 | (indexOf(step) === 1 ? 1 : 0));
      assert.equal(arrival === Arrival.DUPLICATE, there.has(step));
      there.add(step);
      decoder.handleArrival(step);
    } else {
      const symbols = messages
        .slice(indexOf(step.first), indexOf(step.first) + step.count)
        .map((message, index) => twinSymbol(message, indexOf(step.first) + index === 1));
      const symbol = twinCombination(symbols, step.seed);
      core.bytes.set(symbol, offset);
      const outcome = decoder.addRepair(step.first, step.count, step.seed, offset, symbol.length);
      assert.equal(outcome === RepairOutcome.RECOVERED, decoder.recoveredCount > 0);
      assert.ok(outcome <= RepairOutcome.REDUNDANT, `outcome ${outcome}`);
    }
    checkRecovered();
    for (let take = takes[at] as number; take > 0 && window.frontLength() !== -1; take -= 1) {
      const index = indexOf(window.taken);
      const start = window.frontOffset();
      assert.equal(window.frontLength(), messages[index]?.length);
      assert.deepEqual(core.bytes.slice(start, start + window.frontLength()), messages[index]);
      assert.equal(window.frontFlags() & 1, index === 1 ? 1 : 0);
      window.take();
    }
    return [...there]
      .map(indexOf)
      .sort((left, right) => left - right)
      .join();
  });
  while (window.frontLength() !== -1) {
    const start = window.frontOffset();
    const message = messages[indexOf(window.taken)];
    assert.deepEqual(core.bytes.slice(start, start + window.frontLength()), message);
    window.take();
  }
  const bytes = core.bytes.slice();
  if (indexOf(base) % 2 === 0) decoder.release();
  window.release();
  assert.equal(core.freeSlotCount, idle);
  return { states, bytes };
}

/** What is there after each step by linear algebra over everything that came so far. */
function twinStates({ base, messages, steps }: Run): string[] {
  const indexOf = (sequence: number) => (sequence - base) & 0xffff;
  const there = new Set<number>();
  const repairs: TwinRepair[] = [];
  return steps.map((step) => {
    if (typeof step === "number") there.add(step);
    else repairs.push(step);
    const all = messages.map((_, index) => sequenceAdd(base, index));
    const unknown = all.filter((sequence) => !there.has(sequence));
    for (const sequence of twinSolve(repairs, unknown).determined) there.add(sequence);
    return [...there]
      .map(indexOf)
      .sort((left, right) => left - right)
      .join();
  });
}

const RUNS = 12;

for (const seed of seeds(...Array.from({ length: 20 }, (_, index) => index + 1))) {
  test(`${RUNS} random runs recover what the equations determine, and nothing else (SEED=${seed})`, () => {
    const random = new Random(seed);
    for (let run = 0; run < RUNS; run += 1) {
      const plan = planRun(random);
      const expected = twinStates(plan);
      const [ts, wasm] = engines.map((engine) => decodeRun(engine, plan));
      assert.deepEqual(ts?.states, expected, `run ${run}, ts`);
      assert.deepEqual(wasm?.states, expected, `run ${run}, wasm`);
      assert.equal(firstDifference(ts?.bytes as Uint8Array, wasm?.bytes as Uint8Array), -1, `run ${run}`);
    }
  });
}
