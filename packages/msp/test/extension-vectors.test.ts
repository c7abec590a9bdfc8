import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { createCore, PacketKind } from "@meshstream/wasm-core";
import { coefficients, symbolOf, tinyMt32 } from "./support/coding-twin.ts";
import { bytesOf, type ExtensionVectors, fieldsOf, makeVectors } from "./support/extension-vectors.ts";
import { HandPeer } from "./support/hand-peer.ts";
import { ENGINES, Pair } from "./support/pair.ts";
import { PORT } from "./support/streams.ts";
import { EXTENSION, extendedAckPacket } from "./support/wire.ts";

const FILE = new URL("./vectors/extension.json", import.meta.url);
if (process.env.UPDATE_VECTORS) writeFileSync(FILE, `${JSON.stringify(await makeVectors(), undefined, 2)}\n`);
const vectors = JSON.parse(readFileSync(FILE, "utf8")) as ExtensionVectors;

describe("the vectors of the extension", () => {
  it("are what the code makes (after a change on purpose: UPDATE_VECTORS=1)", async () => {
    assert.deepEqual(JSON.parse(JSON.stringify(await makeVectors())), vectors);
  });

  it("say of each packet what it holds, read by hand", () => {
    for (const { what, hex, fields } of vectors.packets) {
      assert.deepEqual(JSON.parse(JSON.stringify(fieldsOf(bytesOf(hex)))), fields, what);
    }
  });

  it("have sessions in which whoever speaks the extension says so in every packet but STOP", () => {
    for (const { packets, what } of vectors.sessions) {
      const speakers = what.startsWith("b does not")
        ? ["a"]
        : what.startsWith("a does not")
          ? ["b"]
          : ["a", "b"];
      for (const line of packets) {
        const [from, , hex] = line.split(" ") as [string, string, string];
        assert.equal((bytesOf(hex)[0]! & EXTENSION) !== 0, speakers.includes(from), line);
      }
    }
  });

  it("rest on the generator of RFC 8682", () => {
    // RFC 8682, section 2.3: the first outputs for seed 1.
    const expected = [
      2545341989, 981918433, 3715302833, 2387538352, 3591001365, 3820442102, 2114400566, 2196103051,
    ];
    const outputs = tinyMt32(1);
    for (const output of expected) assert.equal(outputs.next().value, output);
  });

  it("have repairs that a slow twin computes alike", () => {
    for (const { seed, first, messages, packet, coefficients: given, what } of vectors.repairs) {
      assert.deepEqual(coefficients(seed, messages.length), given, what);
      const coded = messages.map(({ flags, hex }) => ({ flags, message: bytesOf(hex) }));
      const header = [0xd2, 6, 0, first & 0xff, first >> 8, messages.length, seed & 0xff, seed >> 8];
      assert.deepEqual([...bytesOf(packet)], [...header, ...symbolOf(coded, seed)], what);
    }
  });
});

for (const engine of ENGINES) {
  describe(`the vectors of the extension, decoded (${engine})`, () => {
    it("give the same fields", async () => {
      const core = await createCore({ engine, poolBytes: 1 << 20 });
      const { offset } = core.receiveRegion;
      for (const { hex, fields, what } of vectors.packets) {
        const bytes = bytesOf(hex);
        core.bytes.set(bytes, offset);
        const packet = core.decode(offset, bytes.length);
        if (fields.isStop) assert.equal(packet.kind, PacketKind.STOP);
        if (fields.ack !== undefined) assert.equal(packet.ack, fields.ack, what);
        if (packet.kind !== PacketKind.EXTENDED_ACK) continue;
        const { extendedAck } = packet;
        const { arrived, window, missingRank, train, recovered } = extendedAck;
        const { version, capabilities, ackDelayUs, trainSpreadUs, bitmapBase, echoSequence } = extendedAck;
        assert.deepEqual(
          { arrived, window, missingRank, train, recovered },
          {
            arrived: fields.arrived,
            window: fields.window,
            missingRank: fields.missingRank,
            train: fields.train,
            recovered: fields.recovered,
          },
          what,
        );
        assert.deepEqual(
          [version, capabilities << 4, ackDelayUs, trainSpreadUs, bitmapBase, echoSequence],
          [
            fields.version,
            fields.capabilities,
            fields.delayUs,
            fields.spreadUs,
            fields.base,
            fields.echo ?? -1,
          ],
          what,
        );
      }
    });

    it("are dropped where they are faults", async () => {
      const core = await createCore({ engine, poolBytes: 1 << 20 });
      const { offset } = core.receiveRegion;
      for (const { hex, what } of vectors.faults) {
        const bytes = bytesOf(hex);
        core.bytes.set(bytes, offset);
        assert.equal(core.decode(offset, bytes.length).kind, PacketKind.FAULT_EXTENSION, what);
      }
    });

    it("fill a hole with a repair, and so on to the application", async () => {
      for (const { first, messages, packet } of vectors.repairs) {
        const pair = await Pair.make({ engine });
        const peer = new HandPeer(pair, PORT);
        const { a } = pair.meshes();
        const socket = await a.connect(peer.local.sid, PORT);
        await pair.pass(5);
        peer.send(extendedAckPacket({}));
        await pair.settle(socket.connected);
        const send = (number: number, { flags, bytes }: { flags: number; bytes: Uint8Array }) =>
          peer.send(Uint8Array.from([EXTENSION | flags, 0, 0, number & 0xff, number >> 8, ...bytes]));
        for (let number = 0; number < first; number += 1) send(number, { flags: 0, bytes: Uint8Array.of(1) });
        await pair.pass(5);
        for (let number = 0; number < first; number += 1) await pair.settle(socket.receive());
        socket.acknowledge();
        for (const [index, { flags, hex }] of messages.entries()) {
          if (index > 0) send(first + index, { flags, bytes: bytesOf(hex) });
        }
        await pair.pass(5);
        peer.send(bytesOf(packet));
        assert.deepEqual(await pair.settle(socket.receive()), bytesOf(messages[0]!.hex));
        await pair.pass(5);
        assert.equal(peer.last!.report!.recovered, 1);
        assert.equal(peer.last!.report!.arrived, first + messages.length - 1);
      }
    });
  });
}
