import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BIND_PRIMARY } from "@meshstream/msp";
import { TRANSMITTER_ADDRESS, wholeAddress } from "../../src/overlay/address.ts";
import { FrameFlag } from "../../src/overlay/frame.ts";
import { testMesh } from "./mesh-rig.ts";
import { inbox, testIdentity, testPair } from "./rig.ts";
import { recordsIn, scripted, sealedIn } from "./scripted.ts";

/** A node with the scripted neighbour x, behind which there is z: messages to z ask x for acknowledgements. */
async function withRelay() {
  const rig = await scripted();
  const { clock, segment, node, hearsUs, speak } = rig;
  const z = (await testIdentity(88)).sid;
  const path = { flags: 0, receiver: wholeAddress(z.bytes), version: 1, transmitter: TRANSMITTER_ADDRESS };
  speak({ records: [hearsUs, { ...path, dropRate: 0 }] });
  clock.runUntil(100);
  const from = inbox(node, { sid: BIND_PRIMARY, port: 500 });
  const send = () => assert.equal(from.send({ sid: z, port: 600 }, "message"), true);
  let mark = segment.sent.length;
  /** The sealed packets since the last call. */
  const sealed = () => {
    const packets = sealedIn(segment.sent.slice(mark));
    mark = segment.sent.length;
    return packets;
  };
  const acknowledge = (ackSequence: number, ackMask = 0) =>
    speak({ records: [{ ...hearsUs, ackSequence, ackMask }] });
  /** Keep the neighbour in use, without a word of what it heard. */
  const liveUntil = (endMs: number) => {
    for (let atMs = clock.now() + 200; atMs < endMs; atMs += 200) {
      clock.runUntil(atMs);
      speak({ records: [hearsUs] });
    }
    clock.runUntil(endMs);
  };
  return { ...rig, send, sealed, acknowledge, liveUntil };
}

/** The same, after x has acknowledged ten messages 10 ms after each. */
async function withQuickRelay() {
  const rig = await withRelay();
  for (let i = 0; i < 10; i++) {
    rig.send();
    rig.clock.runUntil(rig.clock.now() + 10);
    rig.acknowledge(rig.sealed().at(-1)!.sequence, 0xffff_ffff);
    rig.clock.runUntil(rig.clock.now() + 10);
  }
  rig.sealed();
  return rig;
}

describe("a frame that asks for an acknowledgement", () => {
  it("goes out again in a new packet until a second has passed, at 65 ms first, then half as long again", async () => {
    const { clock, node, send, sealed, liveUntil } = await withQuickRelay();
    const startMs = clock.now();
    send();
    liveUntil(startMs + 3000);
    const packets = sealed();
    assert.deepEqual(
      packets.map(({ atMs }) => Math.round(atMs - startMs)),
      [0, 65, 163, 309, 528, 857],
    );
    assert.equal(new Set(packets.map(({ payload }) => payload)).size, 1);
    assert.equal(new Set(packets.map(({ frame }) => frame.sequence)).size, 1);
    assert.equal(new Set(packets.map(({ sequence }) => sequence)).size, 6);
    assert.equal(node.counters["frame-unacknowledged"], 1);
    assert.equal(node.neighbours()[0]!.framesResent, 5);
    await node.close();
  });

  it("is not sent again once any packet that carried it is acknowledged, as the latest or in the mask", async () => {
    const { clock, node, send, sealed, acknowledge, liveUntil } = await withQuickRelay();
    send();
    send();
    const [first, second] = sealed();
    clock.runUntil(clock.now() + 40);
    acknowledge(second!.sequence, 0b1);
    liveUntil(clock.now() + 1500);
    assert.deepEqual(sealed(), []);
    send();
    clock.runUntil(clock.now() + 70);
    const [original, copy] = sealed();
    assert.equal(copy?.payload, original?.payload);
    acknowledge(original!.sequence, 0b110);
    liveUntil(clock.now() + 1500);
    assert.deepEqual(sealed(), [], "the first packet came after all");
    assert.notEqual(first!.sequence, second!.sequence);
    assert.equal(node.counters["frame-unacknowledged"], 0);
    await node.close();
  });

  it("goes out again at once when three later packets came and its own did not, and not for fewer", async () => {
    const { clock, node, send, sealed, acknowledge } = await withQuickRelay();
    for (let i = 0; i < 4; i++) send();
    const packets = sealed();
    clock.runUntil(clock.now() + 5);
    acknowledge(packets[2]!.sequence, 0b01);
    clock.runUntil(clock.now() + 1);
    assert.deepEqual(sealed(), [], "two overtook it");
    acknowledge(packets[3]!.sequence, 0b011);
    clock.runUntil(clock.now() + 1);
    assert.deepEqual(
      sealed().map(({ payload }) => payload),
      [packets[0]!.payload],
    );
    acknowledge(packets[3]!.sequence, 0b1011);
    clock.runUntil(clock.now() + 20);
    assert.deepEqual(sealed(), [], "once");
    await node.close();
  });

  it("whose packet fell out of the mask is sent once more at the most", async () => {
    const { node, clock, send, sealed, acknowledge, liveUntil } = await withQuickRelay();
    for (let i = 0; i < 40; i++) send();
    const packets = sealed();
    clock.runUntil(clock.now() + 5);
    acknowledge(packets[39]!.sequence, 0xffff_ffff);
    liveUntil(clock.now() + 2000);
    assert.deepEqual(
      sealed()
        .map(({ payload }) => payload)
        .sort(),
      packets
        .slice(0, 7)
        .map(({ payload }) => payload)
        .sort(),
    );
    await node.close();
  });

  it("waits for a neighbour that acknowledges only at its tick of 500 ms", async () => {
    const { clock, node, send, sealed, acknowledge } = await withRelay();
    let latest = -1;
    for (let i = 0; i < 200; i++) {
      if (i % 4 === 0) send();
      const [packet] = sealed();
      if (packet !== undefined) latest = packet.sequence;
      if (i % 20 === 19) acknowledge(latest, 0xffff_ffff);
      clock.runUntil(clock.now() + 25);
    }
    assert.equal(node.counters["frames-resent"], 0);
    assert.ok(node.neighbours()[0]!.framesAcknowledged! >= 45);
    await node.close();
  });

  it("is not sent again while a queue on the way grows and what was sent before it still comes", async () => {
    const { clock, node, send, sealed, acknowledge } = await withQuickRelay();
    const sequences: number[] = [];
    for (let i = 0; i < 160; i++) {
      // One comes for two that are sent: at the end they are 400 ms late.
      if (i < 80) {
        send();
        sequences.push(sealed().at(-1)!.sequence);
      }
      if (i % 2 === 1) acknowledge(sequences[(i - 1) / 2]!, 0xffff_ffff);
      clock.runUntil(clock.now() + 10);
    }
    assert.equal(node.counters["frames-resent"], 0);
    assert.equal(node.neighbours()[0]!.framesAcknowledged, 90);
    await node.close();
  });

  it("gets a new number where the neighbour would take its own for that of a fresh frame", async () => {
    const { clock, node, send, sealed, acknowledge } = await withQuickRelay();
    send();
    const [lost] = sealed();
    const behind: number[] = [];
    for (let i = 0; i < 80; i++) {
      send();
      const packets = sealed();
      const fresh = packets.at(-1)!;
      const again = packets.find(({ payload }) => payload === lost!.payload);
      if (again !== undefined) behind.push((fresh.frame.sequence - again.frame.sequence) & 0xff);
      acknowledge(fresh.sequence);
      clock.runUntil(clock.now() + 1);
    }
    assert.equal(behind.length > 20, true, `sent again ${behind.length} times`);
    assert.equal(Math.max(...behind) >= 40 && Math.max(...behind) <= 50, true, behind.join());
    await node.close();
  });

  it("is one that a relay is to pass on; one to a neighbour itself is left to MSP", async () => {
    const { node, x, send, sealed } = await withRelay();
    send();
    const direct = inbox(node, { sid: BIND_PRIMARY, port: 501 });
    direct.send({ sid: x, port: 600 }, "message");
    assert.deepEqual(
      sealed().map(({ frame }) => (frame.flags & FrameFlag.ACK_SOON) !== 0),
      [true, false],
    );
    await node.close();
  });

  it("is acknowledged by 16 packets at once, however soon after the last record", async () => {
    const { clock, segment, node, hearsUs, speak } = await scripted();
    speak({ records: [hearsUs] });
    clock.runUntil(100);
    const before = segment.sent.length;
    for (let i = 0; i < 100; i++) {
      speak({ sequence: i, frameFlags: FrameFlag.ACK_SOON, records: [] });
    }
    clock.runUntil(103);
    const acks = segment.sent.slice(before).flatMap(recordsIn);
    assert.deepEqual(
      acks
        .filter(({ ackSequence }) => ackSequence >= 0)
        .map(({ ackSequence }) => ackSequence)
        .slice(0, 6),
      [15, 31, 47, 63, 79, 95],
    );
    await node.close();
  });
});

describe("a line of five nodes with 5 % loss on each link", () => {
  for (const seed of [31, 32, 33]) {
    it(`brings 99 % of the messages to its end, each once, without help from MSP (seed ${seed})`, async () => {
      const mesh = await testMesh(["AB", "BC", "CD", "DE"], {
        seed,
        link: { delayMs: 3, loss: { model: "bernoulli", p: 0.05 } },
      });
      const { clock } = mesh;
      const knows = () =>
        mesh
          .node("A")
          .routes()
          .some(({ sid }) => sid.hex === mesh.sid("E").hex);
      assert.ok(clock.runWhile(() => !knows(), 20_000));
      const to = inbox(mesh.node("E"), { sid: BIND_PRIMARY, port: 600 });
      const from = inbox(mesh.node("A"), { sid: BIND_PRIMARY, port: 500 });
      for (let i = 0; i < 2000; i++) {
        from.send(to.address, String(i));
        clock.runUntil(clock.now() + 1);
      }
      clock.runUntil(clock.now() + 2000);
      const texts = to.messages.map(({ text }) => text);
      assert.ok(texts.length >= 1980, `${texts.length} of 2000`);
      assert.equal(new Set(texts).size, texts.length, "none twice");
      const resent = [..."ABCD"].reduce((sum, name) => sum + mesh.node(name).counters["frames-resent"]!, 0);
      // 5 % of 2000 messages on 4 links, and of what was sent again.
      assert.ok(resent > 380 && resent < 700, `${resent} frames sent again`);
      await mesh.close();
    });
  }
});

describe("a pair of neighbours", () => {
  it("sends no frame again over a clean link, and no record for each message", async () => {
    const { clock, segment, a, b, close } = await testPair({ link: { delayMs: 2 } });
    clock.runUntil(1000);
    const to = inbox(b, { sid: BIND_PRIMARY, port: 600 });
    const from = inbox(a, { sid: BIND_PRIMARY, port: 500 });
    const before = segment.sent.length;
    for (let i = 0; i < 1000; i++) {
      from.send(to.address, String(i));
      clock.runUntil(clock.now() + 1);
    }
    assert.equal(a.counters["frames-resent"], 0);
    assert.ok(segment.sent.length - before < 1010, `${segment.sent.length - before} packets`);
    await close();
  });
});
