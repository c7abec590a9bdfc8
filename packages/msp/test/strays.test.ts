import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HandPeer } from "./support/hand-peer.ts";
import { ENGINES, Pair, pattern } from "./support/pair.ts";
import { connectPair, numbered, numberOf, PORT, stateOf } from "./support/streams.ts";
import { ACK, ackPacket, dataPacket, FIRST, SHUTDOWN, STOP, stopPacket } from "./support/wire.ts";

/** A node on a that listens on PORT, and a stranger on b who writes to it. */
async function withStranger(engine: "ts" | "wasm") {
  const pair = await Pair.make({ engine });
  const { a } = pair.meshes();
  const listener = await a.listen(PORT);
  const stranger = new HandPeer(pair, 700, { sid: pair.a.identities[0]!, port: PORT });
  return { pair, mesh: a, listener, stranger };
}

const STRAYS: Record<string, Uint8Array> = {
  "an acknowledgement": ackPacket(3),
  "a keep-alive": ackPacket(undefined),
  "a message": dataPacket(0, pattern(10)),
  "a message with an acknowledgement": dataPacket(9, pattern(10), { ack: 8 }),
  "a bare SHUTDOWN": dataPacket(1, new Uint8Array(0), { flags: SHUTDOWN, ack: 8 }),
};

for (const engine of ENGINES) {
  describe(`a packet that belongs to no connection (${engine})`, () => {
    for (const [what, bytes] of Object.entries(STRAYS)) {
      it(`is answered with one STOP of one byte: ${what}`, async () => {
        const { pair, mesh, listener, stranger } = await withStranger(engine);
        const accepted = stateOf(listener.accept());
        stranger.send(bytes);
        await pair.pass(20_000);
        assert.deepEqual(
          stranger.received.map((packet) => [...packet.bytes]),
          [[STOP]],
        );
        assert.equal(accepted.now, "pending");
        assert.equal(mesh.counters["msp.stray"], 1);
      });
    }

    it("is answered with STOP if it opens a connection to a port on which nobody listens any more", async () => {
      const { pair, mesh, listener, stranger } = await withStranger(engine);
      stranger.send(ackPacket(undefined, FIRST));
      const socket = (await pair.settle(listener.accept()))!; // keeps the port bound
      listener.close();
      const late = new HandPeer(pair, 701, stranger.remote);
      late.send(ackPacket(undefined, FIRST));
      late.send(dataPacket(0, pattern(10), { flags: FIRST }));
      await pair.pass(5);
      assert.deepEqual(
        late.received.map((packet) => [...packet.bytes]),
        [[STOP], [STOP]],
      );
      assert.equal(mesh.counters["msp.stray"], 2);
      socket.stop();
    });

    for (const bytes of [
      stopPacket(),
      Uint8Array.of(STOP | ACK | FIRST),
      Uint8Array.of(STOP, 1),
      Uint8Array.of(STOP | ACK, 1, 0),
      Uint8Array.of(STOP | FIRST, 1, 0),
      dataPacket(0, pattern(3), { flags: STOP }),
      dataPacket(0, pattern(3), { flags: STOP | FIRST }),
    ]) {
      it(`is never answered if it has STOP: ${bytes.length} bytes, flags ${bytes[0]}`, async () => {
        const { pair, listener, stranger } = await withStranger(engine);
        const accepted = stateOf(listener.accept());
        stranger.send(bytes);
        await pair.pass(20_000);
        assert.equal(stranger.received.length, 0);
        assert.equal(accepted.now, "pending");
      });
    }

    it("is not answered if it is none", async () => {
      const { pair, mesh, stranger } = await withStranger(engine);
      for (const bytes of [[], [0], [FIRST], [ACK, 0], [FIRST | SHUTDOWN, 0]])
        stranger.send(Uint8Array.from(bytes));
      stranger.send(dataPacket(0, new Uint8Array(1196)));
      await pair.pass(20_000);
      assert.equal(stranger.received.length, 0);
      assert.deepEqual(mesh.counters, { "msp.empty": 1, "msp.nothing": 4, "msp.oversize": 1 });
    });

    it("is answered at most 100 times at once and 100 times a second from then on, and the rest is counted", async () => {
      const { pair, mesh, stranger } = await withStranger(engine);
      for (let i = 0; i < 1000; i += 1) stranger.send(ackPacket(i));
      await pair.pass(5);
      assert.equal(stranger.received.length, 100);
      assert.equal(mesh.counters["msp.reply-limit"], 900);
      for (let i = 0; i < 2000; i += 1) {
        stranger.send(ackPacket(i & 0xff));
        await pair.pass(1);
      }
      const extra = stranger.received.length - 100;
      assert.ok(extra >= 195 && extra <= 205, `${extra} in two seconds`);
      await pair.pass(60_000);
      const before = stranger.received.length;
      for (let i = 0; i < 1000; i += 1) stranger.send(ackPacket(i));
      await pair.pass(5);
      assert.equal(stranger.received.length - before, 100, "a pause saves up no more than 100");
    });

    it("does not disturb a connection between other ports or other identities, not even a STOP", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      const [from, to] = [socket.local, peer.local];
      const others = [
        { from: { ...from, port: from.port + 1 }, to },
        { from: { ...from, sid: pair.a.identities[1]! }, to },
        { from, to: { ...to, sid: pair.b.identities[1]! } },
      ];
      for (const between of others) {
        pair.b.take({ ...between, bytes: stopPacket() });
        pair.b.take({ ...between, bytes: dataPacket(0, numbered(13)) });
      }
      await socket.send(numbered(1));
      assert.equal(numberOf((await pair.settle(peer.receive()))!), 1);
      pair.b.take({ from, to, bytes: stopPacket() });
      await assert.rejects(pair.settle(peer.closed), { code: "stopped" });
    });
  });
}
