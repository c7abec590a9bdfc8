import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HandPeer } from "./support/hand-peer.ts";
import { ENGINES, Pair, pattern } from "./support/pair.ts";
import {
  connectPair,
  numbered,
  numberOf,
  PORT,
  receiveAll,
  sendAll,
  stateOf,
  withCode,
} from "./support/streams.ts";
import { ackPacket, watch } from "./support/wire.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

for (const engine of ENGINES) {
  describe(`keep-alive (${engine})`, () => {
    it("goes out 1.5 s after the last packet, from either end, for as long as the connection is idle", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      const packets = watch(pair);
      const startMs = pair.clock.now();
      await pair.pass(60_000);
      const times = (end: "a" | "b") =>
        packets.filter(({ from }) => from === end).map(({ atMs }) => atMs - startMs);
      // a spoke last at 0, b at 1.
      assert.deepEqual(times("a").slice(0, 3), [1498, 2998, 4498]);
      assert.deepEqual(times("b").slice(0, 3), [1499, 2999, 4499]);
      assert.ok(packets.every(({ isExtendedAck, ack }) => isExtendedAck && ack === undefined));
      assert.deepEqual([stateOf(socket.closed).now, stateOf(peer.closed).now], ["pending", "pending"]);
      assert.equal(packets.length, 80);
    });

    it("is not sent while other packets are", async () => {
      const pair = await Pair.make({ engine });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(peer.local.sid, PORT);
      await pair.pass(5);
      peer.send(ackPacket(undefined));
      peer.react = ({ sequence }) => {
        if (sequence !== undefined) peer.send(ackPacket(sequence));
      };
      await pair.settle(socket.connected);
      for (const i of numbers(20)) {
        await socket.send(numbered(i));
        await pair.pass(1000);
      }
      assert.equal(peer.received.filter(({ isData }) => !isData).length, 1, "the opening packet alone");
    });
  });

  describe(`patience (${engine})`, () => {
    it("ends 10 s after the last packet that came, on both sides, with a timeout that tells every call", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair, { sendQueueMessages: 256 });
      const sends = numbers(600).map((i) => socket.send(pattern(1024, i)));
      const settled = Promise.allSettled(sends);
      const receiving = receiveAll(peer);
      receiving.catch(() => {});
      const heard = { a: 0, b: 0 };
      const packets = watch(pair);
      await pair.pass(3);
      pair.link.configure({ up: false });
      for (const { from, atMs } of packets) heard[from === "a" ? "b" : "a"] = Math.max(atMs, 0) + 1;
      await assert.rejects(pair.settle(socket.closed), withCode("timeout"));
      const endA = pair.clock.now();
      await assert.rejects(pair.settle(peer.closed), withCode("timeout"));
      const endB = pair.clock.now();
      // What was on its way when the link went down still arrived.
      assert.ok(Math.abs(endA - heard.a - 10_000) <= 1, `a gave up at ${endA}, had heard at ${heard.a}`);
      assert.ok(Math.abs(endB - heard.b - 10_000) <= 1, `b gave up at ${endB}, had heard at ${heard.b}`);
      const rejected = (await settled).filter(({ status }) => status === "rejected");
      assert.ok(rejected.length > 100, "most were waiting for room");
      for (const { reason } of rejected as PromiseRejectedResult[]) assert.equal(reason.code, "timeout");
      await assert.rejects(receiving, withCode("timeout"));
      await assert.rejects(socket.send(pattern(1)), withCode("timeout"));
      await assert.rejects(socket.receive(), withCode("timeout"));
    });

    it("lets what had arrived be received before the error comes", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      for (const i of numbers(5)) await socket.send(numbered(i));
      await pair.pass(5);
      pair.link.configure({ up: false });
      await assert.rejects(pair.settle(peer.closed), withCode("timeout"));
      for (const i of numbers(5)) assert.equal(numberOf((await peer.receive())!), i);
      await assert.rejects(peer.receive(), withCode("timeout"));
    });

    it("outlasts a link that is down for 8 s in the middle of a transfer: nothing lost, no error", async () => {
      const pair = await Pair.make({ engine, link: { rateBitsPerSecond: 1e6, queuePackets: 20 } });
      const { socket, peer } = await connectPair(pair);
      const both = Promise.all([sendAll(socket, numbers(2000).map(numbered)), receiveAll(peer)]);
      await pair.pass(300);
      pair.link.configure({ up: false });
      await pair.pass(8000);
      pair.link.configure({ up: true });
      const [, messages] = await pair.settle(both);
      assert.deepEqual(messages.map(numberOf), numbers(2000));
      await pair.settle(peer.close());
      assert.equal(await socket.closed, "clean");
    });

    it("outlasts 8 s without a route in the middle of a transfer, and goes on within 50 ms", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      const received: number[] = [];
      const reading = (async () => {
        for await (const message of peer) received.push(numberOf(message));
      })();
      const sending = sendAll(socket, numbers(2000).map(numbered));
      await pair.pass(10);
      pair.a.hasRoute = false;
      await pair.pass(8000);
      pair.a.hasRoute = true;
      const before = received.length;
      await pair.pass(55);
      assert.ok(received.length > before);
      await pair.settle(Promise.all([sending, reading]));
      assert.deepEqual(received, numbers(2000));
    });

    // 10 s, less a keep-alive interval before the silence and one after it.
    it("outlasts 6.9 s without a link on an idle connection, again and again", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      for (const i of numbers(5)) {
        pair.link.configure({ up: false });
        await pair.pass(6900);
        pair.link.configure({ up: true });
        await pair.pass(1600 + 10 * i);
        await socket.send(numbered(i));
        assert.equal(numberOf((await pair.settle(peer.receive()))!), i);
      }
    });

    it("ends on the side that hears nothing even if its own packets arrive", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      pair.link.bToA.configure({ up: false });
      await assert.rejects(pair.settle(socket.closed), withCode("timeout"));
      const endMs = pair.clock.now();
      assert.ok(endMs <= 10_002, `${endMs} ms`);
      pair.link.bToA.configure({ up: true });
      // b's next keep-alive meets no connection and is answered with STOP.
      await assert.rejects(pair.settle(peer.closed), withCode("stopped"));
      assert.ok(pair.clock.now() - endMs <= 1502);
    });
  });
}
