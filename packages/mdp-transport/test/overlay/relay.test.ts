import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BIND_PRIMARY, type Sid } from "@meshstream/msp";
import { wholeAddress } from "../../src/overlay/address.ts";
import { FrameFlag, type FrameToWrite } from "../../src/overlay/frame.ts";
import { canPing, messageOf, testMesh, transfer } from "./mesh-rig.ts";
import { inbox, testIdentity, testNode } from "./rig.ts";
import { hexHead, scriptedMesh, shortOf, strangeSid } from "./scripted-mesh.ts";

const [S, T] = [strangeSid(1), strangeSid(2)];
const SEALED = FrameFlag.CIPHERED | FrameFlag.SIGNED;
const PAYLOAD = Uint8Array.from({ length: 90 }, (_, i) => i);

/** A node between x and y; S lies behind x, T behind y. */
async function between(options: Parameters<typeof scriptedMesh>[0] = {}) {
  const mesh = await scriptedMesh(options);
  const [x, y] = [await mesh.neighbour("x", 71), await mesh.neighbour("y", 72)];
  x.say(x.path(S, x.sid));
  y.say(y.path(T, y.sid));
  mesh.clock.runUntil(300);
  y.heard();
  x.heard();
  const me = wholeAddress(mesh.node.identities[0]!.bytes);
  const frame = (source: Sid, destination: Sid, more: Partial<FrameToWrite> = {}): FrameToWrite => ({
    flags: SEALED,
    source: wholeAddress(source.bytes),
    destination: wholeAddress(destination.bytes),
    nextHop: me,
    ttl: 20,
    queue: 3,
    sequence: -1,
    ...more,
  });
  const settle = () => mesh.clock.runUntil(mesh.clock.now() + 30);
  return { ...mesh, x, y, frame, settle };
}

describe("relaying", () => {
  it("a line of three: the ends know the way, ping each other, and carry MSP", async () => {
    const mesh = await testMesh(["AB", "BC"]);
    mesh.clock.runUntil(1000);
    const route = mesh
      .node("A")
      .routes()
      .find(({ sid }) => sid.hex === mesh.sid("C").hex);
    assert.deepEqual(
      [route?.hops, route?.nextHop.hex, route?.lastHop.hex],
      [2, mesh.sid("B").hex, mesh.sid("B").hex],
    );
    assert.equal(await canPing(mesh.clock, mesh.node("A"), mesh.sid("C")), true);
    assert.equal(await canPing(mesh.clock, mesh.node("C"), mesh.sid("A")), true);
    const { received } = await transfer(mesh, "A", "C", 100);
    assert.deepEqual(
      received,
      Array.from({ length: 100 }, (_, i) => messageOf(i)),
    );
    assert.ok(mesh.node("B").counters["frames-relayed"]! >= 100);
    await mesh.close();
  });

  it("a frame goes on as it is but for its head: time to live less one, its source written out", async () => {
    const { node, x, y, frame, settle } = await between();
    x.send(frame(S, T), PAYLOAD);
    settle();
    const [onward] = y.heardFrames();
    assert.deepEqual(onward && { ...onward, packetBytes: 0 }, {
      flags: SEALED,
      asksForAck: false,
      source: S.hex.toLowerCase(),
      destination: hexHead(T),
      nextHop: hexHead(y.sid),
      ttl: 19,
      payload: PAYLOAD,
      packetBytes: 0,
    });
    x.send(frame(x.sid, y.sid, { flags: SEALED | FrameFlag.SENDER_SAME }), PAYLOAD);
    settle();
    const [last] = y.heardFrames();
    assert.equal(last?.flags, SEALED | FrameFlag.ONE_HOP, "y is its destination");
    assert.deepEqual([last?.source, last?.destination], [x.sid.hex.toLowerCase(), hexHead(y.sid)]);
    assert.equal(node.counters["frames-relayed"], 2);
    await node.close();
  });

  it("a frame asks the next hop for an acknowledgement if it asked this node for one", async () => {
    const { node, x, y, frame, settle } = await between();
    x.send(frame(S, T, { flags: SEALED | FrameFlag.ACK_SOON }), PAYLOAD);
    x.send(frame(S, T), PAYLOAD.toReversed());
    settle();
    assert.deepEqual(
      y.heardFrames().map(({ asksForAck }) => asksForAck),
      [true, false],
    );
    await node.close();
  });

  it("what is not sent on is counted by its reason", async () => {
    const { node, x, y, frame, settle } = await between();
    for (const [reason, sent] of [
      ["relay-ttl", frame(S, T, { ttl: 1 })],
      ["relay-ttl", frame(S, T, { ttl: 0 })],
      ["relay-no-route", frame(S, strangeSid(9))],
      ["relay-back", frame(T, S)],
      ["own-source", frame(node.identities[0]!, T)],
      ["relay-type", frame(S, T, { flags: FrameFlag.LEGACY_TYPE, type: 0x60 })],
      ["not-signed", frame(S, T, { flags: FrameFlag.CIPHERED })],
      [
        "sealed-broadcast",
        frame(S, T, { flags: SEALED | FrameFlag.BROADCAST, broadcastId: new Uint8Array(8) }),
      ],
      ["overheard", frame(S, T, { nextHop: wholeAddress(y.sid.bytes) })],
      ["overheard", frame(S, T, { flags: SEALED | FrameFlag.ONE_HOP })],
    ] as const) {
      const before = node.counters[reason]!;
      x.send(sent, PAYLOAD);
      settle();
      assert.equal(node.counters[reason], before + 1, reason);
    }
    assert.deepEqual([...y.heardFrames(), ...x.heardFrames()], []);
    assert.equal(node.counters["frames-relayed"], 0);
    await node.close();
  });

  it("a message without a payload is not sent on, as far as that shows", async () => {
    const { node, x, y, frame, settle } = await between();
    const ports = [23]; // both are 11
    for (const [flags, payload, arrives] of [
      [SEALED, new Uint8Array(41), false],
      [SEALED, new Uint8Array(42), true],
      [0, Uint8Array.from(ports), false],
      [0, Uint8Array.of(...ports, 1), true],
      [FrameFlag.SIGNED, Uint8Array.of(...ports, ...new Uint8Array(64)), false],
      [FrameFlag.SIGNED, Uint8Array.of(...ports, ...new Uint8Array(65)), true],
    ] as const) {
      x.send(frame(S, T, { flags }), payload);
      settle();
      const arrived = y.heard().filter(({ destination }) => destination === hexHead(T));
      assert.equal(arrived.length, arrives ? 1 : 0, `${payload.length} bytes with the flags ${flags}`);
    }
    assert.equal(node.counters["message-empty"], 3);
    await node.close();
  });

  it("link state is not sent on: it is for neighbours, and what is in it is not looked at here", async () => {
    const { node, x, y, frame, settle } = await between();
    const broadcastId = new Uint8Array(8).fill(1);
    const record = [4, 0x02, 0, 1]; // its receiver is an address of no length
    for (const ports of [[5], [4, 0x81, 0x02]]) {
      x.send(frame(S, T, { flags: 0 }), Uint8Array.of(...ports, ...record));
      x.send(frame(S, T, { flags: FrameFlag.BROADCAST, broadcastId }), Uint8Array.of(...ports, ...record));
    }
    settle();
    assert.deepEqual(y.heardFrames(), []);
    assert.equal(node.counters["not-one-hop"], 4);
    await node.close();
  });

  it("a frame that does not fit is abbreviated, and dropped and counted if that does not help; never split", async () => {
    const { node, x, y, frame, settle } = await between({ mtuBytes: 1200 });
    for (const [bytes, arrives, sourceBytes] of [
      [1120, true, 32],
      [1140, true, 8],
      [1155, true, 8],
      [1156, false, 0],
    ] as const) {
      x.send(frame(S, T), new Uint8Array(bytes));
      settle();
      const frames = y.heardFrames();
      assert.equal(frames.length, arrives ? 1 : 0, `${bytes} bytes`);
      if (!arrives) continue;
      assert.equal(frames[0]?.source?.length, 2 * sourceBytes);
      assert.ok(frames[0]!.packetBytes <= 1200);
    }
    assert.equal(node.counters["over-mtu"], 1);
    await node.close();
  });

  it("several identities of one node are reached over a relay, each at its own ports", async () => {
    const { clock, random, segment } = await scriptedMesh();
    const make = async (numbers: readonly number[], names: readonly string[]) =>
      testNode({
        identities: await Promise.all(numbers.map(testIdentity)),
        links: names.map((name) => ({ transport: segment.port(name) })),
        clock,
        entropy: random.fork(),
      });
    const a = await make([11], ["a"]);
    const b = await make([12], ["b"]);
    const c = await make([13, 14], ["c"]);
    segment.link("a", "c").configure({ up: false });
    segment.link("c", "a").configure({ up: false });
    clock.runUntil(1000);
    const [first, second] = c.identities;
    assert.deepEqual([a.route(first!)?.hops, a.route(second!)?.hops], [2, 3]);
    const inFirst = inbox(c, { sid: first!, port: 700 });
    const inSecond = inbox(c, { sid: second!, port: 700 });
    const from = inbox(a, { sid: BIND_PRIMARY, port: 701 });
    from.send({ sid: second!, port: 700 }, "to the second");
    clock.runUntil(1100);
    inSecond.send({ sid: a.identities[0]!, port: 701 }, "from the second", second);
    clock.runUntil(1200);
    assert.deepEqual(inFirst.messages, []);
    assert.equal(inSecond.messages[0]?.text, "to the second");
    assert.equal(from.messages[0]?.remote.hex, second!.hex);
    for (const node of [a, b, c]) await node.close();
  });
});

describe("flooded broadcasts", () => {
  const flood = (id: number, more: Partial<FrameToWrite> = {}): FrameToWrite => ({
    flags: FrameFlag.SENDER_SAME | FrameFlag.BROADCAST,
    broadcastId: new Uint8Array(8).fill(id),
    ttl: 10,
    sequence: -1,
    ...more,
  });

  it("are sent on once, to all but where they come from, for a neighbour whose ways lead through this node", async () => {
    const { node, x, y, settle, neighbour } = await between();
    const z = await neighbour("z", 73);
    settle();
    x.send(flood(1), PAYLOAD);
    settle();
    assert.equal(node.counters["broadcast-not-through-us"], 1);
    assert.deepEqual(y.heardFrames(), []);
    x.say(x.path(T, node.identities[0]));
    settle();
    z.heard();
    x.send(flood(2), PAYLOAD);
    y.send(flood(2, { flags: FrameFlag.BROADCAST, source: wholeAddress(x.sid.bytes) }), PAYLOAD);
    settle();
    for (const heard of [y.heardFrames(), z.heardFrames()]) {
      assert.deepEqual(
        heard.map(({ flags, source, ttl, payload }) => [flags, source, ttl, payload]),
        [[FrameFlag.BROADCAST, x.sid.hex.toLowerCase(), 9, PAYLOAD]],
      );
    }
    assert.deepEqual(x.heardFrames(), []);
    assert.equal(node.counters["broadcast-copy"], 1);
    x.send(flood(3, { ttl: 1 }), PAYLOAD);
    settle();
    assert.deepEqual([y.heardFrames(), node.counters["relay-ttl"]], [[], 1]);
    await node.close();
  });

  it("with new ids are taken from each neighbour 20 times a second, no more", async () => {
    const { node, x, y, settle } = await between();
    x.say(x.path(T, node.identities[0]));
    settle();
    for (let id = 1; id <= 60; id++) x.send(flood(id), PAYLOAD);
    settle();
    assert.equal(y.heardFrames().length, 20);
    assert.equal(node.counters["broadcast-limit"], 40);
    await node.close();
  });
});

describe("addresses of far nodes", () => {
  it("who announces a SID tells of it when asked, though it is several hops away", async () => {
    const { node, x, y, settle } = await between();
    y.heard();
    y.send({ flags: 0xc5, destination: shortOf(node.identities[0]!), type: 0x60, sequence: -1 }, asking(S));
    settle();
    const told = y.heardFrames().filter(({ flags }) => (flags & 0x80) !== 0);
    assert.deepEqual(
      told.map(({ payload }) => payload),
      [Uint8Array.of(0x20, ...S.bytes)],
    );
    x.heard();
    await node.close();
  });

  it("an unknown abbreviation in a frame to relay makes the node ask the neighbour that sent it", async () => {
    const { node, x, y, frame, settle } = await between();
    const unknown = strangeSid(50);
    x.send(frame(S, T, { source: shortOf(unknown) }), PAYLOAD);
    settle();
    const asked = x.heardFrames();
    assert.deepEqual(
      asked.map(({ payload }) => payload),
      [asking(unknown)],
    );
    assert.deepEqual(y.heardFrames(), []);
    await node.close();
  });

  it("a payload that does not open under an abbreviated source makes the node ask, a whole one does not", async () => {
    const { node, x, frame, settle } = await between();
    const here = node.identities[0]!;
    x.send(frame(S, here), PAYLOAD);
    settle();
    assert.deepEqual([node.counters["open-failed"], x.heardFrames()], [1, []]);
    for (let i = 0; i < 5; i++) x.send(frame(S, here, { source: shortOf(S) }), PAYLOAD);
    settle();
    assert.deepEqual(
      x.heardFrames().map(({ payload }) => payload),
      [asking(S)],
    );
    assert.equal(node.counters["open-failed"], 6);
    await node.close();
  });

  it("this end and the other end of a link mean something where the link has two ends, and nowhere else", async () => {
    const thisEnd = { form: 3, bytes: new Uint8Array(0) } as const;
    const otherEnd = { form: 4, bytes: new Uint8Array(0) } as const;
    for (const pointToPoint of [true, false]) {
      const { node, clock, segment, neighbour } = await scriptedMesh({ pointToPoint });
      segment.port("x").onDatagram(() => {});
      segment.link("x", "node").send(Uint8Array.of(0, 1, 0xfc, 1)); // nobody has said yet who is there
      clock.runUntil(1);
      assert.equal(segment.sent.filter(({ bytes }) => bytes.at(-1) === 0xfd).length, pointToPoint ? 1 : 0);
      const x = await neighbour("x", 71);
      clock.runUntil(2);
      x.send({ flags: 0x05 | SEALED, destination: otherEnd, sequence: -1 }, PAYLOAD, thisEnd);
      x.send({ flags: 0x04 | SEALED, source: thisEnd, destination: otherEnd, sequence: -1 }, PAYLOAD);
      clock.runUntil(30);
      // What they mean shows by the attempt to open the payload.
      assert.equal(node.counters["open-failed"], pointToPoint ? 2 : 0);
      assert.equal(node.counters["address-point-to-point"], pointToPoint ? 0 : 3);
      await node.close();
    }
  });
});

/** The payload of a question about the short form of `sid`. */
function asking(sid: Sid): Uint8Array {
  return Uint8Array.of(8, ...sid.bytes.subarray(0, 8));
}
