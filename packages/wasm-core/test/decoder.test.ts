import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Arrival,
  type Core,
  createCoreSync,
  DECODER_UNKNOWNS,
  type Decoder,
  type ReceiveWindow,
  RepairOutcome,
} from "../src/index.ts";
import { twinCombination, twinSymbol } from "./reference/twin-coding.ts";
import { engines, pattern, Random, seeds, testBoth } from "./support.ts";

/** A receive window with a decoder, and the messages that a peer sends: message i has 20 + i % 7 bytes. */
class Bench {
  readonly core: Core;
  readonly window: ReceiveWindow;
  readonly decoder: Decoder;

  constructor(core: Core, limit = 128, keep = 0) {
    this.core = core;
    this.window = core.createReceiveWindow(limit);
    this.window.keepTaken(keep);
    this.decoder = core.createDecoder(this.window);
  }

  message(sequence: number): Uint8Array {
    return pattern(20 + (sequence % 7), sequence);
  }

  arrive(...sequences: number[]): void {
    for (const sequence of sequences) {
      const message = this.message(sequence);
      this.core.bytes.set(message, this.core.receiveRegion.offset);
      const { offset } = this.core.receiveRegion;
      this.window.accept(sequence, offset, message.length, 0x80);
      this.decoder.handleArrival(sequence);
    }
  }

  /** A repair as the peer would send it. */
  symbol(first: number, count: number, seed: number): number[] {
    const symbols = Array.from({ length: count }, (_, index) =>
      twinSymbol(this.message((first + index) & 0xffff), false),
    );
    return twinCombination(symbols, seed);
  }

  repair(
    first: number,
    count: number,
    seed: number,
    symbol = this.symbol(first, count, seed),
  ): RepairOutcome {
    const { offset } = this.core.receiveRegion;
    this.core.bytes.set(symbol, offset);
    return this.decoder.addRepair(first, count, seed, offset, symbol.length);
  }

  /** Take everything that is in order; each message must be the one that was sent. */
  takeAll(): void {
    for (; this.window.frontLength() !== -1; this.window.take()) {
      const start = this.window.frontOffset();
      const bytes = this.core.bytes.slice(start, start + this.window.frontLength());
      assert.deepEqual(bytes, this.message(this.window.taken));
    }
  }

  get recovered(): number[] {
    return Array.from({ length: this.decoder.recoveredCount }, (_, index) => this.decoder.recovered(index));
  }
}

testBoth(
  "one repair recovers one lost message, and the rank that is missing tells how many it takes",
  (create) => {
    const bench = new Bench(create());
    const { decoder } = bench;
    assert.equal(decoder.missingRank, 0);
    bench.arrive(0, 1, 3, 5, 6);
    assert.equal(decoder.missingRank, 2);
    assert.equal(bench.repair(0, 4, 77), RepairOutcome.RECOVERED);
    assert.deepEqual(bench.recovered, [2]);
    assert.equal(decoder.missingRank, 1);
    assert.equal(bench.window.arrived, 4);
    // Two messages beyond the highest, unknown with number 4: three unknowns, one equation.
    assert.equal(bench.repair(3, 6, 78), RepairOutcome.STORED);
    assert.deepEqual([decoder.storedCount, decoder.missingRank, decoder.recoveredCount], [1, 2, 0]);
    assert.equal(bench.repair(3, 6, 79), RepairOutcome.STORED);
    assert.equal(bench.repair(3, 6, 80), RepairOutcome.RECOVERED);
    assert.deepEqual(bench.recovered.sort(), [4, 7, 8]);
    assert.deepEqual([decoder.storedCount, decoder.missingRank], [0, 0]);
    bench.takeAll();
    assert.equal(bench.window.taken, 9);
  },
);

testBoth("a message that arrives lets the decoder recover others", (create) => {
  const bench = new Bench(create());
  bench.arrive(0, 3);
  assert.equal(bench.repair(0, 4, 5), RepairOutcome.STORED);
  bench.arrive(1);
  assert.deepEqual(bench.recovered, [2]);
  assert.equal(bench.window.arrived, 4);
  assert.equal(bench.decoder.storedCount, 0);
  bench.takeAll();
});

testBoth("duplicates and repairs of what is known are redundant and take no slot", (create) => {
  const core = create();
  const bench = new Bench(core);
  bench.arrive(0, 1, 4);
  assert.equal(bench.repair(0, 2, 9), RepairOutcome.REDUNDANT);
  assert.equal(bench.repair(0, 4, 10), RepairOutcome.STORED);
  const free = core.freeSlotCount;
  assert.equal(bench.repair(0, 4, 10), RepairOutcome.REDUNDANT);
  assert.equal(core.freeSlotCount, free);
  assert.equal(bench.decoder.storedCount, 1);
  assert.equal(bench.repair(0, 4, 11), RepairOutcome.RECOVERED);
  assert.equal(bench.repair(0, 4, 12), RepairOutcome.REDUNDANT);
  bench.takeAll();
});

testBoth("a repair may reach back over messages that are kept, and not over those that are not", (create) => {
  const bench = new Bench(create(), 128, 3);
  bench.arrive(0, 1, 2, 3, 4, 5, 7);
  bench.takeAll();
  assert.deepEqual([bench.window.taken, bench.window.keptCount], [6, 3]);
  assert.equal(bench.repair(2, 5, 1), RepairOutcome.TOO_OLD);
  assert.equal(bench.repair(3, 5, 1), RepairOutcome.RECOVERED);
  assert.deepEqual(bench.recovered, [6]);
  assert.equal(bench.repair(60_000, 5, 1), RepairOutcome.TOO_OLD);
  bench.takeAll();
});

testBoth("a repair beyond the window, over more than 64 messages or 16 unknown ones is refused", (create) => {
  const bench = new Bench(create(), 100);
  bench.arrive(0);
  assert.equal(bench.repair(99, 1, 1), RepairOutcome.RECOVERED);
  assert.equal(bench.repair(99, 2, 1), RepairOutcome.AHEAD);
  assert.equal(bench.repair(30_000, 2, 1), RepairOutcome.AHEAD);
  assert.equal(bench.repair(0, 65, 1), RepairOutcome.TOO_WIDE);
  assert.equal(bench.repair(0, 128, 1), RepairOutcome.TOO_WIDE);
  assert.equal(bench.repair(0, 18, 1), RepairOutcome.TOO_WIDE);
  assert.equal(bench.repair(0, 17, 1), RepairOutcome.STORED);
  assert.equal(bench.decoder.storedCount, 1);
});

testBoth("where more than 16 messages would be unknown, the oldest equations go", (create) => {
  const core = create();
  const bench = new Bench(core);
  for (let at = 0; at < 10; at += 1) bench.repair(0, 10, at);
  assert.equal(bench.decoder.storedCount, 0, "ten equations over ten messages");
  const free = core.freeSlotCount;
  for (let at = 0; at < 5; at += 1) assert.equal(bench.repair(10, 10, at), RepairOutcome.STORED);
  for (let at = 0; at < 4; at += 1) assert.equal(bench.repair(20, 6, at), RepairOutcome.STORED);
  assert.deepEqual([bench.decoder.storedCount, core.freeSlotCount], [9, free - 9]);
  // Seven more unknown ones: all equations over 10..19 must go.
  assert.equal(bench.repair(26, 7, 1), RepairOutcome.STORED);
  assert.deepEqual([bench.decoder.storedCount, core.freeSlotCount], [5, free - 5]);
  assert.equal(bench.repair(20, 6, 5), RepairOutcome.STORED);
  assert.equal(bench.repair(20, 6, 6), RepairOutcome.RECOVERED);
  assert.deepEqual(
    bench.recovered.sort((left, right) => left - right),
    [20, 21, 22, 23, 24, 25],
  );
  assert.ok(bench.decoder.storedCount <= DECODER_UNKNOWNS);
});

testBoth("a repair that contradicts what is known drops all equations, and corrupts nothing", (create) => {
  const core = create();
  const bench = new Bench(core);
  const free = core.freeSlotCount;
  bench.repair(10, 3, 1);
  bench.arrive(0);
  // Shorter than a message that it covers.
  assert.equal(bench.repair(0, 2, 1, [0, 0, 0, 1]), RepairOutcome.CONTRADICTORY);
  assert.equal(bench.decoder.storedCount, 0);
  // Flags, a length or padding that no message has.
  for (const wrong of [
    [2, 1, 0, 7],
    [0x80, 1, 0, 7],
    [0, 2, 0, 7],
    [0, 20, 0, 7, 7, 7],
    [0, 0xff, 0xff, 7],
    [0, 1, 4, ...new Array<number>(1024).fill(1)],
    [0, 1, 0, 7, 0, 0, 9],
  ]) {
    // The symbol of message 1 alone, times the first coefficient of seed 1.
    const symbol = twinCombination([wrong], 1);
    assert.equal(bench.repair(1, 1, 1, symbol), RepairOutcome.CONTRADICTORY, `${wrong.slice(0, 8)}`);
  }
  // The same equation with another symbol.
  assert.equal(bench.repair(1, 2, 5), RepairOutcome.STORED);
  const other = bench.symbol(1, 2, 5);
  other[5] = (other[5] as number) ^ 1;
  assert.equal(bench.repair(1, 2, 5, other), RepairOutcome.CONTRADICTORY);
  assert.equal(bench.decoder.contradictionCount, 9);
  assert.deepEqual(bench.recovered, []);
  assert.equal(core.freeSlotCount, free - 1);
  // It goes on working.
  assert.equal(bench.repair(0, 2, 9), RepairOutcome.RECOVERED);
  bench.takeAll();
  assert.equal(bench.window.taken, 2);
});

testBoth("a message that arrives other than a repair said is kept, and the equations go", (create) => {
  const bench = new Bench(create());
  const garbled = bench.symbol(0, 2, 3);
  garbled[6] = (garbled[6] as number) ^ 0x55;
  assert.equal(bench.repair(0, 2, 3, garbled), RepairOutcome.STORED);
  assert.equal(bench.repair(0, 3, 4), RepairOutcome.STORED);
  bench.arrive(2);
  // Two equations over messages 0 and 1 that both say something wrong: nothing that cannot be is delivered.
  for (const sequence of bench.recovered) assert.ok(sequence < 2);
  const other = new Bench(create());
  assert.equal(other.repair(0, 2, 3, [0, 9, 0, 1]), RepairOutcome.STORED);
  other.arrive(0);
  assert.equal(other.decoder.contradictionCount, 1);
  assert.equal(other.window.heldCount, 1);
  other.takeAll();
});

testBoth("without a slot nothing is lost but the repair", (create) => {
  const core = create();
  const bench = new Bench(core);
  bench.arrive(0, 3);
  const filler = core.createSendWindow(8192);
  while (core.freeSlotCount > 1) filler.push(0);
  assert.equal(bench.repair(0, 4, 1), RepairOutcome.STORED);
  assert.equal(core.freeSlotCount, 0);
  assert.equal(bench.repair(0, 4, 2), RepairOutcome.NO_SLOT);
  bench.decoder.handleArrival(1);
  assert.equal(bench.decoder.storedCount, 1);
  filler.release();
  assert.equal(bench.repair(0, 4, 2), RepairOutcome.RECOVERED);
  bench.takeAll();
  assert.equal(bench.window.taken, 4);
});

testBoth("the slot of an equation serves for the message that comes out of it", (create) => {
  const core = create();
  const bench = new Bench(core);
  bench.arrive(0, 2);
  const filler = core.createSendWindow(8192);
  while (core.freeSlotCount > 1) filler.push(0);
  assert.equal(bench.repair(0, 3, 1), RepairOutcome.RECOVERED);
  assert.equal(core.freeSlotCount, 0);
  bench.takeAll();
  assert.equal(bench.window.taken, 3);
});

testBoth(
  "an unknown message that is taken unseen takes its equations with it, so that no later lap meets them",
  (create) => {
    const core = create();
    const bench = new Bench(core);
    bench.arrive(0);
    const free = core.freeSlotCount;
    assert.equal(bench.repair(0, 3, 1), RepairOutcome.STORED);
    assert.equal(bench.repair(2, 3, 1), RepairOutcome.STORED);
    const message = bench.message(1);
    core.bytes.set(message, core.receiveRegion.offset);
    assert.equal(bench.window.accept(1, core.receiveRegion.offset, message.length, 0), Arrival.IN_ORDER);
    bench.takeAll();
    assert.equal(bench.decoder.storedCount, 1);
    // A whole lap later.
    for (let sequence = 2; sequence <= 65_540; sequence += 1) {
      assert.equal(bench.window.accept(sequence & 0xffff, core.receiveRegion.offset, 0, 0), Arrival.IN_ORDER);
      bench.window.take();
    }
    assert.equal(bench.decoder.storedCount, 0);
    assert.equal(core.freeSlotCount, free + 1);
    assert.equal(bench.decoder.missingRank, 0);
  },
);

testBoth("repairs work across the wrap at 2^16", (create) => {
  const bench = new Bench(create(), 128, 32);
  const { offset } = bench.core.receiveRegion;
  for (; bench.window.taken !== 65_530; bench.window.take())
    bench.window.accept(bench.window.taken, offset, 0, 0);
  bench.window.keepTaken(0);
  bench.window.keepTaken(32);
  bench.arrive(65_530, 65_531, 65_533, 65_535, 1, 2);
  assert.equal(bench.decoder.missingRank, 3);
  assert.equal(bench.repair(65_530, 9, 1), RepairOutcome.STORED);
  assert.equal(bench.repair(65_530, 9, 2), RepairOutcome.STORED);
  bench.takeAll();
  assert.equal(bench.repair(65_530, 9, 3), RepairOutcome.RECOVERED);
  assert.deepEqual(
    bench.recovered.sort((left, right) => left - right),
    [0, 65_532, 65_534],
  );
  bench.takeAll();
  assert.equal(bench.window.taken, 3);
});

testBoth("a message with SHUTDOWN is recovered with it", (create) => {
  const core = create();
  const bench = new Bench(core);
  const symbol = twinCombination([twinSymbol(bench.message(0), false), [1, 0, 0]], 6);
  bench.arrive(0);
  assert.equal(bench.repair(0, 2, 6, symbol), RepairOutcome.RECOVERED);
  assert.equal(bench.window.frontFlags(), 0x80);
  bench.window.take();
  assert.deepEqual([bench.window.frontLength(), bench.window.frontFlags()], [0, 1]);
  bench.window.take();
  assert.equal(bench.window.taken, 2);
});

testBoth("release gives back the slots of decoder and equations, whichever of both goes first", (create) => {
  const core = create();
  const idle = core.freeSlotCount;
  for (const windowFirst of [true, false]) {
    const { window, decoder } = fill(new Bench(core, 128, 8));
    assert.throws(() => core.createDecoder(window), { name: "RangeError", message: /already/ });
    if (windowFirst) window.release();
    else decoder.release();
    assert.deepEqual([decoder.storedCount, decoder.missingRank, decoder.recoveredCount], [0, 0, 0]);
    assert.throws(() => decoder.addRepair(0, 1, 0, 2048, 3), { name: "RangeError", message: /released/ });
    assert.throws(() => decoder.handleArrival(0), { name: "RangeError", message: /released/ });
    assert.throws(() => decoder.recovered(0), RangeError);
    if (!windowFirst) core.createDecoder(window);
    decoder.release();
    window.release();
    decoder.release();
    assert.equal(core.freeSlotCount, idle);
  }
});

function fill(bench: Bench): Bench {
  bench.arrive(0, 1, 5);
  bench.takeAll();
  for (let seed = 0; seed < 3; seed += 1) bench.repair(0, 9, seed);
  assert.equal(bench.decoder.storedCount, 3);
  return bench;
}

for (const seed of seeds(1, 2, 3, 4, 5, 6)) {
  test(`garbage from a peer corrupts nothing, and both engines answer it alike (SEED=${seed})`, () => {
    const [ts, wasm] = engines.map((engine) => garble(createCoreSync({ engine, poolBytes: 1 << 20 }), seed));
    assert.deepEqual(wasm, ts);
    assert.ok(ts?.includes(RepairOutcome.CONTRADICTORY) && ts.includes(RepairOutcome.RECOVERED));
  });
}

/** Feed a window and its decoder with messages and repairs that mean nothing. Returns every outcome. */
function garble(core: Core, seed: number): number[] {
  const idle = core.freeSlotCount;
  const random = new Random(seed);
  const window = core.createReceiveWindow(40);
  const decoder = core.createDecoder(window);
  const { offset } = core.receiveRegion;
  const outcomes: number[] = [];
  for (let count = 0; count < 3000; count += 1) {
    const near = (window.taken + random.whole(-8, 44)) & 0xffff;
    if (random.chance(0.02)) window.keepTaken(random.whole(0, 20));
    if (random.chance(0.4)) {
      core.bytes.set(random.bytes(20), offset);
      window.accept(near, offset, random.whole(0, 20), random.whole(0, 255));
      if (random.chance(0.9)) outcomes.push(decoder.handleArrival(near));
    } else if (random.chance(0.5)) {
      if (window.frontLength() !== -1) window.take();
    } else {
      const length = random.whole(3, 40);
      const symbol = random.chance(0.5) ? random.bytes(length) : new Uint8Array(length);
      core.bytes.set(symbol, offset);
      const reach = random.chance(0.9) ? random.whole(1, 8) : random.whole(1, 128);
      outcomes.push(decoder.addRepair(near, reach, random.whole(0, 65_535), offset, symbol.length));
    }
    outcomes.push(decoder.storedCount, decoder.missingRank, window.arrived, core.freeSlotCount);
    assert.ok(decoder.storedCount <= DECODER_UNKNOWNS);
    assert.ok(decoder.missingRank >= 0, `missing rank ${decoder.missingRank}`);
    assert.ok(window.heldCount <= 40);
    if (window.frontLength() !== -1) assert.ok(window.frontLength() <= 1024);
  }
  window.release();
  assert.equal(core.freeSlotCount, idle);
  return outcomes;
}
