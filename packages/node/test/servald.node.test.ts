import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { ServaldTransport } from "@meshstream/mdp-transport";
import {
  describeConformance,
  SimulatedDaemon,
  type SimulatedMesh,
  type TransportPair,
} from "@meshstream/mdp-transport/conformance";
import { BIND_PRIMARY, type DatagramTransport, MspError, SID_BYTES, Sid } from "@meshstream/msp";
import { createCore } from "@meshstream/wasm-core";
import { DgramSocket } from "node-unix-socket";
import { openMesh } from "../src/open-mesh.ts";
import { type DaemonPlace, openServald, parseTransport } from "../src/servald.ts";
import { openUdp } from "../src/udp.ts";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "meshstream-test-"));
});
after(() => rm(folder, { recursive: true, force: true }));

describe("the name of a transport", () => {
  it("is read, and anything else is an argument that is none", () => {
    assert.equal(parseTransport(undefined), undefined);
    assert.equal(parseTransport("overlay"), undefined);
    assert.deepEqual(parseTransport("servald"), { kind: "found" });
    assert.deepEqual(parseTransport("servald:4211"), { kind: "udp", port: 4211 });
    assert.deepEqual(parseTransport("servald:/var/serval"), { kind: "unix", path: "/var/serval" });
    for (const text of [
      "",
      "Servald",
      "servald:",
      "servald:0",
      "servald:65536",
      "servald:x",
      "servald:a/b",
    ]) {
      assert.throws(() => parseTransport(text), hasCode("argument"), text);
    }
  });
});

for (const kind of ["udp", "unix"] as const) {
  describeConformance(`clients of two daemons, ${kind}`, () => makePair(kind), { describe, it });
}

describe("a program that uses a daemon", () => {
  const links: DatagramTransport[] = [];
  afterEach(async () => {
    for (const link of links.splice(0)) await link.close();
  });

  it("has the daemon's identities and ports, no home, and says what a daemon does not tell", async () => {
    const { daemon, link, place } = await openDaemon("udp", new Map());
    links.push(link);
    assert.equal(place.kind, "udp");
    await using mesh = await openMesh({ transport: `servald:${place.kind === "udp" ? place.port : ""}` });
    assert.deepEqual([mesh.role, mesh.home, mesh.bound], ["daemon", undefined, undefined]);
    assert.equal(mesh.identities[0]!.hex, daemon.identities[0]!.hex);
    await mesh.listen(512);
    assert.equal(daemon.bound.includes(`${mesh.identities[0]!.hex}:512`), true);
    assert.ok((await mesh.ping(mesh.identities[0]!)).rttMs >= 0);
    assert.deepEqual(await mesh.daemonRoutes(), []);
    await assert.rejects(mesh.neighbours(), hasCode("state"));
    await assert.rejects(mesh.routes(), hasCode("state"));
    await mesh.close();
    await pass(20);
    assert.deepEqual(daemon.bound, []);
  });

  it("tells other nodes of a service", async () => {
    const mesh: SimulatedMesh = new Map();
    const { link, place } = await openDaemon("udp", mesh);
    links.push(link);
    const name = place.kind === "udp" ? `servald:${place.port}` : "";
    await using server = await openMesh({ transport: name });
    await using client = await openMesh({ transport: name });
    await server.publishService("chat", 512);
    const found = await client.findServices([server.identities[0]!], { timeoutMs: 100 });
    assert.deepEqual(
      found.map((service) => [service.name, service.port]),
      [["chat", 512]],
    );
  });

  it("fails with transport-start, and says what to do, where no daemon is", async () => {
    const free = await openUdp({ bind: "127.0.0.1:0", broadcast: false });
    const port = Number(free.local.split(":")[1]);
    await free.close();
    const silent = openMesh({ transport: `servald:${port}` });
    await assert.rejects(
      silent,
      (error) => hasCode("transport-start")(error) && /enable_inet/.test(`${error}`),
    );
    const missing = openMesh({ transport: `servald:${folder}` });
    await assert.rejects(
      missing,
      (error) => hasCode("transport-start")(error) && /enable_inet/.test(`${error}`),
    );
  });

  it("frees its ports if the process exits without closing them", async () => {
    const { daemon, link, place } = await openDaemon("udp", new Map());
    links.push(link);
    const path = fileURLToPath(new URL("./programs/daemon-program.ts", import.meta.url));
    const name = `servald:${place.kind === "udp" ? place.port : ""}`;
    const child = fork(path, [name], { execArgv: ["--import", "tsx"] });
    const [code] = await once(child, "exit");
    assert.equal(code, 0);
    await pass(50);
    assert.equal(
      daemon.heard.some(({ kind, local }) => kind === "bind" && local.port === 512),
      true,
    );
    assert.deepEqual(daemon.bound, []);
  });

  it("leaves no folder behind that it had for a Unix socket", async () => {
    const { link, place } = await openDaemon("unix", new Map());
    links.push(link);
    const before = await readdir(tmpdir());
    const core = await createCore({ engine: "ts", poolBytes: 1 << 20 });
    const transport = await openServald(place, core);
    const binding = transport.bind({ sid: BIND_PRIMARY, port: 512 }, () => {});
    await binding.ready;
    await transport.close();
    const left = (await readdir(tmpdir())).filter((name) => !before.includes(name));
    assert.deepEqual(
      left.filter((name) => name.startsWith("meshstream-") && !name.startsWith("meshstream-test-")),
      [],
    );
  });
});

async function makePair(kind: "udp" | "unix"): Promise<TransportPair> {
  const mesh: SimulatedMesh = new Map();
  const one = await openDaemon(kind, mesh);
  const two = await openDaemon(kind, mesh);
  const open = async (place: DaemonPlace): Promise<ServaldTransport> =>
    openServald(place, await createCore({ engine: "ts", poolBytes: 1 << 20 }));
  const a = await open(one.place);
  const b = await open(two.place);
  return {
    a,
    b,
    settle: () => pass(20),
    close: async () => {
      for (const each of [a, b, one.link, two.link]) await each.close();
      assert.deepEqual([...one.daemon.harm, ...two.daemon.harm], []);
    },
  };
}

let daemonCount = 0;

async function openDaemon(kind: "udp" | "unix", mesh: SimulatedMesh) {
  const sid = Sid.fromBytes(new Uint8Array(SID_BYTES).fill(mesh.size + 7));
  if (kind === "udp") {
    const link = await openUdp({ bind: "127.0.0.1:0", broadcast: false });
    const place: DaemonPlace = { kind, port: Number(link.local.split(":")[1]) };
    return { daemon: new SimulatedDaemon(link, mesh, [sid]), link, place };
  }
  const path = join(folder, `daemon-${++daemonCount}`);
  const link = unixLink(path);
  return { daemon: new SimulatedDaemon(link, mesh, [sid]), link, place: { kind, path } as DaemonPlace };
}

/** A daemon's own socket. */
function unixLink(path: string): DatagramTransport {
  const socket = new DgramSocket();
  socket.on("error", () => undefined);
  socket.bind(path);
  let isClosed = false;
  return {
    local: path,
    broadcast: [],
    mtuBytes: 65_000,
    send: (datagram, to) => {
      if (!isClosed) socket.sendTo(Buffer.from(datagram), 0, datagram.length, to, () => undefined);
    },
    onDatagram: (receive) => {
      socket.on("data", (datagram: Buffer, from: string) => receive(datagram, from));
    },
    close: async () => {
      isClosed = true;
      socket.close();
    },
  };
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function hasCode(code: string) {
  return (error: unknown): boolean => error instanceof MspError && error.code === code;
}
