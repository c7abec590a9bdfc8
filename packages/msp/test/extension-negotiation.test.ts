import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HandPeer } from "./support/hand-peer.ts";
import { ENGINES, Pair, pattern } from "./support/pair.ts";
import { connectPair, numbered, numberOf, PORT, receiveAll, sendAll } from "./support/streams.ts";
import {
  ACK,
  ackPacket,
  dataPacket,
  EXTENSION,
  extendedAckPacket,
  FIRST,
  openingPacket,
  type Packet,
  SHUTDOWN,
  STOP,
  watch,
} from "./support/wire.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const LOSSY = { delayMs: 10, loss: { model: "bernoulli", p: 0.1 } } as const;

/** Both ways, `count` messages each, to a clean end; every packet that was sent. */
async function converse(pair: Pair, count: number, config = {}, configB = config): Promise<Packet[]> {
  const packets = watch(pair);
  const { socket, peer } = await connectPair(pair, config, configB);
  const both = [socket, peer].map(async (end) => {
    const [, messages] = await Promise.all([sendAll(end, numbers(count).map(numbered)), receiveAll(end)]);
    assert.deepEqual(messages.map(numberOf), numbers(count));
    return end.closed;
  });
  assert.deepEqual(await pair.settle(Promise.all(both), 120_000), ["clean", "clean"]);
  return packets;
}

for (const engine of ENGINES) {
  describe(`two nodes that speak the extension (${engine})`, () => {
    it("find out by the first packet, and from then on acknowledge in full", async () => {
      const packets = await converse(await Pair.make({ engine }), 20);
      assert.ok(
        packets.every(({ flags }) => (flags & EXTENSION) !== 0),
        "the bit is on every packet",
      );
      const [opening, answer] = packets;
      assert.deepEqual([...opening!.bytes], [EXTENSION | FIRST, 0xff, 0xff, 0]);
      assert.equal(answer!.from, "b");
      assert.ok(answer!.isExtendedAck);
      assert.equal(answer!.report!.version, 1);
      assert.equal(answer!.report!.capabilities, 0x10);
      for (const from of ["a", "b"]) {
        const extended = packets.filter((packet) => packet.from === from && packet.type >= 4);
        assert.ok(extended[0]!.isExtendedAck);
        assert.equal(
          packets.filter((p) => p.from === from && !p.isData && p.type < 4).length,
          from === "a" ? 1 : 0,
        );
      }
    });

    for (const drop of ["a", "b"] as const) {
      it(`also if the first ${drop === "a" ? "openings" : "answers"} are lost`, async () => {
        const pair = await Pair.make({ engine });
        let dropped = 0;
        const packets = watch(pair, ({ from }) => from === drop && dropped++ < 3);
        const { socket, peer } = await connectPair(pair);
        await sendAll(socket, [numbered(7)]);
        assert.deepEqual((await pair.settle(receiveAll(peer))).map(numberOf), [7]);
        assert.ok(packets.some(({ from, isExtendedAck }) => from === "b" && isExtendedAck));
      });
    }

    it("and losses, repeats and reordering lead no packet astray, 20 seeds", async () => {
      for (let seed = 1; seed <= 20; seed += 1) {
        const link = { ...LOSSY, duplicate: 0.1, reorder: 0.2, reorderMs: 30 };
        await converse(await Pair.make({ engine, seed, link }), 100);
      }
    });

    it("say of a message which transmission it is", async () => {
      const pair = await Pair.make({ engine });
      const seen = new Map<number, number>();
      const packets = watch(pair, ({ isData, from, sequence }) => {
        if (!isData || from === "b") return false;
        seen.set(sequence!, (seen.get(sequence!) ?? 0) + 1);
        return sequence === 5 && seen.get(5)! < 6;
      });
      const { socket, peer } = await connectPair(pair);
      const receiving = receiveAll(peer);
      await sendAll(socket, numbers(20).map(numbered));
      assert.equal((await pair.settle(receiving)).length, 20);
      const types = packets
        .filter(({ sequence, from }) => sequence === 5 && from === "a")
        .map(({ type }) => type);
      assert.deepEqual(types, [0, 1, 2, 3, 3, 3]);
      assert.ok(packets.filter(({ sequence }) => sequence === 4).every(({ type }) => type === 0));
    });
  });

  describe(`a peer without the extension (${engine})`, () => {
    for (const side of ["connects", "is connected to"] as const) {
      it(`gets nothing but what W2 says, and the bit, when it ${side}`, async () => {
        const old = { extension: false };
        const [a, b] = side === "connects" ? [old, {}] : [{}, old];
        for (let seed = 1; seed <= 10; seed += 1) {
          const pair = await Pair.make({ engine, seed, link: LOSSY });
          const packets = await converse(pair, 100, a, b);
          const ours = side === "connects" ? "b" : "a";
          for (const packet of packets) {
            const bit = packet.from === ours && !packet.isStop ? EXTENSION : 0;
            assert.equal(packet.flags & EXTENSION, bit);
            assert.ok(packet.type < 4, "no extended type, either way");
            if (!packet.isData) assert.ok(packet.bytes.length <= (packet.isFirst ? 4 : 3));
          }
        }
      });
    }

    it("is told from one with it by its first packet, whatever follows", async () => {
      const pair = await Pair.make({ engine });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(peer.local.sid, PORT);
      await pair.pass(5);
      peer.send(ackPacket(undefined, FIRST));
      await pair.settle(socket.connected);
      peer.send(extendedAckPacket({}));
      peer.send(Uint8Array.of(0xd0, 0xff, 0xff, 0, 0, 1, 1, 0, 0, 0, 0));
      peer.send(dataPacket(0, numbered(3), { flags: EXTENSION }));
      assert.deepEqual(await pair.settle(socket.receive()), numbered(3), "a message is a message");
      socket.acknowledge();
      await pair.pass(3000);
      assert.equal(a.counters["msp.extension-unexpected"], 2);
      assert.ok(peer.received.slice(1).every(({ bytes }) => bytes.length === 3));
      assert.equal(peer.last!.ack, 0);
    });

    it("is one whose first packet is a message without the bit, too", async () => {
      const pair = await Pair.make({ engine });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(peer.local.sid, PORT);
      await pair.pass(5);
      peer.send(dataPacket(1, numbered(1)));
      peer.send(dataPacket(0, numbered(0), { flags: EXTENSION | FIRST }));
      await pair.settle(socket.connected);
      await pair.pass(3000);
      assert.ok(peer.received.every(({ type }) => type === 0));
    });
  });

  describe(`the first packet with the bit (${engine})`, () => {
    it("may be a message that has overtaken the acknowledgement before it", async () => {
      const pair = await Pair.make({ engine });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(peer.local.sid, PORT);
      await pair.pass(5);
      peer.send(dataPacket(1, numbered(1), { flags: EXTENSION }));
      await pair.pass(3);
      assert.ok(peer.last!.isExtendedAck);
      assert.deepEqual([peer.last!.report!.arrived, peer.last!.report!.echo], [0xffff, 1]);
      peer.send(extendedAckPacket({}));
      peer.send(dataPacket(0, numbered(0), { flags: EXTENSION }));
      assert.deepEqual(await pair.settle(socket.receive()), numbered(0));
    });

    it("says nothing if it is a STOP, or of a type that is not defined", async () => {
      const pair = await Pair.make({ engine });
      const { a } = pair.meshes();
      const listener = await a.listen(PORT);
      const stranger = new HandPeer(pair, 700, { sid: pair.a.identities[0]!, port: PORT });
      for (const type of [6, 7]) {
        stranger.send(Uint8Array.of(EXTENSION | (type << 4) | FIRST, 0xff, 0xff, 0, 0, 0, 0));
      }
      stranger.send(Uint8Array.of(EXTENSION | STOP));
      await pair.pass(20_000);
      assert.equal(stranger.received.length, 0);
      assert.equal(a.counters["msp.extension-unknown"], 2);
      assert.equal(a.counters["msp.stop-stray"], 1);
      stranger.send(ackPacket(undefined, FIRST));
      const socket = (await pair.settle(listener.accept()))!;
      await pair.pass(5);
      assert.deepEqual([...stranger.last!.bytes], [EXTENSION, 0xff, 0xff], "decided by this one only");
      socket.stop();
      await pair.pass(5);
      assert.deepEqual([...stranger.last!.bytes], [STOP], "a STOP never has the bit");
    });

    it("does not open a connection if it is an extended type: its sender has heard from us", async () => {
      const pair = await Pair.make({ engine });
      const { a } = pair.meshes();
      await a.listen(PORT);
      const stranger = new HandPeer(pair, 700, { sid: pair.a.identities[0]!, port: PORT });
      const bytes = extendedAckPacket({});
      bytes[0]! |= FIRST;
      stranger.send(bytes);
      await pair.pass(5);
      assert.deepEqual([...stranger.last!.bytes], [STOP]);
    });
  });

  describe(`a connection that speaks the extension (${engine})`, () => {
    it("understands plain packets with the bit, such as the short answer for a closed connection", async () => {
      const pair = await Pair.make({ engine });
      // The last acknowledgement of a, which closes with it, is lost.
      let lost = 0;
      const isLast = (packet: Packet) => packet.from === "a" && packet.ack === 1 && lost++ === 0;
      const packets = watch(pair, isLast);
      const { socket, peer } = await connectPair(pair);
      socket.shutdown();
      await pair.pass(50);
      await sendAll(peer, [numbered(1)]);
      const ends = Promise.all([receiveAll(peer), receiveAll(socket)]);
      await pair.settle(ends);
      assert.deepEqual(await pair.settle(Promise.all([socket.closed, peer.closed])), ["clean", "clean"]);
      assert.equal(lost > 0, true);
      const answer = packets.filter(
        ({ from, isExtendedAck, isData }) => from === "a" && !isExtendedAck && !isData,
      );
      assert.deepEqual(
        answer.slice(1).map(({ bytes }) => [...bytes]),
        [[EXTENSION | ACK, 1, 0]],
      );
    });

    it("says nothing more to a peer that seems to have begun anew without the bit, until it has the bit again", async () => {
      for (const bytes of [
        ackPacket(undefined, FIRST),
        dataPacket(0, pattern(9), { flags: FIRST }),
        ackPacket(3),
      ]) {
        const pair = await Pair.make({ engine });
        const peer = new HandPeer(pair, PORT);
        const { a } = pair.meshes();
        const socket = await a.connect(peer.local.sid, PORT);
        await pair.pass(5);
        peer.send(extendedAckPacket({}));
        await pair.settle(socket.connected);
        await socket.send(numbered(0));
        await pair.pass(5);
        const before = peer.received.length;
        peer.send(bytes);
        await pair.pass(5000);
        assert.equal(peer.received.length, before);
        assert.equal(a.counters["msp.extension-missing"], 1);
        peer.send(extendedAckPacket({ ack: 0 }));
        await socket.send(numbered(1));
        await pair.pass(5);
        assert.equal(peer.last!.sequence, 1, "it was only late");
        peer.send(bytes);
        await assert.rejects(pair.settle(socket.closed), { code: "timeout" });
      }
    });

    it("ends by a STOP with or without the bit", async () => {
      for (const flags of [STOP, EXTENSION | STOP]) {
        const pair = await Pair.make({ engine });
        const peer = new HandPeer(pair, PORT);
        const { a } = pair.meshes();
        const socket = await a.connect(peer.local.sid, PORT);
        await pair.pass(5);
        peer.send(extendedAckPacket({}));
        await pair.settle(socket.connected);
        peer.send(Uint8Array.of(flags));
        await assert.rejects(pair.settle(socket.closed), { code: "stopped" });
      }
    });

    it("drops what is cut short, and goes on", async () => {
      const pair = await Pair.make({ engine });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(peer.local.sid, PORT);
      await pair.pass(5);
      peer.send(openingPacket().subarray(0, 4));
      await pair.settle(socket.connected);
      const whole = extendedAckPacket({ bitmap: [1] });
      for (const length of [3, 5, 21]) peer.send(whole.subarray(0, length));
      peer.send(Uint8Array.from([...whole, ...pattern(64)]));
      peer.send(Uint8Array.of(0xd0, 0xff, 0xff, 0, 0, 1, 1, 0, 0, 0)); // a symbol of two bytes
      peer.send(Uint8Array.of(0xd0, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 0)); // over no message
      peer.send(Uint8Array.of(0xd0, 0xff, 0xff, 0, 0, 129, 1, 0, 0, 0, 0)); // over too many
      await pair.pass(5);
      assert.equal(a.counters["msp.extension-unknown"], 7);
      peer.send(dataPacket(0, numbered(0), { flags: EXTENSION | SHUTDOWN }));
      assert.deepEqual(await pair.settle(socket.receive()), numbered(0));
    });
  });
}
