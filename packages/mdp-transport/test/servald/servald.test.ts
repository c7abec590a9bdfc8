import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { BIND_ALL, BIND_PRIMARY, MspError, type SealedBinding, Sid } from "@meshstream/msp";
import { type MdpRecord, RecordFlag, SID_ANY } from "../../src/mdp2/record.ts";
import { connectServald, type ServaldTransport } from "../../src/servald/transport.ts";
import { ServaldRig } from "./rig.ts";

let rig: ServaldRig;
beforeEach(() => {
  rig = new ServaldRig();
});
afterEach(() => rig.close());

const DAEMON = "127.0.0.1:4210";

describe("a client of a daemon (docs/wire.md W10)", () => {
  it("has the daemon's identities, the primary first", async () => {
    const daemon = rig.daemon(DAEMON, 3);
    const client = await rig.client(DAEMON);
    assert.deepEqual(
      client.identities.map(({ hex }) => hex),
      daemon.identities.map(({ hex }) => hex),
    );
  });

  it("fails with transport-start, and closes its socket, where no daemon answers for 2 s", async () => {
    const socket = rig.loopback.open("client");
    const { clock, random: entropy } = rig;
    const { core } = await clientOfAnother();
    const startMs = clock.now();
    const connecting = connectServald({ core, link: socket, daemon: DAEMON, clock, entropy });
    await assert.rejects(rig.during(connecting, 3000), hasCode("transport-start"));
    assert.equal(clock.now() - startMs, 2000);
    assert.equal(socket.isClosed, true);
  });

  it("drops what does not come from the daemon's own address, and counts it", async () => {
    rig.daemon(DAEMON);
    const { transport, link } = await rig.clientAt(DAEMON, "client");
    const { packets, binding } = bindAndCollect(transport, 1000);
    const stranger = rig.loopback.open("127.0.0.1:9");
    const before = transport.counters.droppedStranger;
    const record = (flags: number, payload?: Uint8Array<ArrayBuffer>) =>
      encode({ local: binding.local.sid.bytes, localPort: 1000, flags }, payload);
    stranger.send(record(0, Uint8Array.of(2, 0, 0)), link.local);
    stranger.send(record(RecordFlag.ERROR), link.local);
    await rig.pass(20);
    assert.equal(packets.length, 0);
    assert.equal(transport.counters.droppedStranger - before, 2);
    assert.equal(transport.counters.rebound, 0);
  });

  it("drops packets that were not ciphered or not signed, empty and overlong ones, and ones for nobody", async () => {
    const daemon = rig.daemon(DAEMON);
    const { transport, link } = await rig.clientAt(DAEMON, "client");
    const { packets, binding } = bindAndCollect(transport, 1000);
    const own = { sid: binding.local.sid.bytes, port: 1000 };
    const peer = { sid: rig.freshSid().bytes, port: 1 };
    const say = (flags: number, bytes: number, local = own) =>
      daemon.say(link.local, { local, remote: peer, flags }, new Uint8Array(bytes));
    say(RecordFlag.NOT_CIPHERED, 3);
    say(RecordFlag.NOT_SIGNED, 3);
    say(RecordFlag.NOT_CIPHERED | RecordFlag.NOT_SIGNED, 3);
    say(0, 0);
    say(0, 1201);
    say(0, 3, { ...own, port: 1001 });
    say(0, 3, { ...own, sid: peer.sid });
    say(RecordFlag.BIND | RecordFlag.CLOSE, 3);
    say(0, 1200);
    await rig.pass(20);
    const { droppedUnprotected, droppedSize, droppedNotBound, droppedMalformed, received } =
      transport.counters;
    assert.deepEqual(
      { droppedUnprotected, droppedSize, droppedNotBound, droppedMalformed, received },
      {
        droppedUnprotected: 3,
        droppedSize: 2,
        droppedNotBound: 2,
        droppedMalformed: 1,
        received: 1,
      },
    );
    assert.equal(packets.length, 1);
  });

  it("never hands a daemon what would harm it: it has no way to say so", async () => {
    const daemon = rig.daemon(DAEMON);
    const client = await rig.client(DAEMON);
    const { binding } = bindAndCollect(client, 1000);
    await rig.during(binding.ready, 100);
    const peer = rig.freshSid();
    const send = (sid: Sid, bytes: readonly number[]) =>
      binding.send(binding.local.sid, { sid, port: 9 }, (core, offset) => {
        core.bytes.set(bytes, offset);
        return bytes.length;
      });
    for (const flags of [0x04, 0x05, 0x0c, 0xff]) assert.equal(send(peer, [flags]), false);
    assert.equal(send(peer, []), false);
    assert.equal(send(peer, new Array(1036).fill(0)), false);
    for (const special of [SID_ANY, new Uint8Array(32).fill(0xff), internalSid(), internalSid(5)]) {
      assert.equal(send(Sid.fromBytes(special), [2, 0, 0]), false);
    }
    assert.equal(client.counters.refused, 10);
    assert.equal(send(peer, [0x08]), true);
    assert.equal(send(peer, new Array(1035).fill(0)), true);
    await rig.pass(20);
    assert.deepEqual(daemon.harm, []);
    assert.deepEqual(
      daemon.heard.filter(isPacket).map(({ payload }) => payload.length),
      [1, 1035],
    );
  });

  it("answers a refused port with port-in-use, and gives back what it got of it", async () => {
    const daemon = rig.daemon(DAEMON, 2);
    const client = await rig.client(DAEMON);
    const [first, second] = daemon.identities;
    daemon.occupy(second!, 1000);
    const binding = client.bind({ sid: BIND_ALL, port: 1000 }, () => {});
    await assert.rejects(rig.during(binding.ready, 100), hasCode("port-in-use"));
    assert.deepEqual(
      daemon.bound.filter((end) => end.endsWith(":1000")),
      [`${second!.hex}:1000`],
    );
    assert.equal(bindAndCollect(client, 1000).binding.local.sid, client.identities[0]);
    await rig.pass(20);
    assert.equal(daemon.bound.includes(`${first!.hex}:1000`), true);
  });

  it("asks again for a port while the question or its answer gets lost", async () => {
    rig.daemon(DAEMON);
    const client = await rig.client(DAEMON);
    let lost = 0;
    rig.loopback.isLost = (datagram) => (datagram[72]! & RecordFlag.BIND) !== 0 && lost++ < 5;
    const { binding } = bindAndCollect(client, 1000);
    await rig.during(binding.ready, 2000);
    assert.equal(lost, 7); // 5 lost, then a question and its answer
  });

  it("sends nothing from a port that waits for its turn to be asked for: the daemon would refuse it", async () => {
    rig.daemon(DAEMON);
    const client = await rig.client(DAEMON);
    const bindings = Array.from({ length: 20 }, (_, i) => bindAndCollect(client, 1000 + i).binding);
    const send = (binding: SealedBinding) =>
      binding.send(binding.local.sid, { sid: rig.freshSid(), port: 9 }, (core, offset) => {
        core.bytes[offset] = 8;
        return 1;
      });
    assert.deepEqual([send(bindings[0]!), send(bindings[19]!)], [true, false]);
    assert.equal(client.counters.notReady, 1);
    await rig.pass(50);
    assert.equal(send(bindings[19]!), true);
    await rig.pass(50);
    assert.equal(client.counters.rebound, 0);
  });

  it("does not take the refused close of a port for the refusal of its next bind", async () => {
    const daemon = rig.daemon(DAEMON);
    const client = await rig.client(DAEMON);
    const first = bindAndCollect(client, 1000).binding;
    await rig.pass(50);
    daemon.forget(); // so that it refuses the close
    first.close();
    const second = bindAndCollect(client, 1000).binding;
    await rig.during(second.ready, 100);
  });

  it("frees its ports at the daemon: one when it is closed, all when it goes", async () => {
    const daemon = rig.daemon(DAEMON, 2);
    const client = await rig.client(DAEMON);
    const one = client.bind({ sid: BIND_PRIMARY, port: 1000 }, () => {});
    client.bind({ sid: BIND_ALL, port: 1001 }, () => {});
    await rig.pass(20);
    assert.equal(daemon.bound.length, 4); // and the one that probes
    one.close();
    await rig.pass(20);
    assert.equal(daemon.bound.length, 3);
    await client.close();
    await rig.pass(20);
    assert.deepEqual(daemon.bound, []);
  });

  it("asks for a thousand ports at most 4 at a time, 4 in a millisecond", async () => {
    const daemon = rig.daemon(DAEMON);
    const client = await rig.client(DAEMON);
    await rig.pass(10);
    for (let port = 2000; port < 3000; port++) client.bind({ sid: BIND_PRIMARY, port }, () => {});
    let least = daemon.heard.length;
    for (let i = 0; i < 300; i++) {
      rig.clock.runUntil(rig.clock.now() + 1);
      await rig.pass(0.001);
      assert.ok(daemon.heard.length - least <= 8, `${daemon.heard.length - least} at once`);
      least = daemon.heard.length;
    }
    assert.equal(daemon.bound.length, 1001);
  });

  it("tells the daemon's routes", async () => {
    const daemon = rig.daemon(DAEMON);
    const client = await rig.client(DAEMON);
    const sid = rig.freshSid();
    daemon.routes = [Uint8Array.of(...sid.bytes, 3, ...new Uint8Array(32), 1)];
    const routes = await rig.during(client.routes(), 1000);
    assert.deepEqual(
      routes.map(({ sid: { hex }, kind, hops }) => [hex, kind, hops]),
      [[sid.hex, "self", 0]],
    );
  });
});

async function clientOfAnother(): Promise<ServaldTransport> {
  rig.daemon("another");
  const client = await rig.client("another");
  await client.close();
  return client;
}

function bindAndCollect(
  transport: ServaldTransport,
  port: number,
): { binding: SealedBinding; packets: Uint8Array[] } {
  const packets: Uint8Array[] = [];
  const binding = transport.bind({ sid: BIND_PRIMARY, port }, (_local, _remote, _port, offset, length) =>
    packets.push(transport.core.bytes.slice(offset, offset + length)),
  );
  return { binding, packets };
}

function isPacket({ kind, remote }: MdpRecord): boolean {
  return kind === "data" && remote.port === 9;
}

function internalSid(type = 1): Uint8Array {
  const bytes = new Uint8Array(32);
  bytes[31] = type;
  return bytes;
}

function hasCode(code: string) {
  return (error: unknown) => error instanceof MspError && error.code === code;
}

function encode(
  { local, localPort, flags }: { local: Uint8Array; localPort: number; flags: number },
  payload = new Uint8Array(0),
): Uint8Array {
  const bytes = new Uint8Array(75 + payload.length);
  const view = new DataView(bytes.buffer);
  bytes.set(local, 0);
  const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  view.setUint32(32, localPort, little);
  bytes.fill(0x11, 36, 68);
  bytes[72] = flags;
  bytes.set(payload, 75);
  return bytes;
}
