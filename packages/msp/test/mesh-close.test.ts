import assert from "node:assert/strict";
import { describe, it } from "node:test";
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
import { watch } from "./support/wire.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

for (const engine of ENGINES) {
  describe(`closing a mesh (${engine})`, () => {
    it("with nothing open closes the transport at once", async () => {
      const pair = await Pair.make({ engine });
      const { a } = pair.meshes();
      await pair.settle(a.close());
      assert.equal(pair.clock.now(), 0);
      assert.ok(pair.a.isClosed);
    });

    it("closes listeners at once and sockets in good order: what was sent is delivered first", async () => {
      const pair = await Pair.make({ engine });
      const { meshes, listener, socket, peer } = await connectPair(pair);
      const accepting = listener.accept();
      const sends = Promise.all(numbers(500).map((i) => socket.send(numbered(i))));
      const closing = Promise.all([meshes.a.close(), meshes.b.close()]);
      assert.equal(await accepting, undefined);
      const received = receiveAll(peer);
      await pair.settle(closing);
      await sends;
      assert.ok(pair.a.isClosed && pair.b.isClosed);
      assert.deepEqual([await socket.closed, await peer.closed], ["clean", "clean"]);
      assert.deepEqual((await received).map(numberOf), numbers(500), "its reader kept pace");
    });

    it("waits for a peer that is not done yet", async () => {
      const pair = await Pair.make({ engine });
      const { meshes, socket, peer } = await connectPair(pair);
      await socket.send(numbered(1));
      const closing = meshes.a.close();
      const state = stateOf(closing);
      await pair.pass(60_000);
      assert.equal(state.now, "pending");
      assert.deepEqual((await pair.settle(receiveAll(peer))).map(numberOf), [1]);
      await pair.settle(peer.close());
      await pair.settle(closing);
      assert.ok(pair.a.isClosed);
    });

    it("never rejects, whatever becomes of the connections", async () => {
      const pair = await Pair.make({ engine });
      const { meshes, socket, peer } = await connectPair(pair);
      const nobody = await meshes.a.connect(pair.b.identities[0]!, 99);
      const stopped = await meshes.a.connect(pair.b.identities[0]!, PORT);
      await socket.send(pattern(1000));
      stopped.stop();
      await pair.pass(5);
      peer.stop();
      await pair.settle(meshes.a.close());
      assert.ok(pair.a.isClosed);
      assert.equal(pair.clock.now() >= 10_000, true, "nobody's time-out was waited for");
      await assert.rejects(nobody.closed, withCode("timeout"));
      await assert.rejects(socket.closed, withCode("stopped"));
    });

    it("twice waits for the same end; then every call is a state error", async () => {
      const pair = await Pair.make({ engine });
      const { meshes, socket, peer } = await connectPair(pair);
      const both = Promise.all([meshes.a.close(), meshes.a.close(), meshes.a[Symbol.asyncDispose]()]);
      await assert.rejects(meshes.a.listen(PORT), withCode("state"));
      await assert.rejects(meshes.a.connect(pair.b.identities[0]!, PORT), withCode("state"));
      await pair.settle(Promise.all([both, peer.close()]));
      await assert.rejects(meshes.a.connect(pair.b.identities[0]!, PORT), withCode("state"));
      assert.equal(await socket.closed, "clean");
      socket.stop();
      socket.shutdown();
      await socket.close();
      await assert.rejects(socket.send(pattern(1)), withCode("state"));
      assert.equal(await socket.receive(), undefined);
    });

    it("stays to repeat the last acknowledgement, at most 1.2 s, if the peer may miss it", async () => {
      for (const lostCount of [0, 1, 3]) {
        const pair = await Pair.make({ engine });
        const { meshes, socket, peer } = await connectPair(pair);
        await sendAll(socket, [numbered(1)]);
        await pair.settle(receiveAll(peer));
        for (const i of numbers(5)) {
          await peer.send(numbered(i));
          await pair.settle(socket.receive()); // so that b knows the round trip
        }
        await pair.pass(100);
        // b's SHUTDOWN is answered, but b does not hear of it.
        let lost = 0;
        watch(pair, ({ from, ack }) => from === "a" && ack === 5 && lost++ < lostCount);
        peer.shutdown();
        assert.equal(await pair.settle(socket.receive()), undefined);
        await pair.settle(socket.closed);
        const closedAtMs = pair.clock.now();
        const closing = meshes.a.close();
        const outcome = await pair.settle(peer.closed);
        await pair.settle(closing);
        assert.equal(outcome, "clean", `${lostCount} lost`);
        const stayedMs = pair.clock.now() - closedAtMs;
        assert.ok(stayedMs > 600 && stayedMs <= 1200, `stayed for ${stayedMs} ms`);
      }
    });

    it("stays for two repeats of a deployed peer, which come 1.5 s apart", async () => {
      const pair = await Pair.make({ engine });
      const { meshes, socket, peer } = await connectPair(pair, { extension: false });
      await sendAll(socket, [numbered(1)]);
      await pair.settle(receiveAll(peer));
      peer.shutdown();
      await pair.settle(socket.closed);
      const closedAtMs = pair.clock.now();
      await pair.settle(meshes.a.close());
      const stayedMs = pair.clock.now() - closedAtMs;
      assert.ok(stayedMs > 3000 && stayedMs <= 3200, `stayed for ${stayedMs} ms`);
    });

    it("does not stay if the peer is known to have it", async () => {
      const pair = await Pair.make({ engine });
      const { meshes, socket, peer } = await connectPair(pair);
      await sendAll(socket, [numbered(1)]);
      await pair.settle(receiveAll(peer));
      peer.shutdown();
      await pair.settle(peer.closed);
      const closedAtMs = pair.clock.now();
      await pair.settle(meshes.b.close());
      assert.equal(pair.clock.now(), closedAtMs, "b's SHUTDOWN answered a's, and was acknowledged");
    });

    it("leaves no timer and sends nothing any more", async () => {
      const pair = await Pair.make({ engine });
      const { meshes, socket } = await connectPair(pair);
      socket.stop();
      await pair.pass(3);
      await pair.settle(Promise.all([meshes.a.close(), meshes.b.close()]));
      const packets = watch(pair);
      assert.equal(pair.clock.pendingCount, 0);
      await pair.pass(60_000);
      assert.equal(packets.length, 0);
    });
  });

  describe(`the loss of the transport (${engine})`, () => {
    it("rejects everything that waits with transport-lost, on every connection and listener", async () => {
      const pair = await Pair.make({ engine });
      const { meshes, listener, socket, peer } = await connectPair(pair, {
        windowPackets: 2,
        sendQueueMessages: 2,
      });
      const unanswered = await meshes.b.connect(pair.a.identities[0]!, 99);
      const promises = [
        listener.accept(),
        listener.accept(),
        ...numbers(5)
          .map((i) => peer.send(numbered(i)))
          .slice(2),
        peer.receive(),
        peer.closed,
        unanswered.connected,
        unanswered.closed,
        unanswered.receive(),
      ];
      const checks = promises.map((promise) => assert.rejects(promise, withCode("transport-lost")));
      pair.b.lose();
      await pair.pass(0);
      await Promise.all(checks);
      const later = [
        listener.accept(),
        peer.send(numbered(1)),
        peer.receive(),
        peer.close(),
        meshes.b.listen(99),
        meshes.b.connect(pair.a.identities[0]!, 99),
        (async () => {
          for await (const _ of listener);
        })(),
      ];
      for (const promise of later) await assert.rejects(promise, withCode("transport-lost"));
      assert.equal(stateOf(socket.closed).now, "pending", "the other node goes on");
    });

    it("lets what had arrived be received first, and connections that had come be accepted", async () => {
      const pair = await Pair.make({ engine });
      const { a, b } = pair.meshes();
      const listener = await b.listen(PORT);
      const socket = await a.connect(pair.b.identities[0]!, PORT);
      for (const i of numbers(3)) await socket.send(numbered(i));
      await pair.pass(5);
      pair.b.lose();
      const peer = (await listener.accept())!;
      for (const i of numbers(3)) assert.equal(numberOf((await peer.receive())!), i);
      await assert.rejects(peer.receive(), withCode("transport-lost"));
      await assert.rejects(listener.accept(), withCode("transport-lost"));
    });

    it("is followed by silence, and close() comes to its end at once", async () => {
      const pair = await Pair.make({ engine });
      const { meshes, socket } = await connectPair(pair);
      await socket.send(numbered(1));
      await pair.pass(5);
      const packets = watch(pair);
      pair.b.lose();
      pair.b.lose();
      const lostAtMs = pair.clock.now();
      await pair.settle(meshes.b.close());
      assert.equal(pair.clock.now(), lostAtMs);
      assert.ok(pair.b.isClosed);
      await pair.pass(30_000);
      assert.ok(packets.every(({ from }) => from === "a"));
    });

    it("during close() does not keep it from its end", async () => {
      const pair = await Pair.make({ engine });
      const { meshes } = await connectPair(pair);
      const closing = meshes.b.close();
      await pair.pass(100);
      pair.b.lose();
      await pair.settle(closing);
      assert.ok(pair.b.isClosed);
    });
  });
}
