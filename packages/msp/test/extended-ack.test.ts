import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BITMAP_MESSAGES, BitmapPlan } from "../src/receiving/bitmap-plan.ts";
import { ExtendedSchedule } from "../src/receiving/extended-schedule.ts";
import { TrainMeter } from "../src/receiving/train-meter.ts";
import { HandPeer } from "./support/hand-peer.ts";
import { ENGINES, Pair } from "./support/pair.ts";
import { numbered, PORT } from "./support/streams.ts";
import { dataPacket, EXTENSION, extendedAckPacket, type Report } from "./support/wire.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

/** A node on a that receives from a peer played by hand, whose packets take 1 ms. */
async function receiver(engine: "ts" | "wasm", config = {}) {
  const pair = await Pair.make({ engine });
  const peer = new HandPeer(pair, PORT);
  const { a } = pair.meshes(config);
  const socket = await a.connect(peer.local.sid, PORT);
  await pair.pass(5);
  peer.send(extendedAckPacket({}));
  await pair.settle(socket.connected);
  await pair.pass(100);
  const send = (sequence: number, transmission = 0) =>
    peer.send(dataPacket(sequence, numbered(sequence), { flags: EXTENSION | (transmission << 4) }));
  /** The acknowledgements that come within `ms` after these messages, sent together. */
  const answers = async (sequences: readonly number[], ms = 60) => {
    const [before, startMs] = [peer.received.length, pair.clock.now()];
    for (const sequence of sequences) send(sequence);
    await pair.pass(ms);
    return peer.received
      .slice(before)
      .map(({ report, atMs }) => ({ afterMs: atMs - startMs, ...(report as Report) }));
  };
  return { pair, peer, socket, send, answers };
}

for (const engine of ENGINES) {
  describe(`an extended acknowledgement (${engine})`, () => {
    it("says what has arrived, though nobody has taken it", async () => {
      const { peer, answers } = await receiver(engine);
      const all = await answers([0, 1, 2, 5, 6, 9]);
      const last = all.at(-1)!;
      assert.equal(peer.last!.ack, 0xffff);
      assert.deepEqual([last.arrived, last.base, last.bits], [2, 4, [5, 6, 9]]);
    });

    it("comes for every second message, at once, and for a last one soon after", async () => {
      const { answers } = await receiver(engine);
      const after = (list: readonly { afterMs: number; arrived: number }[]) =>
        list.map(({ afterMs, arrived }) => [afterMs, arrived]);
      assert.deepEqual(after(await answers([0, 1, 2, 3])), [
        [2, 1],
        [2, 3],
      ]);
      assert.deepEqual(after(await answers([4, 5, 6])), [
        [2, 5],
        [3.5, 6], // a quarter of the 6 ms that the opening took
      ]);
    });

    it("comes 1 ms after the first message that follows a pause, and tells what is taken by then", async () => {
      const { pair, peer, socket, send } = await receiver(engine);
      for (const i of numbers(5)) {
        const before = peer.received.length;
        const startMs = pair.clock.now();
        send(i);
        await pair.settle(socket.receive());
        socket.acknowledge();
        await pair.pass(100);
        assert.deepEqual(
          peer.received.slice(before).map(({ ack, atMs }) => [ack, atMs - startMs]),
          [[i, 3]],
        );
      }
    });

    it("comes at once for a hole, for what fills it, and for what came before, but not for what waits behind it", async () => {
      const { answers } = await receiver(engine);
      await answers([0, 1]);
      assert.deepEqual((await answers([3], 1.9)).length, 0);
      const waiting = await answers([4, 5, 6, 7], 1.9);
      assert.deepEqual(waiting.length, 1, "of the hole, 2 ms ago");
      const [filling] = (await answers([2])).slice(-1);
      assert.deepEqual([filling!.arrived, filling!.bits], [7, []]);
      assert.deepEqual((await answers([8]))[0]!.afterMs, 3, "in order, after a pause");
      const repeated = await answers([4]);
      assert.deepEqual([repeated[0]!.afterMs, repeated[0]!.echo], [2, 4]);
    });

    it("echoes the message that arrived last, which transmission it was, and how long ago it came", async () => {
      const { pair, peer, send } = await receiver(engine);
      send(1, 0);
      await pair.pass(2);
      const [first] = peer.received.slice(-1);
      assert.deepEqual([first!.report!.echo, first!.report!.transmission, first!.report!.delayUs], [1, 0, 0]);
      send(0, 3);
      await pair.pass(2);
      const [second] = peer.received.slice(-1);
      assert.deepEqual([second!.report!.echo, second!.report!.transmission], [0, 3]);
      await pair.pass(1000);
      send(2, 0);
      await pair.pass(5);
      assert.equal(peer.last!.report!.delayUs, 992, "1 ms, in units of 16 microseconds");
      await pair.pass(1600);
      assert.ok(peer.last!.report!.delayUs >= 1_048_560, "a keep-alive: saturated");
    });

    it("does not give way to messages that go the other way", async () => {
      const { pair, peer, socket, send } = await receiver(engine);
      for (const i of numbers(4)) await socket.send(numbered(i));
      for (const i of numbers(4)) send(i);
      await pair.pass(5);
      const reports = peer.received.filter(({ isExtendedAck }) => isExtendedAck);
      assert.equal(reports.at(-1)!.report!.arrived, 3);
    });

    it("measures trains of eight first transmissions", async () => {
      const { pair, peer, send } = await receiver(engine);
      for (const i of numbers(16)) {
        send(i);
        await pair.pass(0.5);
      }
      await pair.pass(5);
      const { train, spreadUs } = peer.last!.report!;
      assert.deepEqual([train, spreadUs], [1, 3488], "7 * 0.5 ms, in units of 16 microseconds");
    });
  });
}

describe("a train of messages", () => {
  const meterOf = (arrivals: readonly [sequence: number, isFirst: boolean][]) => {
    const meter = new TrainMeter();
    for (const [i, [sequence, isFirst]] of arrivals.entries()) meter.handleData(sequence, isFirst, 100 + i);
    return [meter.train, meter.spreadUs];
  };
  const eight = (from: number) => numbers(8).map((i): [number, boolean] => [from + i, true]);

  it("counts if it is whole, in a row and aligned", () => {
    assert.deepEqual(meterOf(eight(0)), [0, 7000]);
    assert.deepEqual(meterOf(eight(0x1238)), [0x47, 7000]);
    assert.deepEqual(meterOf(eight(0xfff8)), [0xff, 7000]);
  });

  it("does not count with a hole, a repetition, another in between, or from the middle on", () => {
    assert.deepEqual(meterOf(eight(8).filter(([sequence]) => sequence !== 11)), [0, 0]);
    assert.deepEqual(meterOf(eight(8).map(([sequence]) => [sequence, sequence !== 9])), [0, 0]);
    assert.deepEqual(meterOf([...eight(8).slice(0, 4), [3, true], ...eight(8).slice(4)]), [0, 0]);
    assert.deepEqual(meterOf(eight(12)), [0, 0]);
  });

  it("that arrives all at once took one unit, for zero means none", () => {
    const meter = new TrainMeter();
    for (const i of numbers(8)) meter.handleData(i, true, 5);
    assert.deepEqual([meter.train, meter.spreadUs], [0, 16]);
  });
});

describe("which stretch a bitmap shows", () => {
  it("is all that is beyond the first hole, if it reaches so far", () => {
    const plan = new BitmapPlan();
    for (const _ of numbers(3)) assert.equal(plan.next(100, 100 + BITMAP_MESSAGES), 101);
    assert.equal(plan.next(0xffff, 40), 0, "across the wrap, too");
  });

  it("is the newest every second time, and between them all older ones in turn", () => {
    const plan = new BitmapPlan();
    const [arrived, highest] = [65_000, (65_000 + 2000) & 0xffff];
    const shown = numbers(12).map(() => plan.next(arrived, highest));
    const newest = (highest - BITMAP_MESSAGES + 1) & 0xffff;
    assert.ok(shown.every((base, i) => (i % 2 === 0) === (base === newest)));
    const older = shown.filter((_, i) => i % 2 === 1);
    assert.deepEqual(older, [65_001, 65_513, 489, 65_001, 65_513, 489]);
  });

  it("is where a hole was filled since the last time, before the others have their turn", () => {
    const plan = new BitmapPlan();
    plan.next(10, 3000);
    plan.handleFilled(1700);
    plan.handleFilled(1500);
    assert.equal(plan.next(10, 3000), 1500, "the older one");
    plan.next(10, 3000);
    assert.equal(plan.next(10, 3000), 11, "it was shown");
    plan.next(10, 3000);
    plan.handleFilled(2900);
    assert.equal(plan.next(10, 3000), 523, "among the newest: they show it");
  });
});

describe("how often an extended acknowledgement goes", () => {
  /** Packets for one acknowledgement at this rate, without a pause. */
  const everyAt = (gapMs: number) => {
    const schedule = new ExtendedSchedule(() => 50);
    let sent = 0;
    for (let i = 0; i < 4000; i += 1) {
      const nowMs = i * gapMs;
      schedule.handleArrival("next", nowMs);
      if (schedule.deadlineMs > nowMs) continue;
      schedule.handleSent(true, nowMs);
      sent += i >= 1000 ? 1 : 0;
    }
    return 3000 / sent;
  };

  it("follows the rate: 2 up to 4000 packets a second, 16 at most", () => {
    const every = [10, 1, 0.5, 0.25, 0.1, 0.05, 0.01, 0.001].map((gapMs) => Math.round(everyAt(gapMs)));
    assert.deepEqual(every, [2, 2, 2, 2, 5, 10, 16, 16]);
  });

  it("waits no longer than two gaps, a quarter of the round trip and 25 ms", () => {
    const lateAt = (gapMs: number, srttMs: number | undefined) => {
      const schedule = new ExtendedSchedule(() => srttMs);
      let nowMs = 0;
      for (let i = 0; i < 501; i += 1) {
        nowMs += gapMs;
        schedule.handleArrival("next", nowMs);
        if (schedule.deadlineMs <= nowMs) schedule.handleSent(true, nowMs);
      }
      return Math.round((schedule.deadlineMs - nowMs) * 10) / 10;
    };
    assert.equal(lateAt(3, 400), 6);
    assert.equal(lateAt(20, 400), 25);
    assert.equal(lateAt(20, 40), 10);
    assert.equal(lateAt(20, 1), 1);
    assert.equal(lateAt(20, undefined), 25);
    assert.ok(lateAt(0.1, 400) <= 1);
  });
});
