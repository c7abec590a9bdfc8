import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { after, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { MspError } from "@meshstream/msp";
import { openUdp, type UdpOptions, type UdpTransport } from "../src/udp.ts";

const opened: UdpTransport[] = [];
after(() => Promise.all(opened.map((link) => link.close())));

async function open(options: Partial<UdpOptions> = {}): Promise<UdpTransport> {
  const link = await openUdp({ bind: "127.0.0.1:0", broadcast: false, ...options });
  opened.push(link);
  return link;
}

/** What arrives at a link, as a list, and a way to wait until there are so many. */
function inbox(link: UdpTransport) {
  const datagrams: { bytes: Uint8Array; from: string }[] = [];
  link.onDatagram((datagram, from) => datagrams.push({ bytes: datagram.slice(), from }));
  const count = async (wanted: number) => {
    for (let i = 0; datagrams.length < wanted && i < 500; i++) await delay(2);
    return datagrams.length;
  };
  return { datagrams, count };
}

describe("a UDP socket as a link", () => {
  it("says which port it got, and carries datagrams both ways with their origin", async () => {
    const [a, b] = [await open(), await open()];
    assert.match(a.local, /^127\.0\.0\.1:[1-9]\d*$/);
    const [atA, atB] = [inbox(a), inbox(b)];
    a.send(Uint8Array.of(1, 2, 3), b.local);
    assert.equal(await atB.count(1), 1);
    assert.deepEqual(
      { ...atB.datagrams[0], bytes: [...atB.datagrams[0]!.bytes] },
      { bytes: [1, 2, 3], from: a.local },
    );
    b.send(new Uint8Array(1200).fill(7), a.local);
    assert.equal(await atA.count(1), 1);
    assert.equal(atA.datagrams[0]!.bytes.length, 1200);
    assert.equal(a.mtuBytes, 1200);
  });

  it("has let go of the bytes when send returns, also when hundreds wait", async () => {
    const [a, b] = [await open(), await open()];
    const atB = inbox(b);
    const bytes = new Uint8Array(1000);
    for (let i = 0; i < 200; i++) {
      bytes.fill(i);
      a.send(bytes, b.local);
      bytes.fill(0xdd);
    }
    assert.equal(await atB.count(200), 200);
    for (const [i, datagram] of atB.datagrams.entries()) {
      assert.ok(
        datagram.bytes.every((byte) => byte === i),
        `datagram ${i}`,
      );
    }
  });

  it("speaks IPv6, too", { skip: !hasIPv6() && "this machine has no IPv6" }, async () => {
    const [a, b] = [await open({ bind: "[::1]:0", broadcast: true }), await open({ bind: "[::1]:0" })];
    assert.match(a.local, /^\[::1\]:\d+$/);
    assert.deepEqual(a.broadcast, []);
    const atB = inbox(b);
    a.send(Uint8Array.of(6), b.local);
    assert.equal(await atB.count(1), 1);
    assert.equal(atB.datagrams[0]!.from, a.local);
  });

  it("counts what it cannot send, and never throws", async () => {
    const a = await open();
    const one = Uint8Array.of(1);
    for (const to of ["nonsense", "localhost:4110", "127.0.0.1:0", "127.0.0.1:65536", "[::1]:4110", ""])
      a.send(one, to);
    assert.equal(a.counters.sendAddress, 6);
    a.send(new Uint8Array(70_000), a.local);
    a.send(one, "255.255.255.255:9"); // without leave to broadcast
    for (let i = 0; a.counters.sendFailed < 2 && i < 500; i++) await delay(2);
    assert.equal(a.counters.sendFailed, 2);
  });

  it("goes on after datagrams to a port where nobody listens", async () => {
    const [a, b, gone] = [await open(), await open(), await open()];
    const atB = inbox(b);
    await gone.close();
    for (let i = 0; i < 20; i++) a.send(Uint8Array.of(1), gone.local);
    await delay(20);
    a.send(Uint8Array.of(2), b.local);
    assert.equal(await atB.count(1), 1);
  });

  it("has broadcast addresses only if asked to, with the port it was told, else the nodes' own", async () => {
    const silent = await open({ bind: "0.0.0.0:0" });
    assert.deepEqual(silent.broadcast, []);
    const any = await open({ bind: "0.0.0.0:0", broadcast: true });
    for (const address of any.broadcast) assert.match(address, /^\d+\.\d+\.\d+\.\d+:4110$/);
    assert.deepEqual((await open({ broadcast: true })).broadcast, [], "there is nobody else on loopback");
  });

  it("may be closed twice; after that it sends nothing and hears nothing", async () => {
    const [a, b] = [await open(), await open()];
    const atB = inbox(b);
    await b.close();
    await b.close();
    a.send(Uint8Array.of(1), b.local);
    b.send(Uint8Array.of(1), a.local);
    await delay(20);
    assert.equal(atB.datagrams.length, 0);
  });
});

describe("a UDP socket that cannot be had", () => {
  it("is a transport-start error that says what to do", async () => {
    const { local } = await open();
    for (const [bind, words] of [
      [local, /EADDRINUSE.*another program has that port.*\(0 takes any\)/],
      ["192.0.2.1:0", /EADDRNOTAVAIL.*0\.0\.0\.0/],
    ] as const) {
      await assert.rejects(open({ bind }), (error) => {
        assert.ok(error instanceof MspError && error.code === "transport-start");
        assert.ok(error.message.includes(bind), error.message);
        assert.match(error.message, words);
        return true;
      });
    }
  });

  it("is an address error if the address is none", async () => {
    await assert.rejects(open({ bind: "here:4110" }), { code: "address" });
  });
});

function hasIPv6(): boolean {
  return Object.values(networkInterfaces()).some((infos) => infos?.some(({ address }) => address === "::1"));
}
