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
import { ackPacket, dataPacket, SHUTDOWN } from "./support/wire.ts";

const SIZES = [1, 2, 1023, 1024, 1, 1024, 512];

for (const engine of ENGINES) {
  describe(`messages (${engine})`, () => {
    it("keep their boundaries, from 1 to 1024 bytes", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      const sent = SIZES.map((size, i) => pattern(size, i));
      const [, received] = await pair.settle(Promise.all([sendAll(socket, sent), receiveAll(peer)]));
      assert.deepEqual(received, sent);
    });

    it("that are no Uint8Array are refused at the call, and nothing is sent", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      for (const wrong of ["hello", [1, 2], new Uint16Array(2), new ArrayBuffer(3), null, undefined]) {
        await assert.rejects(socket.send(wrong as unknown as Uint8Array), withCode("argument"));
      }
      await socket.send(numbered(7));
      assert.deepEqual(await pair.settle(peer.receive()), numbered(7));
    });

    it("of 0 or 1025 bytes are a RangeError at the call, and nothing is sent", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      for (const size of [0, 1025, 100_000]) {
        await assert.rejects(socket.send(new Uint8Array(size)), {
          name: "RangeError",
          message: `a message has 1 to 1024 bytes, not ${size}`,
        });
      }
      const [, received] = await pair.settle(Promise.all([sendAll(socket, [pattern(1)]), receiveAll(peer)]));
      assert.deepEqual(received, [pattern(1)]);
    });

    it("of a wrong length are refused at the call even while others wait for room", async () => {
      const pair = await Pair.make({ engine });
      const { socket } = await connectPair(pair, { windowPackets: 1, sendQueueMessages: 1 });
      await socket.send(pattern(1));
      const waiting = socket.send(pattern(1));
      const refused = stateOf(socket.send(new Uint8Array(1025)));
      await pair.pass(0);
      assert.equal(refused.now, "rejected");
      socket.stop();
      await assert.rejects(waiting);
    });

    it("are copied at the call: the caller's buffer may be used again", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      const buffer = pattern(100);
      await socket.send(buffer);
      buffer.fill(0);
      const got = (await pair.settle(peer.receive()))!;
      assert.deepEqual(got, pattern(100));
      await socket.send(pattern(100, 1));
      await pair.settle(peer.receive());
      assert.deepEqual(got, pattern(100), "what was received is the receiver's own copy");
    });

    it("up to 1195 bytes are taken in; longer ones are dropped and counted", async () => {
      const pair = await Pair.make({ engine });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(peer.local.sid, PORT);
      await pair.pass(5);
      let sequence = 0;
      for (const size of [1024, 1025, 1194, 1195]) {
        peer.send(dataPacket(sequence, pattern(size, size)));
        sequence += 1;
        assert.deepEqual(await pair.settle(socket.receive()), pattern(size, size));
      }
      peer.send(dataPacket(sequence, pattern(1196)));
      peer.send(dataPacket(sequence, pattern(1275)));
      await pair.pass(5);
      assert.equal(a.counters["msp.oversize"], 2);
      peer.send(dataPacket(sequence, pattern(9)));
      assert.deepEqual(await pair.settle(socket.receive()), pattern(9), "the number is still free");
    });

    it("of no bytes are never seen by the application, but acknowledged", async () => {
      const pair = await Pair.make({ engine });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(peer.local.sid, PORT);
      await pair.pass(5);
      const none = new Uint8Array(0);
      // In order, out of order, between others, and two in a row.
      peer.send(dataPacket(0, none));
      await pair.pass(5);
      assert.equal(peer.last!.ack, 0, "acknowledged without being asked for");
      peer.send(dataPacket(2, pattern(1, 2)));
      peer.send(dataPacket(3, none));
      peer.send(dataPacket(4, none));
      peer.send(dataPacket(1, none));
      assert.deepEqual(await pair.settle(socket.receive()), pattern(1, 2));
      const next = socket.receive();
      await pair.pass(5);
      assert.equal(peer.last!.ack, 4, "those after the message went with it");
      peer.send(dataPacket(5, none, { flags: SHUTDOWN }));
      assert.equal(await pair.settle(next), undefined);
      await pair.pass(5);
      assert.equal(peer.last!.ack, 5);
    });

    it("after a SHUTDOWN are not delivered, whatever number they have and whenever they came", async () => {
      const pair = await Pair.make({ engine });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(peer.local.sid, PORT);
      await pair.pass(5);
      peer.send(dataPacket(3, pattern(1, 3)));
      peer.send(dataPacket(0, pattern(1, 0)));
      peer.send(dataPacket(1, pattern(1, 1), { flags: SHUTDOWN }));
      peer.send(dataPacket(2, pattern(1, 2)));
      await pair.pass(5); // all of them are there before the first is taken
      const received = receiveAll(socket);
      assert.deepEqual(await pair.settle(received), [pattern(1, 0), pattern(1, 1)]);
      peer.send(dataPacket(2, pattern(1, 2)));
      peer.send(dataPacket(4, pattern(1, 4)));
      await pair.pass(5);
      assert.equal(await pair.settle(socket.receive()), undefined);
      assert.equal(peer.last!.ack, 1, "nor acknowledged");
      assert.ok(a.counters["msp.data-after-shutdown"]! >= 2);
      peer.send(dataPacket(1, pattern(1, 1), { flags: SHUTDOWN }));
      await pair.pass(5);
      assert.equal(peer.last!.ack, 1, "a repeated SHUTDOWN is acknowledged again");
    });

    it("of no bytes after a SHUTDOWN are not taken either", async () => {
      const pair = await Pair.make({ engine });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(peer.local.sid, PORT);
      await pair.pass(5);
      peer.send(dataPacket(1, new Uint8Array(0)));
      peer.send(dataPacket(0, pattern(1), { flags: SHUTDOWN }));
      await pair.pass(5);
      assert.deepEqual(await pair.settle(receiveAll(socket)), [pattern(1)]);
      await pair.pass(5);
      assert.equal(peer.last!.ack, 0);
    });

    for (const [what, link] of Object.entries({
      reordering: { delayMs: 5, jitterMs: 40, jitterReorders: true },
      duplication: { delayMs: 5, duplicate: 0.5 },
      "both, and loss": {
        delayMs: 5,
        jitterMs: 40,
        jitterReorders: true,
        duplicate: 0.3,
        loss: { model: "bernoulli", p: 0.1 } as const,
      },
    })) {
      it(`arrive once each and in order, both ways, under ${what}`, async () => {
        const pair = await Pair.make({ engine, seed: 7, link });
        const { socket, peer } = await connectPair(pair);
        const numbers = Array.from({ length: 500 }, (_, i) => i);
        const [, , atPeer, atSocket] = await pair.settle(
          Promise.all([
            sendAll(socket, numbers.map(numbered)),
            sendAll(peer, numbers.map(numbered)),
            receiveAll(peer),
            receiveAll(socket),
          ]),
        );
        assert.deepEqual(atPeer.map(numberOf), numbers);
        assert.deepEqual(atSocket.map(numberOf), numbers);
        assert.deepEqual(await pair.settle(Promise.all([socket.closed, peer.closed])), ["clean", "clean"]);
      });
    }

    it("further ahead than the receive window are dropped and counted, and taken in once the window has moved", async () => {
      const pair = await Pair.make({ engine });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes({ receiveWindowMessages: 8 });
      const socket = await a.connect(peer.local.sid, PORT);
      await pair.pass(5);
      peer.send(dataPacket(7, pattern(1, 7)));
      await pair.pass(5);
      assert.equal(a.counters["msp.data-ahead"], undefined, "the last place of the window");
      peer.send(dataPacket(8, pattern(1, 8)));
      peer.send(dataPacket(32767, pattern(1, 9)));
      await pair.pass(5);
      assert.equal(a.counters["msp.data-ahead"], 2);
      for (let i = 0; i < 7; i += 1) peer.send(dataPacket(i, pattern(1, i)));
      for (let i = 0; i < 8; i += 1)
        assert.deepEqual(await pair.settle(socket.receive()), pattern(1, i), `${i}`);
      peer.send(dataPacket(8, pattern(1, 8)));
      assert.deepEqual(await pair.settle(socket.receive()), pattern(1, 8));
    });

    it("with numbers behind are duplicates: dropped, counted, and acknowledged again at once", async () => {
      const pair = await Pair.make({ engine });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(peer.local.sid, PORT);
      await pair.pass(5);
      peer.send(dataPacket(0, pattern(1, 0)));
      await pair.settle(socket.receive());
      socket.acknowledge();
      await pair.pass(5);
      const before = peer.received.length;
      peer.send(dataPacket(0, pattern(1, 99)));
      peer.send(dataPacket(32769, pattern(1, 98))); // 32768 ahead of 1 is behind
      await pair.pass(2);
      assert.equal(a.counters["msp.data-duplicate"], 2);
      assert.deepEqual(
        peer.received.slice(before).map(({ ack }) => ack),
        [0, 0],
      );
      peer.send(dataPacket(1, pattern(1, 1)));
      assert.deepEqual(await pair.settle(socket.receive()), pattern(1, 1));
    });

    it("that are no MSP packets are counted, never answered, and do not count as a sign of life", async () => {
      const pair = await Pair.make({ engine });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(peer.local.sid, PORT);
      await pair.pass(5);
      const connected = stateOf(socket.connected);
      peer.send(new Uint8Array(0));
      for (const flags of [0x00, 0x04, 0x07, 0x70, 0xf0]) {
        peer.send(Uint8Array.of(flags));
        peer.send(Uint8Array.of(flags, 0xff));
      }
      peer.send(Uint8Array.of(0x08, 0xff)); // STOP counts only in a packet of one byte
      await pair.pass(5);
      assert.equal(a.counters["msp.empty"], 1);
      assert.equal(a.counters["msp.nothing"], 9);
      assert.equal(a.counters["msp.extension-unknown"], 2, "80 makes of 70 a type that is not defined");
      assert.equal(connected.now, "pending");
      assert.equal(peer.received.length, 1, "the opening packet alone");
      peer.send(ackPacket(undefined, 0x70)); // unused flags are ignored
      await pair.settle(socket.connected);
    });
  });
}
