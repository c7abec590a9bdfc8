import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { describe, it } from "node:test";
import { type Clock, type DatagramTransport, type LinkAddress, SID_BYTES, Sid } from "@meshstream/msp";
import { createRandom } from "@meshstream/netem";
import { createCore } from "@meshstream/wasm-core";
import { SimulatedDaemon, type SimulatedMesh } from "../../src/conformance/simulated-daemon.ts";
import { describeConformance, type TransportPair } from "../../src/conformance.ts";
import { connectServald, type ServaldTransport } from "../../src/servald/transport.ts";

// The same over real UDP sockets on 127.0.0.1, in real time.

describeConformance("clients of two daemons, over UDP", makePair, { describe, it });

describe("a client of a daemon, over UDP", () => {
  it("tells the daemon within close() that it goes", async () => {
    const { daemon, link } = await openDaemon(new Map());
    const client = await connect(link.local);
    assert.equal(daemon.bound.length, 1);
    await client.close();
    await pass(20);
    assert.deepEqual(daemon.bound, []);
    await link.close();
  });
});

async function makePair(): Promise<TransportPair> {
  const mesh: SimulatedMesh = new Map();
  const one = await openDaemon(mesh);
  const two = await openDaemon(mesh);
  const a = await connect(one.link.local);
  const b = await connect(two.link.local);
  return {
    a,
    b,
    settle: () => pass(20),
    close: async () => {
      for (const open of [a, b, one.link, two.link]) await open.close();
      assert.deepEqual([...one.daemon.harm, ...two.daemon.harm], []);
    },
  };
}

async function openDaemon(mesh: SimulatedMesh) {
  const link = await openLink();
  const sid = Sid.fromBytes(new Uint8Array(SID_BYTES).fill(mesh.size + 7));
  return { daemon: new SimulatedDaemon(link, mesh, [sid]), link };
}

async function connect(daemon: LinkAddress): Promise<ServaldTransport> {
  const core = await createCore({ engine: "ts", poolBytes: 1 << 20 });
  return connectServald({ core, link: await openLink(), daemon, clock, entropy: createRandom(1) });
}

async function openLink(): Promise<DatagramTransport> {
  const socket = createSocket({
    type: "udp4",
    // Addresses are literals: without a look-up a datagram goes out within send().
    lookup: (host, _options, done) => done(null, host, 4),
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  socket.on("error", () => undefined); // Bun tells of refusals by earlier destinations
  return {
    local: `127.0.0.1:${socket.address().port}`,
    broadcast: [],
    mtuBytes: 65_000,
    send: (datagram, to) => {
      const [host, port] = to.split(":");
      socket.send(Buffer.from(datagram), Number(port), host);
    },
    onDatagram: (receive) => {
      socket.removeAllListeners("message");
      socket.on("message", (datagram, { address, port }) => receive(datagram, `${address}:${port}`));
    },
    // Not waited for: Deno does not call back. And a turn later: it would lose what was sent in this one.
    close: async () => void setImmediate(() => socket.close()),
  };
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const clock: Clock = {
  now: () => performance.now(),
  setTimer: (atMs, wake) => {
    const timer = setTimeout(wake, Math.max(0, atMs - performance.now()));
    return { cancel: () => clearTimeout(timer) };
  },
};
