import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DatagramTransport } from "@meshstream/msp";
import { abbreviatedAddress, wholeAddress } from "../../src/overlay/address.ts";
import { encodeEnvelope, parseEnvelope } from "../../src/overlay/envelope.ts";
import { encodeFrameHead, FrameFlag, parseFrame } from "../../src/overlay/frame.ts";
import { testMesh } from "./mesh-rig.ts";
import { isReachable, testIdentity, testNode, testSegment } from "./rig.ts";
import { packetOf, recordsIn, scripted } from "./scripted.ts";
import { shortOf, strangeSid } from "./scripted-mesh.ts";

/** What is received of records names an interface that nobody has, as long as `isOn`. */
function garbled(transport: DatagramTransport, isOn: () => boolean): DatagramTransport {
  return {
    local: transport.local,
    broadcast: transport.broadcast,
    mtuBytes: transport.mtuBytes,
    send: (datagram, to) => transport.send(datagram, to),
    onDatagram: (receive) =>
      transport.onDatagram((datagram, from) => {
        const records = recordsIn({ atMs: 0, from, to: "", bytes: datagram });
        for (const { interfaceNumber, end, ackSequence } of isOn() ? records : []) {
          if (interfaceNumber >= 0) datagram[end - (ackSequence < 0 ? 1 : 6)] = 99;
        }
        receive(datagram, from);
      }),
    close: () => transport.close(),
  };
}

describe("two nodes of which neither learns that the other hears it", () => {
  it("do not answer each other without end, and find each other soon once they can", async () => {
    const { clock, random, segment } = testSegment(1, { delayMs: 1 });
    let isGarbled = true;
    const make = async (number: number, local: string, peer: string) =>
      testNode({
        identities: [await testIdentity(number)],
        links: [
          { transport: garbled(segment.port(local), () => isGarbled), peers: [peer], broadcast: false },
        ],
        clock,
        entropy: random.fork(),
      });
    const [a, b] = [await make(1, "a", "b"), await make(2, "b", "a")];
    clock.runUntil(60_000);
    assert.equal(isReachable(a, b.identities[0]!) || isReachable(b, a.identities[0]!), false);
    assert.ok(a.neighbours().length === 1 && b.neighbours().length === 1, "each hears the other");
    for (const from of ["a", "b"]) {
      const count = segment.sent.filter((packet) => packet.from === from && packet.atMs > 50_000).length;
      assert.ok(count >= 15 && count <= 25, `${count} packets of ${from} in 10 s: two a second`);
    }
    isGarbled = false;
    clock.runUntil(60_600);
    assert.ok(isReachable(a, b.identities[0]!) && isReachable(b, a.identities[0]!));
    await a.close();
    await b.close();
  });
});

describe("a question to a neighbour", () => {
  it("is numbered as all its packets are, and so makes nobody forget the ways through this node", async () => {
    const mesh = await testMesh(["AB", "BC"]);
    mesh.clock.runUntil(3000);
    const [a, b] = [mesh.node("A"), mesh.node("B")];
    const { sent } = mesh.segments.AB!;
    const before = sent.length;
    // What A would send for somebody whom B does not know.
    const bytes = new Uint8Array(300);
    const transmitter = wholeAddress(mesh.sid("A").bytes);
    let end = encodeEnvelope(bytes, 0, {
      version: 1,
      encapsulation: 1,
      transmitter,
      flags: 0,
      interfaceNumber: 0,
      sequence: -1,
    });
    const frame = {
      flags: FrameFlag.CIPHERED | FrameFlag.SIGNED | FrameFlag.ONE_HOP,
      source: shortOf(strangeSid(5)),
      destination: abbreviatedAddress(mesh.sid("B").bytes, 8),
      sequence: 1,
    };
    end = encodeFrameHead(bytes, end, frame, 1, 50);
    mesh.segments.AB!.link("A", "B").send(bytes.slice(0, end + 50));
    mesh.clock.runUntil(3020);
    const asked = sent.slice(before).filter((packet) => {
      const envelope = parseEnvelope(packet.bytes, 0, packet.bytes.length);
      if (envelope.kind === "fault" || packet.from !== "B") return false;
      const frame = parseFrame(packet.bytes, envelope.framesOffset, packet.bytes.length, 1, 1);
      if (frame.kind === "fault" || (frame.flags & FrameFlag.LEGACY_TYPE) === 0) return false;
      assert.deepEqual([envelope.transmitter.length, envelope.sequence >= 0], [32, true]);
      return true;
    });
    assert.equal(asked.length, 1);
    assert.equal(a.counters["neighbour-restarts"], 0);
    assert.equal(a.route(mesh.sid("C"))?.hops, 2);
    assert.equal(b.counters["explain-asked"], 1);
    await mesh.close();
  });
});

describe("somebody else at a neighbour's address, or with a SID that begins like ours", () => {
  it("makes the neighbour forget no ways: what is sent to that one is no sign of a new beginning", async () => {
    const mesh = await testMesh(["AB", "AC"]);
    mesh.clock.runUntil(3000);
    const [a, b] = [mesh.node("A"), mesh.node("B")];
    mesh.segments.AB!.link("B", "A").send(packetOf(strangeSid(7).bytes, {}));
    const { sent } = mesh.segments.AB!;
    const before = sent.length;
    for (let atMs = 3010; atMs < 6000; atMs += 10) {
      mesh.clock.runUntil(atMs);
      assert.equal(b.route(mesh.sid("C"))?.hops, 2);
    }
    const unnumbered = sent.slice(before).filter(({ from, bytes }) => {
      const envelope = parseEnvelope(bytes, 0, bytes.length);
      return from === "A" && envelope.kind !== "fault" && envelope.flags === 1;
    });
    assert.ok(unnumbered.length > 1, "B was sent what was meant for the other one");
    assert.deepEqual([a.counters["neighbour-restarts"], b.counters["neighbour-restarts"]], [0, 0]);
    await mesh.close();
  });

  it("lets us write our SID whole for 15 s to a neighbour that asks who we are though it knew", async () => {
    const { clock, segment, node, hearsUs, speak, x } = await scripted();
    const us = node.identities[0]!;
    const keepUp = () => {
      speak({ records: [hearsUs] });
      clock.setTimer(clock.now() + 400, keepUp);
    };
    keepUp();
    const lengthsIn = (fromMs: number, toMs: number) => {
      clock.runUntil(toMs);
      const lengths = segment.sent
        .filter(({ atMs, to }) => to === "x" && atMs > fromMs && atMs <= toMs)
        .map(({ bytes }) => parseEnvelope(bytes, 0, bytes.length))
        .map((envelope) => (envelope.kind === "fault" ? 0 : envelope.transmitter.length));
      return [...new Set(lengths)];
    };
    assert.deepEqual(lengthsIn(500, 2000), [8]);
    const bytes = new Uint8Array(100);
    const transmitter = wholeAddress(x.bytes);
    const head = { version: 1, encapsulation: 1, transmitter, flags: 1, interfaceNumber: 3, sequence: -1 };
    let end = encodeEnvelope(bytes, 0, head);
    end = encodeFrameHead(bytes, end, { flags: 0x87, type: 0x60, sequence: 1 }, 1, 9);
    bytes.set([8, ...us.bytes.subarray(0, 8)], end);
    segment.link("x", "n").send(bytes.slice(0, end + 9));
    assert.deepEqual(lengthsIn(2000, 16_900), [32]);
    assert.deepEqual(lengthsIn(17_500, 19_000), [8]);
    await node.close();
  });
});
