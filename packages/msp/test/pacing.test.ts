import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Pacer } from "../src/congestion/pacer.ts";
import { Flow, path } from "./support/flows.ts";
import { HandPeer } from "./support/hand-peer.ts";
import { ENGINES, Pair } from "./support/pair.ts";
import { numbered, PORT } from "./support/streams.ts";
import { ackPacket, type Packet, watch } from "./support/wire.ts";

/** The most data packets from a that begin within any stretch of so many milliseconds. */
function mostWithin(packets: readonly Packet[], stretchMs: number): number {
  const times = packets.filter(({ from, isData }) => from === "a" && isData).map(({ atMs }) => atMs);
  let most = 0;
  for (let first = 0, last = 0; last < times.length; last += 1) {
    while (times[last]! - times[first]! >= stretchMs) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

describe("the pacer", () => {
  it("lets one burst through and then keeps to the rate", () => {
    const pacer = new Pacer();
    let left = 0;
    for (let nowMs = 0; nowMs <= 100; nowMs = pacer.nextMs(nowMs, 0.5, 4, 1)) {
      while (pacer.allows(nowMs, 0.5, 4)) {
        pacer.take();
        left += 1;
      }
    }
    assert.equal(left, 4 + 50);
  });

  it("saves up no more than one burst over a pause", () => {
    const pacer = new Pacer();
    for (let i = 0; i < 4; i += 1) pacer.take();
    let left = 0;
    while (pacer.allows(10_000, 1, 4)) {
      pacer.take();
      left += 1;
    }
    assert.equal(left, 4);
  });

  it("gathers what a millisecond brings at rates that no timer follows, and a whole train if told so", () => {
    const pacer = new Pacer();
    pacer.allows(0, 20, 40);
    for (let i = 0; i < 40; i += 1) pacer.take();
    assert.equal(pacer.nextMs(0, 20, 40, 1), 1);
    const slow = new Pacer();
    slow.allows(0, 0.5, 8);
    for (let i = 0; i < 8; i += 1) slow.take();
    assert.equal(slow.nextMs(0, 0.5, 8, 8), 16);
    assert.equal(slow.nextMs(0, 0.5, 8, 1), 2);
  });
});

for (const engine of ENGINES) {
  describe(`what leaves a node (${engine})`, () => {
    it("at first is two trains of eight, whatever the application has, until the peer is heard", async () => {
      const pair = await Pair.make({ engine, link: path(1e6, 400, 100) });
      const flow = new Flow(pair);
      const packets = watch(pair);
      flow.start(2000);
      pair.clock.runUntil(399);
      const data = packets.filter(({ isData }) => isData);
      assert.equal(data.length, 16);
      assert.equal(mostWithin(packets, 1), 8);
    });

    it("is spread over time: never more than a train, or two milliseconds' worth, back to back", async () => {
      const pair = await Pair.make({ engine, link: path(20e6, 40, 300) });
      const flow = new Flow(pair);
      const packets = watch(pair);
      flow.transfer(3000);
      assert.ok(mostWithin(packets, 0.5) <= 8, `${mostWithin(packets, 0.5)} packets in half a millisecond`);
    });

    it("does not flood a short queue on the way to the path's rate", async () => {
      const pair = await Pair.make({ engine, link: path(10e6, 100, 25) });
      const flow = new Flow(pair, { config: { coding: "off" } });
      flow.start();
      pair.clock.runUntil(800);
      assert.ok(flow.takenAtMs.length > 400, `${flow.takenAtMs.length} messages in 0.8 s of 909`);
      assert.equal(pair.link.aToB.stats.droppedQueue, 0);
    });

    it("towards a deployed peer is at most 4 in a turn, 8 in a millisecond and 256 in flight", async () => {
      const pair = await Pair.make({ engine });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(peer.local.sid, PORT);
      peer.react = ({ sequence }) => {
        if (sequence !== undefined && sequence < 3000) peer.send(ackPacket(sequence));
      };
      await pair.pass(5);
      peer.send(ackPacket(undefined));
      await pair.settle(socket.connected);
      const packets = watch(pair);
      let sent = 0;
      const pump = async () => {
        for (; sent < 4000; sent += 1) await socket.send(numbered(sent));
      };
      pump().catch(() => {}); // it is stopped in the end
      await pair.pass(1500);
      assert.ok(peer.last!.sequence! >= 3000, `${peer.last!.sequence}`);
      assert.ok(mostWithin(packets, 0.001) <= 4, `${mostWithin(packets, 0.001)} in a turn`);
      assert.ok(mostWithin(packets, 1) <= 11, `${mostWithin(packets, 1)} in a millisecond`);
      assert.ok(socket.stats.inFlight <= 256);
      const seconds = (packets.at(-1)!.atMs - packets[0]!.atMs) / 1000;
      assert.ok(packets.length / seconds <= 6600, "numbers of 16 bits must not come round too soon");
      socket.stop();
    });
  });
}
