import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Mesh } from "../src/stream/mesh.ts";
import type { MspSocket } from "../src/stream/socket.ts";
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
import { ackPacket, dataPacket, FIRST, watch } from "./support/wire.ts";

const MIB = 1 << 20;
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const free = (pair: Pair) => [pair.a.core.freeSlotCount, pair.b.core.freeSlotCount];

/** Connect `count` times from a to a listener on b; both ends of each, in one order. */
async function connectMany(pair: Pair, meshes: { a: Mesh; b: Mesh }, count: number) {
  const listener = await meshes.b.listen(PORT);
  const sockets: MspSocket[] = [];
  const peers: MspSocket[] = [];
  for (const _ of numbers(count)) {
    sockets.push(await meshes.a.connect(pair.b.identities[0]!, PORT));
    peers.push((await pair.settle(listener.accept()))!);
  }
  return { listener, sockets, peers };
}

for (const engine of ENGINES) {
  describe(`limits (${engine})`, () => {
    it("connectionsLimit: connect() is refused, a peer is not answered and counted, until one closes", async () => {
      const pair = await Pair.make({ engine });
      const meshes = pair.meshes({ connectionsLimit: 3 });
      const { listener, sockets, peers } = await connectMany(pair, meshes, 3);
      await assert.rejects(meshes.a.connect(pair.b.identities[0]!, PORT), withCode("again"));
      const stranger = { sid: pair.a.identities[1]!, port: 99 };
      const packets = watch(pair);
      pair.b.take({ from: stranger, to: peers[0]!.local, bytes: ackPacket(undefined, FIRST) });
      await pair.pass(100);
      assert.equal(meshes.b.counters["msp.connections-limit"], 1);
      assert.equal(packets.length, 0);
      await sockets[0]!.send(numbered(1));
      assert.equal(numberOf((await pair.settle(peers[0]!.receive()))!), 1, "the others are as they were");
      sockets[1]!.stop();
      await assert.rejects(pair.settle(peers[1]!.closed), withCode("stopped"));
      await meshes.a.connect(pair.b.identities[0]!, PORT);
      assert.notEqual(await pair.settle(listener.accept()), undefined);
    });

    it("a refused connect() leaves nothing behind: neither a slot nor a port", async () => {
      const pair = await Pair.make({ engine });
      const meshes = pair.meshes({ connectionsLimit: 1 });
      const { sockets } = await connectMany(pair, meshes, 1);
      const before = free(pair);
      const local = { sid: pair.a.identities[0]!, port: 600 };
      for (const _ of numbers(3)) {
        await assert.rejects(
          meshes.a.connect(pair.b.identities[0]!, PORT, { local }),
          withCode("again"),
          "not port-in-use",
        );
      }
      assert.deepEqual(free(pair), before);
      sockets[0]!.stop();
      await pair.pass(5);
      await meshes.a.connect(pair.b.identities[0]!, PORT, { local });
    });

    it("a pool that is used up refuses a connection like any other limit", async () => {
      const pair = await Pair.make({ engine, poolBytes: MIB });
      const { a } = pair.meshes({ connectionsLimit: 65_536 });
      const before = free(pair);
      const sockets: MspSocket[] = [];
      let refusal: unknown;
      while (refusal === undefined && sockets.length < 1000) {
        await a.connect(pair.b.identities[0]!, PORT).then(
          (socket) => sockets.push(socket),
          (error) => {
            refusal = error;
          },
        );
      }
      assert.equal((refusal as { code?: string }).code, "again", String(refusal));
      assert.ok(sockets.length > 200, `${sockets.length}`);
      for (const socket of sockets) socket.stop();
      await pair.pass(5);
      assert.deepEqual(free(pair), before);
    });

    it("a pool that many connections exhaust slows all of them and stops none", async () => {
      const pair = await Pair.make({ engine, poolBytes: MIB, link: { delayMs: 5 } });
      const before = free(pair);
      const meshes = pair.meshes({ sendQueueMessages: 256 });
      const { sockets, peers } = await connectMany(pair, meshes, 40);
      const messages = numbers(100).map((i) => pattern(1024, i));
      const work = [...sockets, ...peers].flatMap((socket) => [
        sendAll(socket, messages),
        receiveAll(socket).then((received) => assert.deepEqual(received, messages)),
      ]);
      let least = Number.POSITIVE_INFINITY;
      watch(pair, () => {
        least = Math.min(least, ...free(pair));
        return false;
      });
      await pair.settle(Promise.all(work), 300_000);
      assert.ok(least < 100, `the test is idle: ${least} slots were always free`);
      await pair.settle(Promise.all([...sockets, ...peers].map(({ closed }) => closed)));
      assert.deepEqual(free(pair), before);
    });

    it("a pool filled by what both ends want to send leaves room to receive", async () => {
      const pair = await Pair.make({ engine, poolBytes: MIB });
      const before = free(pair);
      const meshes = pair.meshes({ sendQueueMessages: 8190 });
      const { sockets, peers } = await connectMany(pair, meshes, 2);
      const messages = numbers(2000).map(numbered);
      const sending = [...sockets, ...peers].map((socket) => sendAll(socket, messages));
      await pair.pass(100);
      const receiving = [...sockets, ...peers].map((socket) => receiveAll(socket));
      const [received] = await pair.settle(Promise.all([Promise.all(receiving), ...sending]), 600_000);
      for (const list of received) assert.deepEqual(list.map(numberOf), numbers(2000));
      await pair.settle(Promise.all([...sockets, ...peers].map(({ closed }) => closed)));
      assert.deepEqual(free(pair), before);
    });

    it("a shutdown() that finds the pool empty is said as soon as there is a slot", async () => {
      const pair = await Pair.make({ engine, poolBytes: MIB });
      const meshes = pair.meshes({ sendQueueMessages: 8190, receiveWindowMessages: 256 });
      const { sockets, peers } = await connectMany(pair, meshes, 60);
      const [full, idle, ...others] = sockets as [MspSocket, MspSocket, ...MspSocket[]];
      const senders = [full, others[0]!, others[1]!];
      const filling = senders.flatMap((socket) => numbers(400).map((i) => socket.send(numbered(i))));
      // Sending leaves some slots free. What comes for 58 connections, and is not read, takes them.
      for (const peer of peers.slice(2)) await peer.send(numbered(1));
      await pair.pass(100);
      assert.equal(pair.a.core.freeSlotCount, 0);
      idle.shutdown();
      await pair.pass(3000);
      const ended = stateOf(peers[1]!.receive());
      await pair.pass(3000);
      assert.equal(ended.now, "pending", "the test is idle: there was a slot");
      for (const other of others) {
        await pair.settle(other.receive());
        other.acknowledge();
      }
      await pair.pass(2000);
      assert.equal(ended.now, "resolved");
      const received = [0, 2, 3].map((index) => receiveAll(peers[index]!));
      await pair.settle(Promise.all(filling));
      for (const socket of senders) socket.shutdown();
      for (const messages of await pair.settle(Promise.all(received)))
        assert.deepEqual(messages.map(numberOf), numbers(400));
    });

    it("messages out of order leave room for the missing one, and for other connections", async () => {
      const pair = await Pair.make({ engine, poolBytes: MIB });
      const { a } = pair.meshes({ receiveWindowMessages: 8192 });
      const listener = await a.listen(PORT);
      const flood = new HandPeer(pair, 700, { sid: pair.a.identities[0]!, port: PORT });
      flood.send(dataPacket(1, pattern(1000, 1), { flags: FIRST }));
      const socket = (await pair.settle(listener.accept()))!;
      for (let i = 2; i < 2000; i += 1) flood.send(dataPacket(i, pattern(1000, i)));
      await pair.pass(5);
      assert.ok(a.counters["msp.data-no-slot"]! > 1000);
      assert.ok(pair.a.core.freeSlotCount >= 8, `${pair.a.core.freeSlotCount} slots are free`);
      const other = new HandPeer(pair, 701, flood.remote);
      other.send(dataPacket(0, numbered(7), { flags: FIRST }));
      const second = (await pair.settle(listener.accept()))!;
      assert.equal(numberOf((await pair.settle(second.receive()))!), 7);
      flood.send(dataPacket(0, pattern(1000, 0)));
      for (const i of numbers(100)) assert.deepEqual(await pair.settle(socket.receive()), pattern(1000, i));
    });

    for (const end of [
      "close",
      "stop",
      "peer's stop",
      "timeout",
      "unread timeout",
      "transport loss",
    ] as const) {
      it(`every slot comes back after many connections end by ${end}`, async () => {
        const pair = await Pair.make({ engine, seed: 5 });
        const before = free(pair);
        const meshes = pair.meshes({ closedMemoryEntries: 3 });
        const { sockets, peers } = await connectMany(pair, meshes, 12);
        const all = [...sockets, ...peers];
        for (const socket of all) for (const i of numbers(20)) await socket.send(numbered(i));
        await pair.pass(5);
        assert.notDeepEqual(free(pair), before);
        const closed = Promise.allSettled(all.map((socket) => socket.closed));
        switch (end) {
          case "close":
            for (const socket of all.reverse()) socket.close();
            break;
          case "stop":
            for (const socket of all) socket.stop();
            break;
          case "peer's stop":
            for (const i of numbers(12)) (i % 2 === 0 ? sockets : peers)[i]!.stop();
            break;
          case "timeout":
            for (const socket of all) receiveAll(socket).catch(() => {});
            pair.link.configure({ up: false });
            break;
          case "unread timeout":
            pair.link.configure({ up: false });
            await pair.pass(11_000);
            // What had arrived may still be read; stop() gives it up.
            for (const socket of all) socket.stop();
            break;
          case "transport loss":
            for (const socket of all) receiveAll(socket).catch(() => {});
            pair.a.lose();
            pair.b.lose();
            break;
        }
        await pair.settle(closed);
        await pair.pass(0);
        assert.deepEqual(free(pair), before);
      });
    }

    it("closedMemoryEntries: the oldest closed connection is forgotten first", async () => {
      const pair = await Pair.make({ engine });
      const { a } = pair.meshes({ closedMemoryEntries: 2 });
      const listener = await a.listen(PORT);
      const accepting = (async () => {
        for await (const socket of listener) socket.stop();
      })();
      const peers = numbers(3).map((i) => new HandPeer(pair, 700 + i, { ...listener.local }));
      for (const peer of peers) {
        peer.send(ackPacket(undefined, FIRST));
        await pair.pass(5);
      }
      for (const peer of [...peers].reverse()) {
        peer.received.length = 0;
        peer.send(ackPacket(undefined, FIRST));
        await pair.pass(5);
      }
      assert.deepEqual(
        peers.map(({ received }) => received.map(({ isStop }) => isStop)),
        [[false, true], [true], [true]],
        "the first is accepted anew, the others are remembered",
      );
      listener.close();
      await accepting;
    });

    it("closedMemoryMs 0: nothing is remembered", async () => {
      const pair = await Pair.make({ engine });
      const { listener, socket, peer } = await connectPair(pair, { closedMemoryMs: 0 });
      await pair.settle(Promise.all([socket.close(), peer.close()]));
      const accepted = stateOf(listener.accept());
      pair.b.take({ from: socket.local, to: peer.local, bytes: ackPacket(undefined, FIRST) });
      await pair.pass(5);
      assert.equal(accepted.now, "resolved");
    });
  });
}
