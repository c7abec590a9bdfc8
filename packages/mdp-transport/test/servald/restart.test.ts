import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { BIND_PRIMARY, Mesh, MspError, type MspSocket } from "@meshstream/msp";
import type { ServaldTransport } from "../../src/servald/transport.ts";
import { ServaldRig } from "./rig.ts";

let rig: ServaldRig;
beforeEach(() => {
  rig = new ServaldRig();
});
afterEach(() => rig.close());

describe("a daemon that is restarted (docs/wire.md W10.9)", () => {
  it("gets every port asked for again within 1.1 s, though nothing is sent", async () => {
    const daemon = rig.daemon("one", 2);
    const client = await rig.client("one");
    client.bind({ sid: BIND_PRIMARY, port: 1000 }, () => {});
    client.bind({ sid: daemon.identities[1]!, port: 1001 }, () => {});
    await rig.pass(3000);
    assert.equal(client.counters.rebound, 0);
    const before = [...daemon.bound].sort();
    daemon.forget();
    await rig.pass(1100);
    assert.deepEqual([...daemon.bound].sort(), before);
    assert.equal(client.counters.rebound, 1);
  });

  it("gets them at once where packets are sent", async () => {
    const daemon = rig.daemon("one");
    const client = await rig.client("one");
    const binding = client.bind({ sid: BIND_PRIMARY, port: 1000 }, () => {});
    await rig.pass(20);
    daemon.forget();
    const send = () =>
      binding.send(binding.local.sid, { sid: rig.freshSid(), port: 9 }, (core, offset) => {
        core.bytes[offset] = 8;
        return 1;
      });
    for (let i = 0; i < 5; i++) send();
    await rig.pass(5);
    assert.equal(daemon.bound.length, 2);
    assert.equal(client.counters.rebound, 1);
    assert.equal(send(), true);
  });

  it("is not taken for one whose queue is full, which refuses packets too", async () => {
    const daemon = rig.daemon("one");
    const client = await rig.client("one");
    const binding = client.bind({ sid: BIND_PRIMARY, port: 1000 }, () => {});
    await rig.pass(20);
    daemon.isCongested = () => true;
    const probes = () => daemon.heard.filter(({ remote }) => remote.port === 7).length;
    const before = probes();
    for (let ms = 0; ms < 1000; ms += 5) {
      binding.send(binding.local.sid, { sid: rig.freshSid(), port: 9 }, (core, offset) => {
        core.bytes[offset] = 8;
        return 1;
      });
      await rig.pass(5);
    }
    const { refusedByDaemon, rebound } = client.counters;
    assert.deepEqual([refusedByDaemon, rebound], [200, 0]);
    const asked = probes() - before;
    assert.ok(asked >= 9 && asked <= 11, `asked ${asked} times`);
  });

  it("does not break connections, and nothing that they carry", async () => {
    const daemons = [rig.daemon("one"), rig.daemon("two")];
    const [from, to] = await connectedPair("one", "two");
    const sent = Array.from({ length: 400 }, (_, i) => Uint8Array.of(i & 0xff, i >> 8, 7));
    const sending = (async () => {
      for (const message of sent) {
        await from.send(message);
      }
      await from.close();
    })();
    const received: Uint8Array[] = [];
    const receiving = (async () => {
      for await (const message of to) {
        received.push(message.slice());
        if (received.length % 100 === 50) for (const daemon of daemons) daemon.forget();
      }
      await to.close();
    })();
    await rig.during(Promise.all([sending, receiving]), 20_000);
    assert.deepEqual(received, sent);
    for (const { harm } of daemons) assert.deepEqual(harm, []);
  });

  it("is lost, with transport-lost, if it refuses a port that it gave before", async () => {
    const daemon = rig.daemon("one");
    const client = await rig.client("one");
    const losses = lossesOf(client);
    client.bind({ sid: BIND_PRIMARY, port: 1000 }, () => {});
    await rig.pass(20);
    daemon.forget();
    daemon.refuses = (port) => port === 1000;
    await rig.pass(1100);
    assert.deepEqual(losses, ["transport-lost"]);
    assert.throws(() => client.bind({ sid: BIND_PRIMARY, port: 1001 }, () => {}), hasCode("transport-lost"));
  });
});

describe("a daemon that is gone", () => {
  it("is lost after 5 to 6 s: connections fail with transport-lost, later calls too", async () => {
    rig.daemon("one");
    rig.daemon("two");
    const [from, to, fromTransport] = await connectedPair("one", "two");
    await rig.pass(2000);
    rig.loopback.isLost = (_, sender, receiver) => sender === "one" || receiver === "one";
    const goneAtMs = rig.clock.now();
    await assert.rejects(rig.during(from.receive(), 10_000), hasCode("transport-lost"));
    const silentMs = rig.clock.now() - goneAtMs;
    assert.ok(silentMs >= 4000 && silentMs <= 6100, `after ${silentMs} ms`);
    await assert.rejects(rig.during(fromTransport.routes(), 100), hasCode("transport-lost"));
    to.stop();
  });

  it("is not lost for a pause of 4 s, nor if it has no echo service", async () => {
    const daemon = rig.daemon("one");
    const client = await rig.client("one");
    const losses = lossesOf(client);
    rig.loopback.isLost = () => true;
    await rig.pass(4000);
    rig.loopback.isLost = (datagram) => datagram.length === 76; // the echo's
    await rig.pass(20_000);
    assert.deepEqual(losses, []);
    assert.equal(daemon.bound.length, 1);
  });
});

describe("loss between a client and its daemon", () => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    it(`is made good by MSP: everything arrives, and nothing harms a daemon (seed ${seed})`, async () => {
      const daemons = [rig.daemon("one"), rig.daemon("two")];
      const dice = diceOf(seed);
      const [from, to] = await connectedPair("one", "two");
      rig.loopback.isLost = () => dice() < 0.1;
      const sent = Array.from({ length: 200 }, (_, i) => new Uint8Array(1 + ((i * 97) % 1024)).fill(i));
      const sending = (async () => {
        for (const message of sent) await from.send(message);
        await from.close();
      })();
      const received: Uint8Array[] = [];
      const receiving = (async () => {
        for await (const message of to) received.push(message.slice());
        await to.close();
      })();
      await rig.during(Promise.all([sending, receiving]), 120_000);
      assert.deepEqual(received, sent);
      for (const { harm } of daemons) assert.deepEqual(harm, []);
    });
  }
});

async function connectedPair(a: string, b: string): Promise<[MspSocket, MspSocket, ServaldTransport]> {
  const from = await rig.client(a);
  const to = await rig.client(b);
  const { clock, random: entropy } = rig;
  const meshOf = (transport: ServaldTransport) => Mesh.open({ transport, clock, entropy });
  const listener = await rig.during(meshOf(to).listen(512), 1000);
  const socket = await rig.during(meshOf(from).connect(to.identities[0]!, 512), 1000);
  const accepted = await rig.during(listener[Symbol.asyncIterator]().next(), 1000);
  return [socket, accepted.value!, from];
}

function lossesOf(transport: ServaldTransport): string[] {
  const losses: string[] = [];
  transport.onLost((error) => losses.push(error.code));
  return losses;
}

function hasCode(code: string) {
  return (error: unknown) => error instanceof MspError && error.code === code;
}

/** Mulberry32. */
function diceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
