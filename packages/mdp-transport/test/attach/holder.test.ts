import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BIND_ALL } from "@meshstream/msp";
import { type AttachedClient, serveAttached } from "../../src/attach/holder.ts";
import { AttachLimit } from "../../src/attach/limits.ts";
import { ManagementPort } from "../../src/attach/management.ts";
import { type RecordAddress, RecordFlag, SID_ANY, SID_BROADCAST } from "../../src/mdp2/record.ts";
import type { MemoryTransport } from "../../src/memory/transport.ts";
import { drain, streamPair } from "./byte-streams.ts";
import { bindEnd } from "./ends.ts";
import { RawPeer } from "./raw-peer.ts";
import { AttachRig, NO_MANAGEMENT } from "./rig.ts";

const { BIND, CLOSE, ERROR } = RecordFlag;

describe("the holder and a client's ports (docs/wire.md W12)", () => {
  it("answers a bind with the address as bound, for any, one and all identities, and for a free port", async () => {
    const { client, own } = await serve();
    for (const [asked, given] of [
      [SID_ANY, own],
      [own, own],
      [SID_BROADCAST, SID_BROADCAST],
    ] as const) {
      const port = 100 + asked[0]!;
      const [answer] = await client.ask({ local: { sid: asked, port }, remote: NODE, flags: BIND });
      assert.equal(answer?.kind, "bind");
      assert.deepEqual(answer.local, { sid: given, port });
    }
    const [answer] = await client.ask({ local: { sid: SID_ANY, port: 0 }, remote: NODE, flags: BIND });
    assert.ok(answer?.kind === "bind" && answer.local.port > 256);
  });

  it("refuses, with a reason, a SID that is not the node's and a port that is taken", async () => {
    const { client, node } = await serve();
    bindEnd(node, 1000);
    for (const local of [{ sid: STRANGER, port: 1 }, at(1000)]) {
      const [answer] = await client.ask({ local, remote: NODE, flags: BIND });
      assert.equal(answer?.kind, "error");
      assert.equal(answer.flags, BIND | ERROR);
      assert.deepEqual(answer.local, local);
      assert.match(new TextDecoder().decode(answer.payload), /identity|in use|bound/);
    }
  });

  it("gives one client a limited number of them", async () => {
    const { client } = await serve();
    for (let port = 1; port <= AttachLimit.BINDINGS + 1; port++) {
      client.write({ local: at(port), remote: NODE, flags: BIND });
    }
    await drain();
    const refused = client.records.filter(({ kind }) => kind === "error");
    assert.equal(client.records.length, AttachLimit.BINDINGS + 1);
    assert.equal(refused.length, 1);
  });

  it("frees one or all of them when the client says CLOSE, and all when it ends", async () => {
    const { client, node } = await serve();
    for (const port of [1000, 1001, 1002]) client.write({ local: at(port), remote: NODE, flags: BIND });
    client.write({ local: at(1000), remote: NODE, flags: CLOSE });
    client.write({ local: at(999), remote: NODE, flags: CLOSE });
    await drain();
    bindEnd(node, 1000);
    assert.throws(() => bindEnd(node, 1001), { code: "port-in-use" });
    client.write({ local: NODE, remote: NODE, flags: CLOSE });
    await drain();
    bindEnd(node, 1001);
    client.write({ local: at(1003), remote: NODE, flags: BIND });
    await drain();
    assert.throws(() => bindEnd(node, 1003), { code: "port-in-use" });
    client.stream.close();
    await drain();
    bindEnd(node, 1003);
  });

  it("frees them when it lets the client go, which ends the stream", async () => {
    const { client, node, served } = await serve();
    client.write({ local: at(1000), remote: NODE, flags: BIND });
    await drain();
    served.close();
    bindEnd(node, 1000);
    await drain();
    assert.ok(client.isEnded);
  });
});

describe("the holder and a client's packets", () => {
  it("sends them from the ports and SIDs that the client has, and from no others", async () => {
    const { client, node, own, served } = await serve();
    const inbox = bindEnd(node, 2000);
    client.write({ local: at(1000), remote: NODE, flags: BIND });
    const remote = { sid: own, port: 2000 };
    const from = (local: RecordAddress, payload: Uint8Array, flags = 0) =>
      client.write({ local, remote, flags }, payload);
    const one = Uint8Array.of(1);
    from({ sid: own, port: 1000 }, one);
    from({ sid: own, port: 1001 }, one);
    from({ sid: STRANGER, port: 1000 }, one);
    from({ sid: own, port: 1000 }, one, RecordFlag.NOT_CIPHERED);
    from({ sid: own, port: 1000 }, one, RecordFlag.NOT_SIGNED);
    from({ sid: own, port: 1000 }, new Uint8Array(0));
    from({ sid: own, port: 1000 }, new Uint8Array(AttachLimit.SENT_PACKET_BYTES + 1));
    from({ sid: own, port: 1000 }, one, ERROR);
    from({ sid: own, port: 1000 }, one, BIND | CLOSE);
    from({ sid: own, port: 1000 }, new Uint8Array(AttachLimit.SENT_PACKET_BYTES).fill(2));
    await client.settle();
    assert.deepEqual(
      inbox.received.map(({ length }) => length),
      [1, AttachLimit.SENT_PACKET_BYTES],
    );
    const { received, droppedNotBound, droppedNotOurs, droppedUnprotected, droppedSize, droppedMalformed } =
      served.counters;
    assert.deepEqual(
      { received, droppedNotBound, droppedNotOurs, droppedUnprotected, droppedSize, droppedMalformed },
      {
        received: 2,
        droppedNotBound: 1,
        droppedNotOurs: 1,
        droppedUnprotected: 2,
        droppedSize: 2,
        droppedMalformed: 2,
      },
    );
  });

  it("a port of all identities sends from each of them", async () => {
    const { client, node, own } = await serve();
    const inbox = bindEnd(node, 2000, BIND_ALL);
    client.write({ local: { sid: SID_BROADCAST, port: 1000 }, remote: NODE, flags: BIND });
    client.write(
      { local: { sid: own, port: 1000 }, remote: { sid: own, port: 2000 }, flags: 0 },
      Uint8Array.of(3),
    );
    await client.settle();
    assert.equal(inbox.received.length, 1);
  });

  it("a client that does not read costs a bounded queue; what is dropped is counted; then it goes on", async () => {
    const rig = new AttachRig();
    const node = await rig.node();
    const { client, served, clientStream, holderStream } = await rig.attach(node);
    const inbox = bindEnd(client, 1000);
    await inbox.binding.ready;
    const sender = bindEnd(node, 2000);
    clientStream.isPaused = true;
    const send = async (count: number) => {
      for (let i = 0; i < count; i++) {
        sender.send({ sid: node.identities[0]!, port: 1000 }, new Uint8Array(1029).fill(i));
        if (i % 10 === 9) await rig.settle();
      }
    };
    await send(1000);
    assert.ok(
      holderStream.pendingBytes < AttachLimit.PENDING_DATA_BYTES + 2000,
      `${holderStream.pendingBytes}`,
    );
    const { sent, droppedQueueFull } = served.counters;
    assert.equal(sent + droppedQueueFull, 1000);
    assert.ok(droppedQueueFull > 700, `${droppedQueueFull}`);
    clientStream.resume();
    await rig.settle();
    assert.equal(inbox.received.length, sent);
    await send(10);
    assert.equal(inbox.received.length, sent + 10);
    await rig.close();
  });
});

describe("the holder and a client that misbehaves", () => {
  it("is let go if it asks on and on and does not read the answers", async () => {
    const { client, holderStream } = await serve();
    client.stream.isPaused = true;
    for (let i = 0; i < 20_000; i++)
      client.write({ local: NODE, remote: at(ManagementPort.IDENTITIES), flags: 0 });
    await drain();
    assert.ok(holderStream.pendingBytes < AttachLimit.PENDING_BYTES + 2000, `${holderStream.pendingBytes}`);
    client.stream.resume();
    await drain();
    assert.ok(client.isEnded);
  });

  it("is let go if it speaks another protocol or loses step", async () => {
    for (const nonsense of [new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"), undefined]) {
      const { client } = await serve(nonsense);
      client.stream.write(Uint8Array.of(1, 0));
      await drain();
      assert.ok(client.isEnded);
    }
  });

  it("is refused a question that nobody answers", async () => {
    const { client } = await serve();
    const [answer] = await client.ask({ local: NODE, remote: at(77), flags: 0 });
    assert.equal(answer?.flags, CLOSE | ERROR);
    assert.match(new TextDecoder().decode(answer.payload), /77/);
  });
});

const NODE: RecordAddress = { sid: SID_ANY, port: 0 };
const STRANGER = new Uint8Array(32).fill(0x99);

function at(port: number): RecordAddress {
  return { sid: SID_ANY, port };
}

interface Served {
  readonly client: RawPeer & { settle(): Promise<void> };
  readonly served: AttachedClient;
  readonly node: MemoryTransport;
  /** The node's primary SID. */
  readonly own: Uint8Array;
  readonly holderStream: { readonly pendingBytes: number };
}

/** A client by hand, served by a node. */
async function serve(hello?: Uint8Array): Promise<Served> {
  const rig = new AttachRig();
  const node = await rig.node();
  const [clientStream, holderStream] = streamPair();
  const served = serveAttached(node, holderStream, NO_MANAGEMENT);
  const client = Object.assign(new RawPeer(clientStream, hello), { settle: () => rig.settle() });
  await drain();
  return { client, served, node, own: node.identities[0]!.bytes, holderStream };
}
