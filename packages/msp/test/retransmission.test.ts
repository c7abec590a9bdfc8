import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HandPeer } from "./support/hand-peer.ts";
import { ENGINES, Pair } from "./support/pair.ts";
import { connectPair, numbered, numberOf, PORT, receiveAll, sendAll } from "./support/streams.ts";
import { ackPacket, dataPacket, watch } from "./support/wire.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

/** A socket on a, connected to a peer played by hand, `delayMs` away. */
async function withHandPeer(engine: "ts" | "wasm", config = {}, delayMs = 1) {
  const pair = await Pair.make({ engine, link: { delayMs } });
  const peer = new HandPeer(pair, PORT);
  const { a } = pair.meshes(config);
  const socket = await a.connect(peer.local.sid, PORT);
  await pair.pass(delayMs);
  peer.send(ackPacket(undefined));
  await pair.settle(socket.connected);
  return { pair, peer, socket };
}

/** When each transmission of a message arrived, counted from the first. */
function timesOf(peer: HandPeer, sequence: number): number[] {
  const times = peer.received.filter((packet) => packet.sequence === sequence).map(({ atMs }) => atMs);
  return times.map((atMs) => atMs - times[0]!);
}

for (const engine of ENGINES) {
  describe(`towards a peer without the extension (${engine})`, () => {
    it("has no more than its window in flight", async () => {
      const { pair, peer, socket } = await withHandPeer(engine, { windowPackets: 10 });
      for (const i of numbers(50)) await socket.send(numbered(i));
      await pair.pass(100);
      assert.equal(peer.last!.sequence, 9);
      for (const i of numbers(5)) {
        peer.send(ackPacket(i));
        await pair.pass(5);
        assert.equal(peer.last!.sequence, 10 + i);
        assert.equal(socket.stats.inFlight, 10);
      }
    });

    it("repeats a message 200 ms after the last sign of life at the earliest, however short the round trip", async () => {
      const { pair, peer, socket } = await withHandPeer(engine);
      await socket.send(numbered(0));
      await pair.pass(1);
      peer.send(ackPacket(0)); // a round trip of 2 ms
      await pair.pass(50);
      await socket.send(numbered(1));
      await pair.pass(199);
      assert.deepEqual(timesOf(peer, 1), [0]);
      await pair.pass(60);
      assert.equal(timesOf(peer, 1)[1], 200);
    });

    it("waits longer than a long round trip", async () => {
      const { pair, peer, socket } = await withHandPeer(engine, {}, 400);
      for (const i of numbers(10)) {
        await socket.send(numbered(i));
        await pair.pass(400);
        peer.send(ackPacket(i));
        await pair.pass(401);
      }
      assert.equal(socket.stats.retransmitted, 0);
      assert.equal(socket.stats.srttMs, 800);
    });

    it("repeats without an answer after 1 s, then less and less often, down to once in 3 s", async () => {
      const pair = await Pair.make({ engine });
      const silent = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(silent.local.sid, PORT);
      await socket.send(numbered(0));
      await pair.pass(9900);
      assert.deepEqual(timesOf(silent, 0), [0, 1000, 2500, 4750, 7750]);
    });

    it("does not take a repeated message for a measure of the round trip", async () => {
      const { pair, peer, socket } = await withHandPeer(engine);
      await socket.send(numbered(0));
      await pair.pass(1);
      peer.send(ackPacket(0));
      await pair.pass(5);
      const { srttMs } = socket.stats;
      await socket.send(numbered(1));
      await pair.pass(700);
      assert.ok(timesOf(peer, 1).length > 1);
      peer.send(ackPacket(1));
      await pair.pass(5);
      assert.equal(socket.stats.srttMs, srttMs);
    });

    it("repeats what is lost and nothing else when one packet of many is", async () => {
      const pair = await Pair.make({ engine, link: { delayMs: 10 } });
      const { socket, peer } = await connectPair(pair);
      let lost = 0;
      const packets = watch(pair, ({ sequence, from }) => from === "a" && sequence === 30 && lost++ === 0);
      const [, messages] = await pair.settle(
        Promise.all([sendAll(socket, numbers(100).map(numbered)), receiveAll(peer)]),
      );
      assert.deepEqual(messages.map(numberOf), numbers(100));
      assert.equal(socket.stats.retransmitted, 1);
      const [first, second] = packets.filter(({ from, sequence }) => from === "a" && sequence === 30);
      assert.ok(second!.atMs - first!.atMs <= 40, `repeated after ${second!.atMs - first!.atMs} ms`);
    });
  });

  describe(`the sender "legacy" (${engine})`, () => {
    it("has 4 messages in flight", async () => {
      const { pair, peer, socket } = await withHandPeer(engine, { sender: "legacy" });
      for (const i of numbers(20)) await socket.send(numbered(i));
      await pair.pass(100);
      assert.equal(peer.last!.sequence, 3);
      peer.send(ackPacket(1));
      await pair.pass(5);
      assert.equal(peer.last!.sequence, 5);
    });

    it("repeats each message 1500 ms after it was sent last, always", async () => {
      const { pair, peer, socket } = await withHandPeer(engine, { sender: "legacy" });
      await socket.send(numbered(0));
      await pair.pass(400);
      await socket.send(numbered(1));
      for (const _ of numbers(9)) {
        for (const _ of numbers(5)) peer.send(ackPacket(undefined)); // repetitions say nothing to it
        await pair.pass(1000);
      }
      const expected = numbers(6).map((i) => 1500 * i);
      assert.deepEqual(timesOf(peer, 0).slice(0, 6), expected);
      assert.deepEqual(timesOf(peer, 1).slice(0, 6), expected);
    });

    it("carries a conversation through loss", async () => {
      const pair = await Pair.make({ engine, seed: 4, link: { loss: { model: "bernoulli", p: 0.1 } } });
      const { socket, peer } = await connectPair(pair, { sender: "legacy" });
      const both = [socket, peer].map((end) => [sendAll(end, numbers(60).map(numbered)), receiveAll(end)]);
      const [, atSocket, , atPeer] = await pair.settle(Promise.all(both.flat()), 120_000);
      assert.deepEqual(
        [atSocket, atPeer].map((list) => list!.map(numberOf)),
        [numbers(60), numbers(60)],
      );
    });
  });

  describe(`a peer that behaves as deployed ones do (${engine})`, () => {
    it("gets everything although it does not acknowledge a duplicate: its next acknowledgement repairs that", async () => {
      const { pair, peer, socket } = await withHandPeer(engine);
      let next = 0;
      let acks = 0;
      const got: number[] = [];
      peer.react = ({ sequence, message, isShutdown }) => {
        if (sequence !== next) return; // older or later: not a word
        got.push(message.length > 0 ? numberOf(message) : -1);
        next += 1;
        acks += 1;
        if (acks % 3 !== 0) peer.send(ackPacket(sequence)); // every third is lost
        if (isShutdown) peer.send(dataPacket(0, new Uint8Array(0), { flags: 1, ack: sequence }));
      };
      const keepAlive = setKeepAlive(pair, () => peer.send(ackPacket((next - 1) & 0xffff)));
      const closing = (async () => {
        await sendAll(socket, numbers(50).map(numbered));
        await socket.close();
      })();
      await pair.settle(closing);
      keepAlive.stop();
      assert.deepEqual(
        got.filter((number) => number >= 0),
        numbers(50),
      );
    });
  });
}

/** Call `send` every 1500 ms of virtual time. */
function setKeepAlive(pair: Pair, send: () => void) {
  let isStopped = false;
  const again = () => {
    pair.clock.setTimer(pair.clock.now() + 1500, () => {
      if (isStopped) return;
      send();
      again();
    });
  };
  again();
  return {
    stop: () => {
      isStopped = true;
    },
  };
}
