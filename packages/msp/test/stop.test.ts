import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ENGINES, Pair, pattern } from "./support/pair.ts";
import { connectPair, numbered, PORT, sendAll, stateOf, withCode } from "./support/streams.ts";
import { watch } from "./support/wire.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

for (const engine of ENGINES) {
  describe(`stop() (${engine})`, () => {
    it("tells the peer with one packet of one byte, and discards what had arrived there", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      for (const i of numbers(5)) await socket.send(numbered(i));
      await pair.pass(5);
      const packets = watch(pair);
      socket.stop();
      await assert.rejects(pair.settle(peer.closed), withCode("stopped"));
      assert.equal(packets[0]!.bytes.length, 1);
      await assert.rejects(peer.receive(), withCode("stopped"), "not the messages that it had sent before");
      await assert.rejects(peer.send(pattern(1)), withCode("stopped"));
      peer.shutdown();
      peer.stop();
      await pair.pass(30_000);
      assert.equal(packets.length, 1, "and nothing more is said");
    });

    it("rejects every call on this side as aborted", async () => {
      const pair = await Pair.make({ engine });
      const { socket } = await connectPair(pair, { windowPackets: 2, sendQueueMessages: 2 });
      const sends = numbers(10).map((i) => socket.send(numbered(i)));
      const pending = [...sends.slice(2), socket.receive(), socket.closed];
      const states = pending.map(stateOf);
      const checks = pending.map((promise) => assert.rejects(promise, withCode("aborted")));
      socket.stop();
      await pair.pass(0);
      await Promise.all(checks);
      assert.ok(states.every(({ now }) => now === "rejected"));
      await assert.rejects(socket.receive(), withCode("aborted"));
      await assert.rejects(socket.send(pattern(1)), withCode("state"));
      await assert.rejects(socket.close(), withCode("aborted"));
    });

    it("gives all memory back, on both sides", async () => {
      const pair = await Pair.make({ engine });
      const free = [pair.a.core.freeSlotCount, pair.b.core.freeSlotCount];
      const { socket, peer } = await connectPair(pair);
      for (const i of numbers(50)) await socket.send(numbered(i));
      for (const i of numbers(50)) await peer.send(numbered(i));
      await pair.pass(5);
      peer.stop();
      await assert.rejects(pair.settle(socket.closed), withCode("stopped"));
      assert.deepEqual([pair.a.core.freeSlotCount, pair.b.core.freeSlotCount], free);
    });

    it("in the turn of connect() opens nothing at the peer", async () => {
      const pair = await Pair.make({ engine });
      const { a, b } = pair.meshes();
      const listener = await b.listen(PORT);
      const accepted = stateOf(listener.accept());
      const packets = watch(pair);
      const socket = await a.connect(pair.b.identities[0]!, PORT);
      socket.stop();
      await assert.rejects(pair.settle(socket.connected), withCode("aborted"));
      await pair.pass(20_000);
      assert.equal(accepted.now, "pending");
      assert.ok(packets.every(({ from, isStop }) => from === "a" && isStop));
    });

    it("before the peer has answered reaches the peer all the same", async () => {
      const pair = await Pair.make({ engine });
      const { a, b } = pair.meshes();
      const listener = await b.listen(PORT);
      const socket = await a.connect(pair.b.identities[0]!, PORT);
      await socket.send(numbered(0));
      await pair.pass(0.5);
      socket.stop();
      await assert.rejects(socket.connected, withCode("aborted"));
      const peer = (await pair.settle(listener.accept()))!;
      await assert.rejects(pair.settle(peer.closed), withCode("stopped"));
      await assert.rejects(peer.receive(), withCode("stopped"));
      await pair.pass(20_000);
    });

    it("is told again whenever the peer sends a packet, if the first STOP was lost", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      let lost = 0;
      const packets = watch(pair, ({ isStop }) => isStop && lost++ < 3);
      peer.stop();
      await socket.send(numbered(0));
      await assert.rejects(pair.settle(socket.closed), withCode("stopped"));
      const stops = packets.filter(({ isStop }) => isStop);
      assert.ok(stops.length >= 4, "three were lost");
      const asked = packets.filter(({ from }) => from === "a");
      assert.ok(stops.slice(1).every(({ atMs }) => asked.some((packet) => packet.atMs + 1 === atMs)));
    });

    it("of an idle connection, lost, is told within a keep-alive interval", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      let lost = 0;
      watch(pair, ({ isStop }) => isStop && lost++ < 1);
      peer.stop();
      const startMs = pair.clock.now();
      await assert.rejects(pair.settle(socket.closed), withCode("stopped"));
      assert.ok(pair.clock.now() - startMs <= 1502);
    });

    it("by both at the same time is two STOPs and no more", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      const packets = watch(pair);
      socket.stop();
      peer.stop();
      await pair.pass(30_000);
      assert.equal(packets.length, 2);
      await assert.rejects(socket.closed, withCode("aborted"));
      await assert.rejects(peer.closed, withCode("aborted"));
    });

    it("twice, or after the end, does nothing", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      await pair.settle(Promise.all([socket.close(), peer.close()]));
      const packets = watch(pair);
      socket.stop();
      peer.stop();
      socket.stop();
      await pair.pass(20_000);
      assert.equal(packets.length, 0);
      assert.deepEqual(await Promise.all([socket.closed, peer.closed]), ["clean", "clean"]);
    });

    it("after shutdown() discards what is still queued", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      const free = pair.a.core.freeSlotCount;
      const packets = watch(pair);
      await sendAll(socket, numbers(200).map(numbered));
      socket.stop();
      await pair.pass(0);
      assert.ok(pair.a.core.freeSlotCount > free);
      await assert.rejects(pair.settle(peer.closed), withCode("stopped"));
      assert.ok(packets.every(({ isShutdown }) => !isShutdown));
    });
  });
}
