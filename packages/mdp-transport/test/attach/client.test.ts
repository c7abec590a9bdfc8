import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BIND_ALL, BIND_PRIMARY, type Entropy, MspError, type MspErrorCode, Sid } from "@meshstream/msp";
import { createRandom, VirtualClock } from "@meshstream/netem";
import { createCore } from "@meshstream/wasm-core";
import { type AttachedTransport, attach } from "../../src/attach/client.ts";
import { encodeHello } from "../../src/attach/frame.ts";
import { AttachLimit } from "../../src/attach/limits.ts";
import { ManagementPort } from "../../src/attach/management.ts";
import { type RecordAddress, RecordFlag, SID_ANY } from "../../src/mdp2/record.ts";
import type { NeighbourInfo } from "../../src/overlay/neighbour-info.ts";
import { drain, type MemoryStream, streamPair } from "./byte-streams.ts";
import { bindEnd } from "./ends.ts";
import { RawPeer } from "./raw-peer.ts";
import { AttachRig, NO_MANAGEMENT } from "./rig.ts";

describe("attaching (docs/wire.md W12)", () => {
  it("gives the node's identities and state", async () => {
    const rig = new AttachRig();
    const node = await rig.node();
    const management = { ...NO_MANAGEMENT, status: () => ({ bound: "127.0.0.1:4110" }) };
    const { client } = await rig.attach(node, { management });
    assert.deepEqual(client.identities.map(String), node.identities.map(String));
    assert.deepEqual(client.status, { bound: "127.0.0.1:4110" });
    assert.equal(rig.clock.step(), false, "no timer is left");
  });

  it("is refused with transport-start by what is no holder, one of another version, and one without identity", async () => {
    for (const [hello, words] of [
      [new TextEncoder().encode("HTTP/1.1 400 Bad Request"), /no Meshstream node/],
      [encodeHello(2), /version 2 .*same release/],
    ] as const) {
      const { opening, holder } = await openTo(hello);
      await fails(opening, "transport-start", words);
      await drain();
      assert.ok(holder.isEnded, "the stream is closed");
    }
    const { opening, holder } = await openTo();
    holder.write({ local: NODE, remote: at(ManagementPort.IDENTITIES), flags: RecordFlag.CLOSE });
    holder.write({ local: NODE, remote: at(ManagementPort.STATUS), flags: RecordFlag.CLOSE });
    await fails(opening, "transport-start", /no identity/);
  });

  it("fails with transport-start if the holder says nothing for the time given", async () => {
    const { opening, clock, holder } = await openTo(new Uint8Array(0), 700);
    clock.runUntil(699);
    await drain();
    assert.ok(!holder.isEnded);
    clock.runUntil(700);
    await fails(opening, "transport-start", /700 ms/);
  });

  it("fails with transport-lost if the stream ends first, so that trying again makes sense", async () => {
    const { opening, holder } = await openTo();
    holder.stream.close();
    await fails(opening, "transport-lost");
  });
});

describe("an attached program", () => {
  it("hears once of a lost holder, and everything fails with transport-lost", async () => {
    const rig = new AttachRig();
    const { client, holderStream } = await rig.attach(await rig.node());
    const losses: MspError[] = [];
    client.onLost((error) => losses.push(error));
    const bound = bindEnd(client, 1000);
    await bound.binding.ready;
    const late = bindEnd(client, 1001);
    const asked = client.neighbours();
    holderStream.isPaused = true;
    holderStream.close();
    // The end comes through although the holder reads no more.
    holderStream.isPaused = false;
    await drain();
    assert.deepEqual(
      losses.map(({ code }) => code),
      ["transport-lost"],
    );
    await late.binding.ready.catch(() => {});
    assert.equal(bound.send({ sid: client.identities[0]!, port: 9 }, Uint8Array.of(1)), false);
    assert.throws(() => bindEnd(client, 1002), { code: "transport-lost" });
    await fails(client.neighbours(), "transport-lost");
    await fails(client.addPeer("127.0.0.1:1"), "transport-lost");
    await asked.catch(() => {});
    await client.close();
    assert.equal(losses.length, 1);
  });

  it("rejects what was asked and not answered when the holder goes", async () => {
    const { client, holder } = await attachByHand();
    const { binding } = bindEnd(client, 1000);
    const closed = bindEnd(client, 1001).binding;
    closed.close();
    const asked = client.neighbours();
    holder.stream.close();
    await fails(binding.ready, "transport-lost");
    await fails(closed.ready, "transport-lost");
    await fails(asked, "transport-lost");
  });

  it("tells a handler that comes late, too", async () => {
    const rig = new AttachRig();
    const { client, holderStream } = await rig.attach(await rig.node());
    holderStream.close();
    await drain();
    const losses: MspError[] = [];
    client.onLost((error) => losses.push(error));
    assert.equal(losses.length, 0, "never from within onLost");
    await drain();
    assert.equal(losses[0]?.code, "transport-lost");
  });

  it("gives the holder up when its stream is out of step", async () => {
    const { client, holder } = await attachByHand();
    const losses: MspError[] = [];
    client.onLost((error) => losses.push(error));
    holder.stream.write(Uint8Array.of(3, 0, 1, 2, 3));
    await drain();
    assert.equal(losses[0]?.code, "transport-lost");
    assert.match(losses[0].message, /3 bytes/);
    assert.ok(holder.isEnded);
  });

  it("knows the number of an automatic port at once, each time another, above the services and below 2^31", async () => {
    const rig = new AttachRig();
    const { client } = await rig.attach(await rig.node());
    const ports = new Set<number>();
    for (let i = 0; i < 100; i++) {
      const { local, ready } = bindEnd(client, 0, i % 2 === 0 ? BIND_PRIMARY : BIND_ALL).binding;
      ports.add(local.port);
      await ready;
    }
    assert.equal(ports.size, 100);
    for (const port of ports) assert.ok(port >= 0x1_0000 && port < 2 ** 31, String(port));
  });

  it("draws such a number again if it has it already", async () => {
    const draws = [0, 0, 0xffff_ffff];
    const entropy = {
      fill: (bytes: Uint8Array) => bytes.fill(draws.shift() ?? assert.fail("one draw too many")),
    };
    const { client } = await attachByHand({ entropy });
    assert.equal(bindEnd(client, 0).binding.local.port, 0x1_0000);
    assert.equal(bindEnd(client, 0).binding.local.port, 0x7fff_ffff);
  });

  it("need not look at what becomes of a binding", async () => {
    const { client, holder } = await attachByHand();
    const { local } = bindEnd(client, 1000).binding;
    holder.write({
      local: { ...local, sid: local.sid.bytes },
      remote: NODE,
      flags: RecordFlag.BIND | RecordFlag.ERROR,
    });
    // An unhandled rejection shows when the event loop turns, and fails the test.
    await new Promise((resolve) => setTimeout(resolve, 1));
  });

  it("is refused a port that another program has, and may have it when that one has closed it", async () => {
    const rig = new AttachRig();
    const node = await rig.node();
    const [first, second] = [(await rig.attach(node)).client, (await rig.attach(node)).client];
    const held = bindEnd(first, 1000);
    await held.binding.ready;
    await fails(bindEnd(second, 1000).binding.ready, "port-in-use");
    held.binding.close();
    await drain();
    const again = bindEnd(second, 1000);
    await again.binding.ready;
    again.send({ sid: node.identities[0]!, port: 1000 }, Uint8Array.of(7));
    await rig.settle();
    assert.deepEqual(again.received, [Uint8Array.of(7)]);
  });

  it("a refusal that comes after the binding was closed takes nothing from its successor", async () => {
    const { client, holder } = await attachByHand();
    const first = bindEnd(client, 1000).binding;
    first.close();
    const second = bindEnd(client, 1000);
    const local = { sid: client.identities[0]!.bytes, port: 1000 };
    holder.write({ local, remote: NODE, flags: RecordFlag.BIND | RecordFlag.ERROR }, utf8("taken"));
    holder.write({ local, remote: NODE, flags: RecordFlag.BIND });
    await fails(first.ready, "port-in-use", /taken/);
    await second.binding.ready;
    holder.write({ local, remote: PEER, flags: 0 }, Uint8Array.of(4));
    await drain();
    assert.deepEqual(second.received, [Uint8Array.of(4)]);
  });

  it("drops and counts what no holder should send, and goes on", async () => {
    const { client, holder } = await attachByHand();
    const end = bindEnd(client, 1000);
    const local = { sid: client.identities[0]!.bytes, port: 1000 };
    const one = Uint8Array.of(1);
    holder.write({ local, remote: NODE, flags: RecordFlag.BIND });
    holder.write({ local: { ...local, port: 1001 }, remote: PEER, flags: 0 }, one);
    holder.write({ local: { ...local, sid: PEER.sid }, remote: PEER, flags: 0 }, one);
    holder.write({ local, remote: PEER, flags: RecordFlag.NOT_CIPHERED }, one);
    holder.write({ local, remote: PEER, flags: RecordFlag.NOT_SIGNED }, one);
    holder.write({ local, remote: PEER, flags: 0 });
    holder.write({ local, remote: NODE, flags: RecordFlag.BIND }, one);
    holder.write({ local: NODE, remote: at(99), flags: RecordFlag.CLOSE });
    holder.write({ local, remote: PEER, flags: RecordFlag.CLOSE });
    holder.write({ local, remote: PEER, flags: RecordFlag.BIND | RecordFlag.CLOSE });
    holder.write({ local, remote: PEER, flags: 0 }, Uint8Array.of(2));
    await drain();
    assert.deepEqual(end.received, [Uint8Array.of(2)]);
    const { received, droppedNotBound, droppedNotOurs, droppedUnprotected, droppedSize, droppedMalformed } =
      client.counters;
    assert.deepEqual(
      { received, droppedNotBound, droppedNotOurs, droppedUnprotected, droppedSize, droppedMalformed },
      {
        received: 1,
        droppedNotBound: 1,
        droppedNotOurs: 1,
        droppedUnprotected: 2,
        droppedSize: 1,
        droppedMalformed: 4,
      },
    );
  });

  it("cannot address the node itself with a packet", async () => {
    const { client, holder } = await attachByHand();
    const end = bindEnd(client, 1000);
    await drain();
    const before = holder.records.length;
    assert.equal(
      end.send({ sid: Sid.fromBytes(SID_ANY), port: ManagementPort.STATUS }, Uint8Array.of(1)),
      false,
    );
    await drain();
    assert.equal(holder.records.length, before);
  });

  it("drops what it sends, and says so, while the holder does not read", async () => {
    const rig = new AttachRig();
    const node = await rig.node();
    const { client, clientStream, holderStream } = await rig.attach(node);
    const inbox = bindEnd(node, 2000);
    const end = bindEnd(client, 1000);
    await end.binding.ready;
    holderStream.isPaused = true;
    const packet = new Uint8Array(1029).fill(1);
    let sent = 0;
    for (let i = 0; i < 1000; i++) sent += end.send({ sid: node.identities[0]!, port: 2000 }, packet) ? 1 : 0;
    assert.ok(sent > 200 && sent < 300, `${sent} of 1000 were taken`);
    assert.ok(clientStream.pendingBytes < AttachLimit.PENDING_DATA_BYTES + 2000);
    assert.equal(client.counters.droppedQueueFull, 1000 - sent);
    holderStream.resume();
    await rig.settle();
    assert.equal(inbox.received.length, sent);
    assert.equal(end.send({ sid: node.identities[0]!, port: 2000 }, packet), true);
  });
});

describe("an attached program's questions", () => {
  const row: NeighbourInfo = {
    sid: Sid.fromBytes(new Uint8Array(32).fill(5)),
    link: 0,
    address: "127.0.0.1:4111",
    reachable: true,
    heardAgoMs: 12.5,
    dropPercent: 7,
  };

  it("bring the neighbour table as the node has it, of any length", async () => {
    const rig = new AttachRig();
    const { dropPercent: _, ...bare } = row;
    const figures = {
      hearsUsAgoMs: 1,
      heardDropPercent: 2,
      packetsSent: 3,
      packetsReceived: 4,
      acknowledgedInMs: 5,
    };
    const rows = [
      row,
      bare,
      { ...row, ...figures, framesSent: 6, framesResent: 7 },
      { ...row, packetsAcknowledged: 8, framesAcknowledged: 9, framesReceived: 10 },
      ...Array.from({ length: 300 }, (_, i) => ({ ...row, link: i })),
    ];
    const management = { ...NO_MANAGEMENT, neighbours: () => rows };
    const { client } = await rig.attach(await rig.node(), { management, cut: () => 100 });
    assert.deepEqual(await client.neighbours(), rows);
  });

  it("leave out rows that are none", async () => {
    const { client, holder } = await attachByHand();
    const asked = client.neighbours();
    const remote = at(ManagementPort.NEIGHBOURS);
    const good = { ...row, sid: row.sid.hex };
    const rows = [good, { ...good, sid: "AB" }, { ...good, link: "x" }, { ...good, reachable: 1 }, null, 5];
    for (const each of rows) holder.write({ local: NODE, remote, flags: 0 }, utf8(JSON.stringify(each)));
    holder.write({ local: NODE, remote, flags: 0 }, utf8("{"));
    holder.write({ local: NODE, remote, flags: RecordFlag.CLOSE });
    assert.deepEqual(await asked, [row]);
  });

  it("hand a peer's address on, and bring the holder's refusal back", async () => {
    const rig = new AttachRig();
    const peers: string[] = [];
    const addPeer = (address: string) => {
      if (address === "nonsense") throw new MspError("address", "no address: nonsense");
      peers.push(address);
    };
    const { client } = await rig.attach(await rig.node(), { management: { ...NO_MANAGEMENT, addPeer } });
    await client.addPeer("192.0.2.7:4110");
    assert.deepEqual(peers, ["192.0.2.7:4110"]);
    await fails(client.addPeer("nonsense"), "address", /no address: nonsense/);
  });

  it("are answered in order when several are asked at once", async () => {
    const rig = new AttachRig();
    const { client } = await rig.attach(await rig.node(), {
      management: { ...NO_MANAGEMENT, neighbours: () => [row] },
    });
    const answers = await Promise.all([client.neighbours(), client.addPeer("a"), client.neighbours()]);
    assert.deepEqual(answers, [[row], undefined, [row]]);
  });
});

const NODE: RecordAddress = { sid: SID_ANY, port: 0 };
const PEER: RecordAddress = { sid: new Uint8Array(32).fill(0x77), port: 7 };

function at(port: number): RecordAddress {
  return { sid: SID_ANY, port };
}

/** A client on its way, and the holder's end by hand. */
async function openTo(hello?: Uint8Array, timeoutMs = 5000, entropy: Entropy = createRandom(5)) {
  const clock = new VirtualClock();
  const [clientStream, holderStream] = streamPair();
  const core = await createCore({ engine: "ts", poolBytes: 1 << 20 });
  const opening = attach(core, clientStream, { clock, entropy, timeoutMs });
  opening.catch(() => {});
  return { opening, clock, holder: new RawPeer(holderStream, hello) };
}

async function attachByHand({
  entropy,
}: {
  entropy?: Entropy;
} = {}): Promise<{ client: AttachedTransport; holder: RawPeer; stream: MemoryStream }> {
  const { opening, holder } = await openTo(undefined, 5000, entropy);
  const identity = new Uint8Array(32).fill(0x42);
  holder.write({ local: NODE, remote: at(ManagementPort.IDENTITIES), flags: 0 }, identity);
  holder.write({ local: NODE, remote: at(ManagementPort.IDENTITIES), flags: RecordFlag.CLOSE });
  holder.write({ local: NODE, remote: at(ManagementPort.STATUS), flags: RecordFlag.CLOSE });
  return { client: await opening, holder, stream: holder.stream };
}

async function fails(promise: Promise<unknown>, code: MspErrorCode, words = /./): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof MspError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, words);
    return true;
  });
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
