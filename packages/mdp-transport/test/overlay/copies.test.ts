import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BIND_PRIMARY, type DatagramTransport, type LinkAddress } from "@meshstream/msp";
import { createRandom, VirtualClock } from "@meshstream/netem";
import { FrameFlag } from "../../src/overlay/frame.ts";
import { testIdentity, testNode } from "./rig.ts";

/** In each of four runs, because some runtimes limit the time of one test. */
const FRAMES = 50_000;
const FRAMES_PER_MS = 100;
/** What is later is stale, be it a copy or not (docs/wire.md W3.7). */
const FRESH_FRAMES = 2000;

/** One end of a wire: what it sends goes to `carry`. */
class WireEnd implements DatagramTransport {
  readonly local: LinkAddress;
  readonly broadcast: readonly LinkAddress[] = [];
  readonly mtuBytes = 1472;
  receive: (datagram: Uint8Array, from: LinkAddress) => void = () => {};
  carry: (datagram: Uint8Array) => void = () => {};

  constructor(local: LinkAddress) {
    this.local = local;
  }

  send(datagram: Uint8Array): void {
    this.carry(datagram.slice());
  }

  onDatagram(receive: (datagram: Uint8Array, from: LinkAddress) => void): void {
    this.receive = receive;
  }

  async close(): Promise<void> {}
}

/** Two neighbours on a wire that works; `wire.a.carry` may then be changed. */
async function neighbours(seed: number) {
  const clock = new VirtualClock();
  const random = createRandom(seed);
  const wire = { a: new WireEnd("a"), b: new WireEnd("b") };
  wire.a.carry = (datagram) => wire.b.receive(datagram, "a");
  wire.b.carry = (datagram) => wire.a.receive(datagram, "b");
  const make = async (number: number, transport: WireEnd, peer: string) =>
    testNode({
      identities: [await testIdentity(number)],
      links: [{ transport, peers: [peer], broadcast: false }],
      clock,
      entropy: random.fork(),
    });
  const a = await make(1, wire.a, "b");
  const b = await make(2, wire.b, "a");
  clock.runUntil(1000);
  return { clock, random, wire, a, b };
}

/** Where the flags of the frame and the packet number stand in a packet to a neighbour that knows the sender. */
const PACKET_NUMBER_AT = 12;
const FRAME_FLAGS_AT = 13;

describe("copies and fresh frames", () => {
  for (const seed of [21, 22, 23, 24]) {
    it(`of 50 000 frames at full rate, late, lost and doubled, no fresh one is taken for a copy (seed ${seed})`, async () => {
      const { clock, random, wire, a, b } = await neighbours(seed);
      const startMs = clock.now();
      /** What arrives when, in frame times. */
      const arrivals: Uint8Array[][] = [];
      const arrive = (atFrame: number, packet: Uint8Array) => {
        arrivals[atFrame] ??= [];
        arrivals[atFrame]!.push(packet);
      };
      const lost = new Uint8Array(FRAMES);
      const repeated = new Uint8Array(FRAMES);
      let frame = -1;
      let lostUntil = 0;
      wire.a.carry = (packet) => {
        const isMessage = packet[FRAME_FLAGS_AT]! & FrameFlag.CIPHERED;
        if (random.below(2000) === 0) lostUntil = frame + random.below(600);
        const isLost = frame < lostUntil || random.below(50) === 0;
        if (isMessage && isLost) lost[frame] = 1;
        if (isMessage && random.below(2) === 0) {
          packet[FRAME_FLAGS_AT]! |= FrameFlag.ACK_SOON;
          const again = packet.slice();
          // As a link sends it again: the same frame, another packet number.
          again[PACKET_NUMBER_AT]! += 1 + random.below(255);
          if (!isLost || random.below(2) === 0) {
            repeated[frame] = 1;
            lost[frame] = 0;
            arrive(frame + 500 + random.below(FRESH_FRAMES - 500), again);
          }
        }
        if (isLost) return;
        const late = random.below(3) === 0 ? random.below(500) : 0;
        arrive(frame + late, packet);
        if (random.below(100) === 0) arrive(frame + late + random.below(20), packet.slice());
      };
      const came = new Uint8Array(FRAMES);
      b.bind({ sid: BIND_PRIMARY, port: 600 }, (_local, _remote, _port, offset) => {
        came[new DataView(b.core.bytes.buffer).getUint32(b.core.bytes.byteOffset + offset)]!++;
      });
      const binding = a.bind({ sid: BIND_PRIMARY, port: 500 }, () => {});
      const to = { sid: b.identities[0]!, port: 600 };
      for (frame = 0; frame < FRAMES; frame++) {
        if (frame % FRAMES_PER_MS === 0) clock.runUntil(startMs + frame / FRAMES_PER_MS);
        binding.send(a.identities[0]!, to, (core, offset) => {
          new DataView(core.bytes.buffer).setUint32(core.bytes.byteOffset + offset, frame);
          return 20;
        });
        for (const packet of arrivals[frame] ?? []) wire.b.receive(packet, "a");
        arrivals[frame] = [];
      }
      for (const packets of arrivals) for (const packet of packets ?? []) wire.b.receive(packet, "a");
      const missing: number[] = [];
      const doubled: number[] = [];
      for (let i = 0; i < FRAMES; i++) {
        if (lost[i] === 0 && came[i] === 0) missing.push(i);
        if (repeated[i] === 1 && came[i]! > 1) doubled.push(i);
      }
      assert.deepEqual(missing, [], "fresh frames that were dropped");
      assert.deepEqual(doubled, [], "frames that a link sent again and that were delivered twice");
      assert.ok(b.counters["frame-duplicate"]! > FRAMES / 5, `${b.counters["frame-duplicate"]} copies known`);
      assert.ok(b.counters["packet-duplicate"]! > FRAMES / 500);
      await a.close();
      await b.close();
    });
  }

  it("after an outage of any number of frames the very next one is taken", async () => {
    const { clock, wire, a, b } = await neighbours(23);
    let came = 0;
    b.bind({ sid: BIND_PRIMARY, port: 600 }, () => came++);
    const binding = a.bind({ sid: BIND_PRIMARY, port: 500 }, () => {});
    const to = { sid: b.identities[0]!, port: 600 };
    const send = () => binding.send(a.identities[0]!, to, () => 20);
    const { carry } = wire.a;
    const carryFlagged = (packet: Uint8Array) => {
      packet[FRAME_FLAGS_AT]! |= FrameFlag.ACK_SOON;
      carry(packet);
    };
    for (let outage = 0; outage < 300; outage++) {
      wire.a.carry = carryFlagged;
      for (let i = 0; i < 70; i++) send();
      wire.a.carry = () => {};
      for (let i = 0; i < outage; i++) send();
      wire.a.carry = carryFlagged;
      came = 0;
      for (let i = 0; i < 70; i++) send();
      wire.a.carry = carry;
      assert.equal(came, 70, `after ${outage} lost`);
      clock.runUntil(clock.now() + 1);
    }
    await a.close();
    await b.close();
  });

  it("an idle neighbour's packets, alike after every 256, are heard for ever", async () => {
    const { clock, a, b } = await neighbours(24);
    for (let i = 0; i < 600; i++) {
      clock.runUntil(clock.now() + 500);
      assert.equal(a.neighbours()[0]?.reachable && b.neighbours()[0]?.reachable, true);
    }
    assert.equal(a.counters["packet-duplicate"]! + b.counters["packet-duplicate"]!, 0);
    await a.close();
    await b.close();
  });
});
