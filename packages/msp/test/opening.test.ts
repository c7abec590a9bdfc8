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
import { ackPacket, dataPacket, EXTENSION, FIRST, watch } from "./support/wire.ts";

for (const engine of ENGINES) {
  describe(`opening a connection (${engine})`, () => {
    it("sends what is sent right after connect() in the first packet, without waiting for the peer", async () => {
      const pair = await Pair.make({ engine });
      const packets = watch(pair);
      const { a, b } = pair.meshes();
      const listener = await b.listen(PORT);
      const socket = await a.connect(pair.b.identities[0]!, PORT);
      await socket.send(pattern(10));
      const peer = (await pair.settle(listener.accept()))!;
      assert.deepEqual(await pair.settle(peer.receive()), pattern(10));
      const first = packets[0]!;
      assert.equal(first.atMs, 0);
      assert.deepEqual([...first.bytes], [EXTENSION | FIRST, 0xff, 0xff, 0, 0, ...pattern(10)]);
    });

    it("to a SID that stands for any, all or the node itself is refused at the call", async () => {
      const pair = await Pair.make({ engine });
      const { a } = pair.meshes();
      for (const hex of ["00".repeat(32), "ff".repeat(32), `${"00".repeat(31)}07`]) {
        await assert.rejects(a.connect(hex, PORT), withCode("address"));
      }
    });

    for (const extension of [false, true]) {
      it(`needs no data: a first packet of ${extension ? 4 : 3} bytes, answered at once`, async () => {
        const pair = await Pair.make({ engine });
        const packets = watch(pair);
        const { socket, peer } = await connectPair(pair, { extension });
        assert.equal(pair.clock.now(), 2, "one round trip");
        const opening = extension ? [EXTENSION | FIRST, 0xff, 0xff, 0] : [FIRST, 0xff, 0xff];
        assert.deepEqual([...packets[0]!.bytes], opening);
        assert.equal(packets[1]!.from, "b");
        assert.equal(packets[1]!.atMs, 1, "the listener does not wait for a timer");
        assert.equal(packets[1]!.isExtendedAck, extension);
        const answer = [extension ? 0xc0 : 0, 0xff, 0xff];
        assert.deepEqual(
          [...packets[1]!.bytes.subarray(0, 3)],
          answer,
          "no FIRST, and no ACK for what never came",
        );
        assert.equal(packets[1]!.bytes.length, extension ? 22 : 3);
        assert.equal(socket.remote.port, PORT);
        assert.deepEqual(peer.remote, socket.local);
        assert.deepEqual(peer.local, socket.remote);
      });
    }

    it("is answered again if it comes again: the answer was lost", async () => {
      const pair = await Pair.make({ engine });
      let lost = 0;
      const packets = watch(pair, ({ from }) => from === "b" && lost++ < 2);
      await connectPair(pair);
      const times = packets.filter(({ from }) => from === "b").map(({ atMs }) => Math.floor(atMs / 10) * 10);
      const asked = packets.filter(({ from }) => from === "a").map(({ atMs }) => Math.floor(atMs / 10) * 10);
      assert.deepEqual(times, asked, "each at once");
      assert.equal(times.length, 3);
    });

    it("lets the listener's side speak first", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      await peer.send(pattern(7));
      assert.deepEqual(await pair.settle(socket.receive()), pattern(7));
    });

    it("sets FIRST on every packet until something is heard, then never again, and never sends fewer than 3 bytes", async () => {
      const pair = await Pair.make({ engine });
      const silent = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(silent.local.sid, PORT);
      await pair.pass(3000);
      for (let i = 0; i < 5; i += 1) await socket.send(numbered(i));
      await pair.pass(4100); // between two repetitions: none is on its way when the answer comes
      assert.ok(silent.received.length > 10, `only ${silent.received.length} packets in 7 s`);
      for (const { isFirst, bytes, ack } of silent.received) {
        assert.ok(isFirst, "FIRST is missing");
        assert.ok(bytes.length >= 3, `${bytes.length} bytes`);
        assert.equal(ack, undefined, "ACK, though nothing came");
      }
      const before = silent.received.length;
      silent.send(ackPacket(4));
      await pair.settle(socket.connected);
      await socket.send(numbered(5));
      await pair.pass(4000);
      assert.ok(silent.received.length > before);
      for (const { isFirst } of silent.received.slice(before)) assert.ok(!isFirst, "FIRST after the answer");
    });

    it("repeats an opening packet without data each second until it is answered", async () => {
      const pair = await Pair.make({ engine });
      const silent = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      await a.connect(silent.local.sid, PORT);
      await pair.pass(3500);
      assert.deepEqual(
        silent.received.map(({ atMs, bytes }) => [atMs, bytes.length]),
        [1, 1001, 2001, 3001].map((atMs) => [atMs, 4]),
      );
    });

    it("sets ACK only once data has come, with 0xffff as long as number 0 is missing", async () => {
      const pair = await Pair.make({ engine });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(peer.local.sid, PORT);
      await pair.pass(5);
      peer.send(ackPacket(undefined));
      await pair.settle(socket.connected);
      await socket.send(numbered(0));
      await pair.pass(5);
      assert.ok(peer.last!.isData);
      assert.equal(peer.last!.ack, undefined, "an empty packet is no data");
      peer.send(dataPacket(1, pattern(3, 1), { ack: 0 }));
      await pair.pass(5);
      assert.equal(peer.last!.ack, 0xffff, "number 0 is missing");
      peer.send(dataPacket(0, pattern(3, 0), { ack: 0 }));
      assert.deepEqual(await pair.settle(socket.receive()), pattern(3, 0));
      assert.deepEqual(await pair.settle(socket.receive()), pattern(3, 1));
      socket.acknowledge();
      await pair.pass(5);
      assert.equal(peer.last!.ack, 1);
    });

    it("sends no more than the first flight before anything is heard", async () => {
      const pair = await Pair.make({ engine });
      const silent = new HandPeer(pair, PORT);
      const { a } = pair.meshes({ firstFlightPackets: 5 });
      const socket = await a.connect(silent.local.sid, PORT);
      const sending = sendAll(
        socket,
        Array.from({ length: 40 }, (_, i) => numbered(i)),
      );
      await pair.settle(sending);
      await pair.pass(5000);
      assert.equal(Math.max(...silent.received.map(({ sequence }) => sequence ?? 0)), 4);
      silent.react = ({ sequence }) => silent.send(ackPacket(sequence));
      silent.send(ackPacket(4));
      await pair.pass(100);
      assert.equal(Math.max(...silent.received.map(({ sequence }) => sequence ?? 0)), 39);
    });

    it("fails after exactly 10 s if nobody is there", async () => {
      const pair = await Pair.make({ engine });
      await pair.pass(12_345);
      const { a } = pair.meshes();
      const socket = await a.connect(pair.b.identities[0]!, PORT);
      await socket.send(pattern(1));
      const receiving = assert.rejects(socket.receive(), withCode("timeout"));
      await assert.rejects(pair.settle(socket.closed), withCode("timeout"));
      assert.equal(pair.clock.now(), 12_345 + 10_000);
      await assert.rejects(socket.connected, withCode("timeout"));
      await assert.rejects(socket.send(pattern(1)), withCode("timeout"));
      await receiving;
    });

    it("holds everything while there is no route, tries every 50 ms, and connects as soon as there is one", async () => {
      const pair = await Pair.make({ engine });
      pair.a.hasRoute = false;
      const tries = watch(pair);
      const { a, b } = pair.meshes();
      const listener = await b.listen(PORT);
      const socket = await a.connect(pair.b.identities[0]!, PORT);
      const sending = sendAll(
        socket,
        Array.from({ length: 100 }, (_, i) => numbered(i)),
      );
      await pair.pass(4990);
      assert.deepEqual(
        tries.map(({ atMs }) => atMs),
        Array.from({ length: 100 }, (_, i) => 50 * i),
        "one try each 50 ms",
      );
      pair.a.hasRoute = true;
      const peer = (await pair.settle(listener.accept()))!;
      assert.equal(pair.clock.now(), 5001);
      const messages = await pair.settle(receiveAll(peer));
      await sending;
      assert.deepEqual(
        messages.map(numberOf),
        Array.from({ length: 100 }, (_, i) => i),
      );
      assert.equal(socket.stats.retransmitted, 0, "what never left was not sent again");
      assert.equal(a.counters["msp.no-route"], 100);
    });

    it("fails after 10 s without a route", async () => {
      const pair = await Pair.make({ engine });
      pair.a.hasRoute = false;
      const { a } = pair.meshes();
      const socket = await a.connect(pair.b.identities[0]!, PORT);
      await assert.rejects(pair.settle(socket.closed), withCode("timeout"));
      assert.equal(pair.clock.now(), 10_000);
    });

    it("is refused where the port is bound but nobody listens: stopped, within a round trip", async () => {
      const pair = await Pair.make({ engine });
      const { a, b } = pair.meshes();
      const taken = await b.connect(pair.a.identities[0]!, 99, {
        local: { sid: pair.b.identities[0]!, port: PORT },
      });
      const socket = await a.connect(pair.b.identities[0]!, PORT);
      const [connected, closed] = [stateOf(socket.connected), stateOf(socket.closed)];
      await assert.rejects(pair.settle(socket.closed), withCode("stopped"));
      assert.equal(pair.clock.now(), 2);
      assert.deepEqual([connected.now, closed.now], ["rejected", "rejected"]);
      taken.stop();
    });

    it("works when both connect to each other at the same time", async () => {
      const pair = await Pair.make({ engine });
      const { a, b } = pair.meshes();
      const [sidA, sidB] = [pair.a.identities[0]!, pair.b.identities[0]!];
      const fromA = await a.connect(sidB, 700, { local: { sid: sidA, port: 600 } });
      const fromB = await b.connect(sidA, 600, { local: { sid: sidB, port: 700 } });
      const both = Promise.all([
        sendAll(fromA, [numbered(1), numbered(2)]),
        sendAll(fromB, [numbered(3), numbered(4)]),
        receiveAll(fromA),
        receiveAll(fromB),
      ]);
      const [, , atA, atB] = await pair.settle(both);
      assert.deepEqual(
        [atA.map(numberOf), atB.map(numberOf)],
        [
          [3, 4],
          [1, 2],
        ],
      );
      assert.deepEqual(await pair.settle(Promise.all([fromA.closed, fromB.closed])), ["clean", "clean"]);
    });
  });
}
