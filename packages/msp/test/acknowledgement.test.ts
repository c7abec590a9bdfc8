import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HandPeer } from "./support/hand-peer.ts";
import { ENGINES, Pair, pattern } from "./support/pair.ts";
import { connectPair, numbered, numberOf, PORT, receiveAll, sendAll, stateOf } from "./support/streams.ts";
import { ackPacket, dataPacket, SHUTDOWN, watch } from "./support/wire.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

/** A socket on a that is connected to a peer played by hand. */
async function withHandPeer(engine: "ts" | "wasm", config = {}) {
  const pair = await Pair.make({ engine });
  const peer = new HandPeer(pair, PORT);
  const { a } = pair.meshes(config);
  const socket = await a.connect(peer.local.sid, PORT);
  await pair.pass(5);
  peer.send(ackPacket(undefined));
  await pair.settle(socket.connected);
  return { pair, peer, mesh: a, socket };
}

for (const engine of ENGINES) {
  describe(`an acknowledgement means taken (${engine})`, () => {
    it("so nothing is acknowledged before the application asks for the next message", async () => {
      const pair = await Pair.make({ engine });
      const packets = watch(pair);
      const { socket, peer } = await connectPair(pair);
      const sending = sendAll(socket, numbers(10).map(numbered));
      await pair.settle(sending);
      await pair.pass(3000);
      const acks = () => new Set(packets.filter(({ from }) => from === "b").map(({ ack }) => ack));
      assert.deepEqual([...acks()], [undefined, 0xffff], "arrived, but nobody asked");
      await pair.settle(peer.receive());
      await pair.pass(3000);
      assert.deepEqual([...acks()], [undefined, 0xffff], "handed over, but perhaps still in use");
      await pair.settle(peer.receive());
      await pair.pass(3000);
      assert.deepEqual([...acks()], [undefined, 0xffff, 0], "asking for the second acknowledges the first");
      peer.acknowledge();
      await pair.pass(3);
      assert.equal(
        packets.filter(({ from }) => from === "b").at(-1)!.ack,
        1,
        "acknowledge() does not wait for the next receive()",
      );
      peer.acknowledge();
      await pair.pass(3000);
      assert.deepEqual([...acks()], [undefined, 0xffff, 0, 1], "a second acknowledge() does nothing");
    });

    it("also of the SHUTDOWN: only when everything before it is taken", async () => {
      const pair = await Pair.make({ engine });
      const packets = watch(pair);
      const { socket, peer } = await connectPair(pair);
      await sendAll(socket, [numbered(0)]);
      assert.deepEqual(await pair.settle(peer.receive()), numbered(0));
      await pair.pass(3000);
      assert.ok(packets.every(({ from, ack }) => from === "a" || ack === undefined || ack === 0xffff));
      assert.equal(await pair.settle(peer.receive()), undefined);
      await pair.pass(3);
      const last = packets.filter(({ from }) => from === "b").at(-1)!;
      assert.equal(last.ack, packets.find(({ isShutdown }) => isShutdown)!.sequence);
    });

    it("so a reader that stops holds the sender back for minutes, without growth and without an error", async () => {
      const pair = await Pair.make({ engine });
      const config = { windowPackets: 16, sendQueueMessages: 64, receiveWindowMessages: 32 };
      const { socket, peer } = await connectPair(pair, config);
      const free = { a: pair.a.core.freeSlotCount, b: pair.b.core.freeSlotCount };
      const sends = numbers(200).map((i) => stateOf(socket.send(numbered(i))));
      await pair.pass(1000);
      const resolved = () => sends.filter(({ now }) => now === "resolved").length;
      assert.equal(resolved(), 64, "as many as the queue holds");
      assert.equal(pair.a.core.freeSlotCount, free.a - 64);
      assert.equal(pair.b.core.freeSlotCount, free.b - 16);
      const closed = [stateOf(socket.closed), stateOf(peer.closed)];
      await pair.pass(300_000);
      assert.equal(resolved(), 64);
      assert.equal(pair.a.core.freeSlotCount, free.a - 64);
      assert.equal(pair.b.core.freeSlotCount, free.b - 16);
      assert.deepEqual(
        closed.map(({ now }) => now),
        ["pending", "pending"],
      );
      socket.shutdown();
      const startMs = pair.clock.now();
      const messages = await pair.settle(receiveAll(peer));
      assert.deepEqual(messages.map(numberOf), numbers(200));
      assert.equal(resolved(), 200);
      assert.ok(pair.clock.now() - startMs < 100, `took ${pair.clock.now() - startMs} ms once it read on`);
    });

    it("so a sender whose window is larger than the reader's loses time, not messages", async () => {
      const pair = await Pair.make({ engine });
      // Without the extension it is not told.
      const config = {
        extension: false,
        windowPackets: 64,
        sendQueueMessages: 128,
        receiveWindowMessages: 8,
      };
      const { meshes, socket, peer } = await connectPair(pair, config);
      const free = pair.b.core.freeSlotCount;
      const sending = sendAll(socket, numbers(200).map(numbered));
      await pair.pass(60_000);
      assert.equal(pair.b.core.freeSlotCount, free - 8);
      assert.ok(meshes.b.counters["msp.data-ahead"]! > 0);
      const [, messages] = await pair.settle(Promise.all([sending, receiveAll(peer)]));
      assert.deepEqual(messages.map(numberOf), numbers(200));
    });

    it("and goes out within the acknowledgement delay, or at once after as many messages as are set", async () => {
      const { pair, peer, socket } = await withHandPeer(engine, { ackEveryMessages: 4, ackDelayMs: 20 });
      for (const i of numbers(5)) peer.send(dataPacket(i, numbered(i)));
      await pair.pass(2);
      const before = peer.received.length;
      const startMs = pair.clock.now();
      for (const _ of numbers(5)) await pair.settle(socket.receive());
      await pair.pass(2);
      assert.deepEqual(
        peer.received.slice(before).map(({ ack }) => ack),
        [3],
        "four are taken, the fifth is not",
      );
      socket.acknowledge();
      await pair.pass(25);
      assert.deepEqual(
        peer.received.slice(before).map(({ ack, atMs }) => [ack, atMs - startMs]),
        [
          [3, 1],
          [4, 23],
        ],
      );
    });

    it("and of a SHUTDOWN, or of what came out of order or again, does not wait", async () => {
      const { pair, peer, socket } = await withHandPeer(engine, { ackEveryMessages: 64, ackDelayMs: 1000 });
      const acksOf = async (packet: Uint8Array) => {
        const before = peer.received.length;
        peer.send(packet);
        await pair.pass(3);
        return peer.received.slice(before).map(({ ack }) => ack);
      };
      assert.deepEqual(await acksOf(dataPacket(1, numbered(1))), [0xffff]);
      assert.deepEqual(await acksOf(dataPacket(0, numbered(0))), []);
      for (const _ of numbers(2)) await pair.settle(socket.receive());
      assert.deepEqual(await acksOf(dataPacket(0, numbered(0))), [0]);
      socket.acknowledge();
      assert.deepEqual(await acksOf(dataPacket(2, new Uint8Array(0), { flags: SHUTDOWN })), [2]);
    });

    it("and rides on data that goes the other way", async () => {
      const { pair, peer, socket } = await withHandPeer(engine, { ackEveryMessages: 2, ackDelayMs: 20 });
      peer.send(dataPacket(0, numbered(0)));
      await pair.settle(socket.receive());
      socket.acknowledge();
      const before = peer.received.length;
      await socket.send(pattern(5));
      await pair.pass(30);
      const packets = peer.received.slice(before);
      assert.equal(packets.length, 1, "no packet of its own");
      assert.deepEqual([packets[0]!.ack, packets[0]!.message], [0, pattern(5)]);
    });
  });

  describe(`an acknowledgement that comes in (${engine})`, () => {
    it("is ignored and counted if it is for what was never sent", async () => {
      const { pair, peer, mesh, socket } = await withHandPeer(engine, { windowPackets: 4 });
      const sends = numbers(8).map((i) => socket.send(numbered(i)));
      await pair.settle(Promise.all(sends));
      await pair.pass(5);
      // 0..3 are in flight, 4..7 are queued: 4 was not sent, though it exists.
      for (const ack of [4, 7, 8, 1000, 32_766]) peer.send(ackPacket(ack));
      peer.send(dataPacket(0, numbered(0), { ack: 5 }));
      await pair.pass(5);
      assert.equal(mesh.counters["msp.ack-beyond-sent"], 6);
      assert.equal(socket.stats.inFlight, 4);
      assert.deepEqual(await pair.settle(socket.receive()), numbered(0), "its data counts all the same");
      peer.send(ackPacket(3));
      await pair.pass(5);
      assert.equal(peer.last!.sequence, 7);
    });

    it("is ignored if it is older than the last", async () => {
      const { pair, peer, mesh, socket } = await withHandPeer(engine, { windowPackets: 4 });
      for (const i of numbers(8)) await socket.send(numbered(i));
      await pair.pass(5);
      peer.send(ackPacket(3));
      await pair.pass(5);
      for (const ack of [2, 0, 0xffff, 0xfff0, 0x8004]) peer.send(ackPacket(ack));
      await pair.pass(5);
      assert.equal(socket.stats.inFlight, 4);
      assert.equal(socket.stats.retransmitted, 0);
      assert.equal(mesh.counters["msp.ack-beyond-sent"], undefined);
      peer.send(ackPacket(7));
      await pair.pass(5);
      assert.equal(socket.stats.inFlight, 0);
    });

    it("says nothing without the flag ACK, whatever its field holds", async () => {
      const { pair, peer, mesh, socket } = await withHandPeer(engine);
      for (const i of numbers(4)) await socket.send(numbered(i));
      await pair.pass(5);
      peer.send(Uint8Array.of(0, 2, 0));
      peer.send(Uint8Array.of(0, 99, 0));
      peer.send(Uint8Array.of(0x02, 0)); // two bytes carry no acknowledgement
      await pair.pass(5);
      assert.equal(socket.stats.inFlight, 4);
      assert.equal(mesh.counters["msp.ack-beyond-sent"], undefined);
    });

    it("in a packet of four bytes counts as one of three", async () => {
      const { pair, peer, socket } = await withHandPeer(engine);
      for (const i of numbers(4)) await socket.send(numbered(i));
      await pair.pass(5);
      peer.send(Uint8Array.of(0x02, 1, 0, 0x77));
      await pair.pass(5);
      assert.equal(socket.stats.inFlight, 2);
    });

    it("lets the oldest message be sent again when it comes twice without data and nothing follows", async () => {
      const { pair, peer, socket } = await withHandPeer(engine);
      for (const i of numbers(8)) await socket.send(numbered(i));
      await pair.pass(60);
      const before = peer.received.length;
      peer.send(ackPacket(1));
      peer.send(ackPacket(1));
      await pair.pass(20);
      assert.deepEqual(
        peer.received.slice(before).map(({ sequence }) => sequence),
        [2],
      );
      for (const _ of numbers(20)) peer.send(dataPacket(0, numbered(0), { ack: 1 }));
      await pair.pass(3);
      assert.equal(socket.stats.retransmitted, 1, "on data packets a repetition says nothing");
    });
  });
}
