import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MspSocket } from "../src/stream/socket.ts";
import { HandPeer } from "./support/hand-peer.ts";
import { ENGINES, Pair, pattern } from "./support/pair.ts";
import { connectPair, numbered, numberOf, PORT, receiveAll, sendAll, stateOf } from "./support/streams.ts";
import { dataPacket, EXTENSION, extendedAckPacket, watch } from "./support/wire.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const TEN_MBIT = { delayMs: 15, rateBitsPerSecond: 10e6, queuePackets: 100 } as const;

/** Take `count` messages; what was numbered from `from` on. */
async function take(pair: Pair, socket: MspSocket, from: number, count: number): Promise<void> {
  for (const i of numbers(count)) assert.equal(numberOf((await pair.settle(socket.receive()))!), from + i);
}

for (const engine of ENGINES) {
  describe(`a reader that stops (${engine})`, () => {
    it("stops the sender without a loss, without growth and without an error, and lets it go on at once", async () => {
      const pair = await Pair.make({ engine, link: TEN_MBIT, poolBytes: 16 << 20 });
      const { meshes, socket, peer } = await connectPair(pair, { receiveWindowMessages: 512 });
      const message = pattern(1000);
      const sending = (async () => {
        for (const i of numbers(6000)) {
          message.set(numbered(i));
          await socket.send(message);
        }
        socket.shutdown();
      })();
      await take(pair, peer, 0, 1000);
      await pair.pass(10_000);
      const held = { a: pair.a.core.freeSlotCount, b: pair.b.core.freeSlotCount };
      const before = socket.stats;
      const states = [stateOf(socket.closed), stateOf(peer.closed)];
      const packets = watch(pair);
      await pair.pass(300_000);
      assert.deepEqual({ a: pair.a.core.freeSlotCount, b: pair.b.core.freeSlotCount }, held);
      assert.ok(
        packets.every(({ isExtendedAck }) => isExtendedAck),
        "nothing but keep-alives",
      );
      assert.equal(socket.stats.retransmitted, before.retransmitted, "nothing is taken for lost");
      assert.equal(socket.stats.inFlight, 0);
      assert.deepEqual(
        states.map(({ now }) => now),
        ["pending", "pending"],
      );
      assert.equal(meshes.b.counters["msp.data-ahead"], undefined);
      const startMs = pair.clock.now();
      packets.length = 0;
      await take(pair, peer, 1000, 1);
      await pair.pass(40);
      const news = packets.find(({ isData }) => isData);
      assert.ok(news !== undefined && news.atMs - startMs <= 15.5, "as soon as the reader's word is there");
      const rest = await pair.settle(receiveAll(peer));
      await pair.settle(sending);
      assert.equal(numberOf(rest.at(-1)!), 5999);
      // 5 MB at 10 Mb/s, in less than a second beyond.
      assert.ok(pair.clock.now() - startMs < 5400, `took ${pair.clock.now() - startMs} ms`);
      assert.equal(socket.stats.retransmitted, before.retransmitted);
    });

    it("is heard when it reads on, also if the word of it is lost twice", async () => {
      const pair = await Pair.make({ engine, link: { delayMs: 5 } });
      const { socket, peer } = await connectPair(pair, { receiveWindowMessages: 64 });
      const sending = sendAll(socket, numbers(300).map(numbered));
      await pair.pass(5000);
      let lost = 0;
      watch(pair, ({ from }) => from === "b" && lost++ < 2);
      const arrived = () => peer.stats.received;
      const before = arrived();
      await take(pair, peer, 0, 1);
      peer.acknowledge(); // one word, and nothing else to say
      await pair.pass(200);
      assert.ok(lost >= 3, "the third came through");
      assert.equal(arrived(), before + 1);
      const startMs = pair.clock.now();
      assert.equal((await pair.settle(receiveAll(peer))).length, 299);
      await pair.settle(sending);
      assert.ok(pair.clock.now() - startMs < 300, `took ${pair.clock.now() - startMs} ms`);
    });

    it("for a while, and then reads 1 kB a second, gets what it reads and holds no more than was promised", async () => {
      const pair = await Pair.make({ engine, link: TEN_MBIT });
      const { meshes, socket, peer } = await connectPair(pair, { receiveWindowMessages: 256 });
      const free = pair.b.core.freeSlotCount;
      const sends = numbers(2000).map((i) => socket.send(pattern(1024, i)));
      Promise.allSettled(sends);
      for (const i of numbers(60)) {
        assert.deepEqual(await pair.settle(peer.receive()), pattern(1024, i));
        await pair.pass(1000);
        assert.ok(free - pair.b.core.freeSlotCount <= 256 + 1);
      }
      assert.equal(socket.stats.retransmitted, 0);
      assert.equal(meshes.b.counters["msp.data-ahead"], undefined);
      socket.stop();
    });
  });

  describe(`the window that a receiver promises (${engine})`, () => {
    /** A node on a that receives from a peer played by hand. */
    async function receiver(config = {}, poolBytes = 4 << 20) {
      const pair = await Pair.make({ engine, poolBytes });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes(config);
      const socket = await a.connect(peer.local.sid, PORT);
      await pair.pass(5);
      peer.send(extendedAckPacket({}));
      await pair.settle(socket.connected);
      const send = async (from: number, count: number) => {
        for (const i of numbers(count))
          peer.send(dataPacket(from + i, numbered(from + i), { flags: EXTENSION }));
        await pair.pass(60);
      };
      const edge = () => peer.last!.report!.window + ((peer.last!.ack! + 1) & 0xffff) - 1;
      return { pair, peer, mesh: a, socket, send, edge };
    }

    it("is 128 messages at first, and grows with what arrives, up to the setting", async () => {
      const { pair, peer, socket, send } = await receiver({ receiveWindowMessages: 1000 });
      await send(0, 1);
      const windows: number[] = [];
      for (const i of numbers(100)) {
        await take(pair, socket, i, 1);
        await send(i + 1, 1);
        windows.push(peer.last!.report!.window);
      }
      assert.ok(windows[0]! > 128);
      assert.ok(windows.every((window, i) => i === 0 || window >= windows[i - 1]!));
      assert.equal(windows.at(-1), 1000);
    });

    it("does not grow while the application does not read", async () => {
      const { send, edge } = await receiver({ receiveWindowMessages: 8192 }, 16 << 20);
      await send(0, 100);
      const before = edge();
      await send(100, 20);
      assert.equal(edge(), before);
    });

    it("is never taken back, and is no more than half of what the pool has left", async () => {
      const { pair, peer, mesh, socket, send, edge } = await receiver(
        { receiveWindowMessages: 8192 },
        1 << 20,
      );
      await send(0, 1);
      let last = edge();
      for (const i of numbers(200)) {
        await take(pair, socket, i, 1);
        await send(i + 1, 1);
        assert.ok(edge() >= last);
        last = edge();
      }
      assert.ok(peer.last!.report!.window <= pair.a.core.slotCount / 2 + 1);
      // Others take nearly all that is left; the promise stands.
      const others = await Promise.all(numbers(4).map(() => mesh.connect(peer.local.sid, PORT + 1)));
      for (const other of others) for (const i of numbers(300)) other.send(pattern(1024, i)).catch(() => {});
      await pair.pass(10);
      await take(pair, socket, 200, 1);
      await send(201, 2);
      assert.ok(edge() >= last);
    });
  });

  describe(`the window that a peer promises (${engine})`, () => {
    it("is kept to, and what is beyond it goes as soon as it may", async () => {
      const pair = await Pair.make({ engine });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(peer.local.sid, PORT);
      await pair.pass(5);
      peer.send(extendedAckPacket({ window: 5 }));
      await pair.settle(socket.connected);
      for (const i of numbers(20)) await socket.send(numbered(i));
      await pair.pass(20);
      const newest = () => Math.max(...peer.received.map(({ sequence }) => sequence ?? -1));
      assert.equal(newest(), 4);
      peer.send(extendedAckPacket({ ack: 2, arrived: 4, window: 2 }));
      await pair.pass(2000);
      assert.equal(newest(), 4, "the end did not move: 2 + 2");
      assert.equal(socket.stats.retransmitted, 0);
      peer.send(extendedAckPacket({ ack: 4, window: 7 }));
      await pair.pass(20);
      assert.equal(newest(), 11);
    });
  });
}
