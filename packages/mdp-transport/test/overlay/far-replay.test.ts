import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createIdentity } from "../../src/index.ts";
import { createSodiumSeal } from "../../src/overlay/sodium-seal.ts";
import { Decoder } from "./decode.ts";
import { testNode, testSegment } from "./rig.ts";
import { fromHex, readVectors } from "./vectors.ts";

const FILE = readVectors("three-nodes-at-C");
const [B, C] = ["10.9.1.2:4110", "10.9.1.3:4110"];

interface SaidFrame {
  readonly flags: number;
  readonly source: string;
  readonly destination?: string;
  readonly nextHop?: string;
  readonly ttl?: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly plaintext?: string;
  readonly linkState?: readonly Record<string, unknown>[];
}

describe("what a recorded daemon says of a node behind it, played to a node with its neighbour's keys", () => {
  it("is understood, told on as the recorded neighbour did, and answered through the daemon", async () => {
    const identities = await Promise.all(
      FILE.identities.map(({ signSeed }) => createIdentity(fromHex(signSeed))),
    );
    const names = FILE.identities.map(({ name }) => name);
    const sidOf = (name: string) => identities[names.indexOf(name)]!.sid;
    const { clock, random, segment } = testSegment(1, { delayMs: 1 });
    segment.port(B).onDatagram(() => {});
    const node = await testNode({
      identities: [identities[names.indexOf("C")]!],
      links: [{ transport: segment.port(C) }],
      clock,
      entropy: random,
    });
    for (const { time, from, datagram } of FILE.packets) {
      if (from !== B) continue;
      clock.runUntil(time * 1000);
      segment.link(B, C).send(fromHex(datagram));
    }
    clock.runUntil(clock.now() + 100);

    const route = node.route(sidOf("A"));
    assert.deepEqual(
      [route?.hops, route?.nextHop.hex, route?.lastHop.hex],
      [2, sidOf("B").hex, sidOf("B").hex],
    );

    const decoder = new Decoder(names, identities, await createSodiumSeal());
    const frames = segment.sent
      .filter(({ from }) => from === C)
      .flatMap(({ bytes }) => (decoder.packet(bytes.slice())?.frames ?? []) as SaidFrame[]);
    assert.deepEqual(decoder.faults, []);

    // Packet 41: C tells B of A as it heard it, also that version.
    const paths = frames
      .flatMap(({ linkState }) => linkState ?? [])
      .filter(({ receiver }) => receiver === "A");
    const { length: _, ...told } = { length: 0, ...paths[0] };
    assert.deepEqual(told, { flags: 0x20, receiver: "A", version: 13, transmitter: "B", dropRate: 0 });

    // Packets 87 and 88: A's ping came over B, and its answer goes back that way.
    const answer = frames.find(({ sourcePort }) => sourcePort === 7)!;
    const recorded = FILE.packets[88]!.decoded.frames[0] as unknown as SaidFrame;
    for (const field of [
      "source",
      "destination",
      "nextHop",
      "ttl",
      "sourcePort",
      "destinationPort",
      "plaintext",
    ] as const)
      assert.equal(answer[field], recorded[field], field);
    await node.close();
  });
});
