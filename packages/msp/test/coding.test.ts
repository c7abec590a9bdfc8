import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createCore, type Engine } from "@meshstream/wasm-core";
import { type PathView, RepairPolicy } from "../src/coding/repair-policy.ts";
import { HandPeer } from "./support/hand-peer.ts";
import { Machine } from "./support/machines.ts";
import { ENGINES, type MeshConfig, Pair, pattern } from "./support/pair.ts";
import { connectPair, numbered, numberOf, PORT, receiveAll } from "./support/streams.ts";
import { dataPacket, EXTENSION, extendedAckPacket, type Packet, SHUTDOWN, watch } from "./support/wire.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

/** 20 messages a second for a minute: the latencies in milliseconds, the shortest first, and what was sent. */
async function talk(engine: Engine, seed: number, coding: "off" | "auto", p: number, oneWayMs: number) {
  const loss = { model: "bernoulli", p } as const;
  const pair = await Pair.make({ engine, seed, link: { delayMs: oneWayMs, loss, rateBitsPerSecond: 10e6 } });
  const [a, b] = [new Machine(pair, pair.a, { coding }), new Machine(pair, pair.b, { coding })];
  const latencies: number[] = [];
  b.onMessage = (message) => {
    latencies.push(pair.clock.now() - new DataView(message.buffer, message.byteOffset).getFloat64(0));
  };
  const packets = watch(pair);
  b.listen();
  a.connect({ sid: pair.b.identities[0]!, port: PORT });
  a.driver.step();
  for (const i of numbers(1200)) {
    pair.clock.runUntil(1000 + i * 50);
    const message = new Uint8Array(200);
    new DataView(message.buffer).setFloat64(0, pair.clock.now());
    assert.ok(a.driver.run(() => a.connection!.send(message)));
  }
  pair.clock.runUntil(pair.clock.now() + 5000);
  assert.equal(latencies.length, 1200);
  pair.checkGuards();
  latencies.sort((x, y) => x - y);
  return { p99Ms: latencies[Math.floor(0.99 * latencies.length)]!, packets };
}

/** Send `count` full messages at once over this link; when the last arrived, and what was sent. */
async function transfer(engine: Engine, seed: number, count: number, config: MeshConfig, link = {}) {
  const pair = await Pair.make({ engine, seed, link, poolBytes: 16 << 20 });
  const [a, b] = [new Machine(pair, pair.a, config), new Machine(pair, pair.b, config)];
  let received = 0;
  b.onMessage = (message) => {
    assert.equal(numberOf(message), received);
    received += 1;
  };
  const packets = watch(pair);
  b.listen();
  a.connect({ sid: pair.b.identities[0]!, port: PORT });
  const message = pattern(1024);
  a.sendAll(
    (function* () {
      for (let i = 0; i < count; i += 1) {
        message.set(numbered(i));
        yield message.slice();
      }
    })(),
  );
  pair.clock.runWhile(() => received < count, 600_000);
  pair.checkGuards();
  return { elapsedMs: pair.clock.now(), packets };
}

const repairsIn = (packets: readonly Packet[]) => packets.filter(({ isRepair }) => isRepair);
const SATELLITE = { delayMs: 300, rateBitsPerSecond: 10e6, queuePackets: 700 };
const lossy = (p: number) => ({ loss: { model: "bernoulli", p } as const });

for (const engine of ENGINES) {
  describe(`coding (${engine})`, () => {
    it("delivers 99 of 100 sparse messages within 1.5 round trips at 10 % loss, where repetition needs more than 2", async () => {
      for (const seed of [1, 2, 3]) {
        const plain = await talk(engine, seed, "off", 0.1, 50);
        const coded = await talk(engine, seed, "auto", 0.1, 50);
        console.log(`seed ${seed} (${engine}): p99 ${plain.p99Ms} ms without, ${coded.p99Ms} ms with coding`);
        assert.ok(plain.p99Ms > 200);
        assert.ok(coded.p99Ms <= 150);
        assert.ok(repairsIn(coded.packets).length <= 1300, "one for each message, and for those sent again");
      }
    });

    it("sends nothing on a clean link, nor where a round trip is short", async () => {
      assert.equal(repairsIn((await talk(engine, 1, "auto", 0, 50)).packets).length, 0);
      assert.equal(repairsIn((await talk(engine, 1, "auto", 0.1, 5)).packets).length, 0);
      const { packets } = await transfer(engine, 1, 2000, {}, SATELLITE);
      assert.equal(repairsIn(packets).length, 0);
    });

    it("makes a transfer over a long lossy path end sooner: repairs go once nothing else is left to send", async () => {
      const link = { ...SATELLITE, ...lossy(0.03) };
      const elapsed = { off: [] as number[], auto: [] as number[] };
      for (const seed of numbers(5)) {
        for (const coding of ["off", "auto"] as const) {
          const { elapsedMs, packets } = await transfer(engine, seed, 5000, { coding }, link);
          elapsed[coding].push(elapsedMs);
          const repairs = repairsIn(packets);
          if (coding === "off") assert.equal(repairs.length, 0);
          else assert.ok(repairs.length < 0.1 * 5000, `${repairs.length} repairs`);
        }
      }
      const [off, auto] = [elapsed.off, elapsed.auto].map((list) => list.sort((x, y) => x - y)[2]!);
      console.log(
        `5 MB, 600 ms, 3 % (${engine}): ${off} ms without, ${auto} ms with coding, the median of five`,
      );
      assert.ok(auto! < off!);
    });

    it("never sends a repair to a peer that does not decode, or is legacy", async () => {
      for (const configB of [{ coding: "off" }, { extension: false }] as const) {
        const pair = await Pair.make({ engine, link: { delayMs: 50, ...lossy(0.2) } });
        const packets = watch(pair);
        const { socket, peer } = await connectPair(pair, { coding: "auto" }, configB);
        const received = receiveAll(peer);
        for (const i of numbers(200)) {
          await socket.send(numbered(i));
          await pair.pass(50);
        }
        socket.shutdown();
        assert.equal((await pair.settle(received)).length, 200);
        assert.equal(repairsIn(packets).length, 0);
      }
    });

    it("brings a SHUTDOWN that was lost, too", async () => {
      const pair = await Pair.make({ engine });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(peer.local.sid, PORT);
      await pair.pass(5);
      peer.send(extendedAckPacket({}));
      await pair.settle(socket.connected);
      peer.send(dataPacket(0, numbered(7), { flags: EXTENSION }));
      // Number 1 is empty with SHUTDOWN: alone in the repair, so that its symbol is the coefficient 37 of seed 1.
      peer.send(Uint8Array.of(0xd0, 0xff, 0xff, 1, 0, 1, 1, 0, 37, 0, 0));
      assert.deepEqual(await pair.settle(socket.receive()), numbered(7));
      assert.equal(await pair.settle(socket.receive()), undefined);
      await pair.pass(5);
      assert.deepEqual([peer.last!.ack, peer.last!.report!.recovered], [1, 1]);
    });

    it("counts repairs that are of no use, and is led astray by none of them", async () => {
      const pair = await Pair.make({ engine });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(peer.local.sid, PORT);
      await pair.pass(5);
      peer.send(extendedAckPacket({}));
      await pair.settle(socket.connected);
      for (const i of numbers(3)) peer.send(dataPacket(i, numbered(i), { flags: EXTENSION }));
      const repair = (first: number, count: number) =>
        Uint8Array.of(0xd0, 0xff, 0xff, first & 0xff, first >> 8, count, 1, 0, 37, 0, 0);
      peer.send(repair(0, 2)); // both are there
      peer.send(repair(0xfff0, 40)); // long gone, or never sent
      peer.send(repair(5, 100)); // more than a decoder takes
      peer.send(repair(8000, 1)); // beyond the window
      await pair.pass(5);
      const { counters } = a;
      const useless = Object.entries(counters).filter(([name]) => name.startsWith("msp.repair-"));
      assert.equal(
        useless.reduce((sum, [, count]) => sum + count, 0),
        4,
        JSON.stringify(counters),
      );
      for (const i of numbers(3)) assert.deepEqual(await pair.settle(socket.receive()), numbered(i));
      peer.send(dataPacket(3, new Uint8Array(0), { flags: EXTENSION | SHUTDOWN }));
      assert.equal(await pair.settle(socket.receive()), undefined);
    });
  });
}

describe("when a repair goes", () => {
  const PATH: PathView = {
    nowMs: 0,
    lossRatio: 0.1,
    srttMs: 100,
    minRttMs: 100,
    windowPackets: 100,
    isEnding: false,
  };

  /** A policy over a window of `count` messages, all sent at time 0. */
  async function policyOver(count: number, coding: "off" | "auto" | "on" = "auto") {
    const core = await createCore({ engine: "ts", poolBytes: 1 << 20 });
    const window = core.createSendWindow(400);
    const policy = new RepairPolicy(window, coding);
    const send = (nowMs: number) => {
      window.push(10);
      const sequence = window.nextUnsent;
      window.markSent(sequence, nowMs);
      policy.handleSent(sequence, nowMs);
    };
    for (let i = 0; i < count; i += 1) send(0);
    const poll = (change: Partial<PathView>) => policy.poll({ ...PATH, ...change });
    const all = (change: Partial<PathView>) => {
      const repairs: [number, number][] = [];
      for (let repair = poll(change); repair !== undefined; repair = poll(change)) {
        repairs.push([repair.first, repair.count]);
        assert.ok(repairs.length < 1000);
      }
      return repairs;
    };
    return { window, policy, send, poll, all };
  }

  it("follows each sparse message after a quarter of a round trip, over all that may be missing", async () => {
    const { window, policy, send, all } = await policyOver(1);
    assert.deepEqual(all({ nowMs: 24 }), []);
    assert.equal(policy.deadlineMs({ ...PATH, nowMs: 24 }), 25);
    assert.deepEqual(all({ nowMs: 25 }), [[0, 1]]);
    send(50);
    send(60);
    assert.deepEqual(all({ nowMs: 80 }), [[0, 3]]);
    window.beginSample(82);
    window.arriveThrough(0);
    assert.deepEqual(all({ nowMs: 85 }), [[1, 2]]);
    window.arriveThrough(2);
    send(90);
    window.arriveThrough(3);
    assert.deepEqual(all({ nowMs: 200 }), [], "all of it has arrived");
    assert.equal(policy.deadlineMs({ ...PATH, nowMs: 200 }), Number.POSITIVE_INFINITY);
  });

  it("goes for the tail of a burst at once if it is known to be one, else after a quarter of a round trip", async () => {
    // 0.1 of 160: 1.5 * 0.1 / 0.9 + 0.02 for each message.
    const ratio = 1.5 / 9 + 0.02;
    const { all } = await policyOver(160);
    const repairs = all({ isEnding: true });
    assert.ok(Math.abs(repairs.length - 160 * ratio) <= 2);
    assert.ok(repairs.every(([first, count]) => count <= 64 && first + count <= 160));
    assert.deepEqual(repairs.at(-1), [96, 64], "the last reach back as far as one can");
    const { all: later } = await policyOver(160);
    const atOnce = later({});
    assert.ok(atOnce.length < repairs.length);
    assert.ok(Math.abs(later({ nowMs: 25 }).length + atOnce.length - 160 * ratio) <= 2);
  });

  it("goes for as many messages as the losses of the path call for, at most for two", async () => {
    for (const [lossRatio, ratio] of [
      [0.005, 0.0275],
      [0.03, 0.0664],
      [0.2, 0.395],
      [0.4, 0.5],
    ] as const) {
      const { all } = await policyOver(200);
      const count = all({ lossRatio }).length;
      assert.ok(Math.abs(count - 200 * ratio) <= 5, `${count} at ${lossRatio}`);
    }
  });

  it("goes for what was sent again, too", async () => {
    const { window, policy, all } = await policyOver(160);
    all({ isEnding: true });
    assert.deepEqual(all({ isEnding: true, nowMs: 50 }), []);
    window.beginSample(100);
    window.arriveBitmap(0, 0, 0);
    window.markLost(40);
    window.markSent(40, 100);
    policy.handleSent(40, 100);
    assert.ok(all({ isEnding: true, nowMs: 100 }).length > 0);
  });

  it("does not go where it is not worth it", async () => {
    const { all } = await policyOver(160);
    assert.deepEqual(all({ isEnding: true, lossRatio: 0.004 }), []);
    assert.deepEqual(all({ isEnding: true, srttMs: 19, minRttMs: 19 }), []);
    assert.deepEqual(all({ isEnding: true, srttMs: undefined }), []);
    assert.deepEqual(all({ isEnding: true, srttMs: 210 }), [], "a queue stands");
    assert.ok(all({ isEnding: true }).length > 0);
    const off = await policyOver(160, "off");
    assert.deepEqual(off.all({ isEnding: true }), []);
  });
});
