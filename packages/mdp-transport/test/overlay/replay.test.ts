import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createIdentity, type Identity } from "../../src/index.ts";
import { createSodiumSeal } from "../../src/overlay/sodium-seal.ts";
import { Decoder } from "./decode.ts";
import { type Heard, isReachable, testNode, testSegment } from "./rig.ts";
import { fromHex, readVectors } from "./vectors.ts";

const FILE = readVectors("two-nodes");
const [A, B] = ["10.9.0.1:4110", "10.9.0.2:4110"];

/** Play what A sent in the first `untilMs` of the recording to a node with B's keys. Returns what that sent, decoded. */
async function replay(untilMs: number) {
  const identities = await Promise.all(
    FILE.identities.map(({ signSeed }) => createIdentity(fromHex(signSeed))),
  );
  const { clock, random, segment } = testSegment(1, { delayMs: 1 });
  segment.port(A).onDatagram(() => {});
  const node = await testNode({
    identities: [identities[1]!],
    links: [{ transport: segment.port(B) }],
    clock,
    entropy: random,
  });
  for (const { time, from, datagram } of FILE.packets) {
    if (from !== A || time * 1000 > untilMs) continue;
    clock.runUntil(time * 1000);
    segment.link(A, B).send(fromHex(datagram));
  }
  clock.runUntil(untilMs);
  const decoder = new Decoder(
    FILE.identities.map(({ name }) => name),
    identities as Identity[],
    await createSodiumSeal(),
  );
  const said = segment.sent.map((heard): Said => {
    const packet = decoder.packet(heard.bytes.slice());
    assert.ok(packet !== undefined, "it decodes");
    return { ...heard, packet, frames: packet.frames as SaidFrame[] };
  });
  return { node, said, decoder, sidA: identities[0]!.sid };
}

interface SaidFrame {
  readonly flags: number;
  readonly payload?: string;
  readonly linkState?: readonly { readonly ackSequence?: number }[];
}

interface Said extends Heard {
  readonly packet: Record<string, unknown>;
  readonly frames: readonly SaidFrame[];
}

/** The packets whose first frame has these flags. */
function startingWith(said: readonly Said[], flags: number): Said[] {
  return said.filter(({ frames }) => frames[0]?.flags === flags);
}

describe("a recorded daemon's discovery, played to a node with its neighbour's keys", () => {
  it("is answered as the recorded neighbour answered it, and ends with the daemon reachable", async () => {
    const { node, said, decoder, sidA } = await replay(255);
    assert.deepEqual(decoder.faults, []);

    // A's first tick bears an abbreviation: the node asks whom it means, as A did, both ways.
    const asks = startingWith(said, 0x87);
    assert.deepEqual(
      asks.map(({ to, frames }) => [to, frames[0]?.payload]),
      [
        [A, "0257d5"],
        ["*", "0257d5"],
      ],
    );
    assert.equal(asks[0]!.atMs < 10, true);

    // A asks the same (packets 2, 3): the answer says who we are, to A and to all.
    const answers = startingWith(said, 0x85);
    assert.deepEqual(
      answers.slice(0, 2).map(({ to, packet }) => [to, packet.transmitter]),
      [
        [A, "B"],
        ["*", "B"],
      ],
    );
    assert.ok(answers[0]!.atMs - 211.6 < 6, "as soon as the daemon did");

    // Then the record that tells A that we hear it (packets 11, 12).
    const told = startingWith(said, 0x07).find(({ atMs }) => atMs >= 211);
    const { length: _, ...fields } = { length: 0, ...told?.frames[0]?.linkState?.[0] };
    assert.deepEqual(fields, { flags: 9, receiver: "B", version: 1, transmitter: "A", interface: 0 });

    // A's own record (packet 13) makes it reachable, and our packets are numbered from then on, from 1.
    assert.equal(isReachable(node, sidA), true);
    const numbered = said.filter(({ packet }) => packet.sequence !== undefined);
    assert.equal(numbered[0]!.packet.sequence, 1);
    assert.equal(numbered[0]!.atMs >= 247.7, true);
    await node.close();
  });

  it("is kept up for the whole recording, and every packet of A is acknowledged by number", async () => {
    const { node, said, decoder, sidA } = await replay(5100);
    assert.deepEqual(decoder.faults, []);
    assert.equal(isReachable(node, sidA), true);
    const acks = said
      .flatMap(({ frames }) => frames)
      .flatMap(({ linkState }) => linkState ?? [])
      .flatMap(({ ackSequence }) => ackSequence ?? []);
    assert.ok(acks.length >= 9, `${acks.length} acknowledgements in 5 s`);
    assert.equal(Math.max(...acks) >= 16, true);
    assert.equal(node.counters["own-packet"], 0);
    await node.close();
  });
});
