import assert from "node:assert/strict";
import { access } from "node:fs/promises";
import { test } from "node:test";
import { SimulatedDaemon, type SimulatedMesh } from "@meshstream/mdp-transport/conformance";
import { SID_BYTES, Sid } from "@meshstream/msp";
import { openUdp } from "@meshstream/node";
import { Stage } from "./processes.ts";

const PIPES = ["pipe", "pipe", "pipe"] as const;

test("with --transport servald, a Serval daemon's identities and mesh are used, and no home is made", () =>
  withDaemons(async (stage, [one, two]) => {
    const list = await stage.run(["id", "list", ...one.options]);
    assert.equal(list.out, one.daemon.identities.map(({ hex }) => `${hex}\n`).join(""));
    const server = stage.start(["listen", "--once", "512", "--json", ...two.options], [...PIPES]);
    const { sid } = await server.event("listening");
    assert.equal(sid, two.daemon.identities[0]!.hex);
    server.child.stdin!.end("from the server");
    const client = stage.start(["connect", sid, "512", ...one.options], [...PIPES]);
    client.child.stdin!.end("from the client");
    const [served, connected] = [await server.ended, await client.ended];
    assert.deepEqual([served.code, served.out], [0, "from the client"]);
    assert.deepEqual([connected.code, connected.out], [0, "from the server"]);
    await assert.rejects(access(one.home));
    for (const { daemon } of [one, two]) assert.deepEqual([daemon.bound, daemon.harm], [[], []]);
  }));

test("with --transport servald, peers, routes and ping tell what a daemon knows, and id new is refused", () =>
  withDaemons(async (stage, [one, two]) => {
    const near = two.daemon.identities[0]!;
    const far = Sid.fromBytes(new Uint8Array(SID_BYTES).fill(9));
    const key = new Uint8Array(32);
    const route = (sid: Sid, rest: readonly number[]) => Uint8Array.of(...sid.bytes, 3, ...key, ...rest);
    one.daemon.routes = [
      route(one.daemon.identities[0]!, [1]),
      route(near, [4, 1, 0, 1, ...new TextEncoder().encode("wlan0"), 0]),
      route(far, [8, 2, ...near.bytes]),
    ];
    const peers = await stage.run(["peers", ...one.options]);
    assert.equal(peers.out, `${near.hex}  a neighbour, on interface wlan0\n`);
    const routes = await stage.run(["routes", "--json", ...one.options]);
    assert.deepEqual(
      routes.out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).hops),
      [1, 2],
    );
    const ping = await stage.run(["ping", "--count", "1", near.hex, ...one.options]);
    assert.equal(ping.code, 0);
    const lost = await stage.run(["ping", "--count", "1", far.hex, ...one.options]);
    assert.equal(lost.code, 1);
    assert.match(lost.err, /the Serval daemon knows a way to .*: 2 hops/);
    const made = await stage.run(["id", "new", ...one.options]);
    assert.equal(made.code, 2);
    assert.match(made.err, /servald keyring add/);
  }));

test("with --transport servald, a signal frees the port, a daemon that goes ends the command with 4, none with 3", () =>
  withDaemons(async (stage, [one]) => {
    const first = stage.start(["listen", "512", "--json", ...one.options]);
    await first.event("listening");
    assert.equal(one.daemon.bound.length, 2); // and the port that probes
    first.child.kill("SIGINT");
    assert.equal((await first.ended).code, 130);
    assert.deepEqual(one.daemon.bound, []);
    const second = stage.start(["listen", "512", "--json", ...one.options]);
    await second.event("listening");
    await one.close();
    const { code, err } = await second.ended;
    assert.equal(code, 4);
    assert.match(err, /is gone: silent for 5 s/);
    const third = await stage.run(["peers", ...one.options]);
    assert.equal(third.code, 3);
    assert.match(third.err, /no Serval daemon answers .*mdp\.enable_inet/);
  }));

interface TestDaemon {
  readonly daemon: SimulatedDaemon;
  /** What makes a command use it. */
  readonly options: readonly string[];
  readonly home: string;
  close(): Promise<void>;
}

async function withDaemons(
  body: (stage: Stage, daemons: readonly [TestDaemon, TestDaemon]) => Promise<void>,
): Promise<void> {
  const mesh: SimulatedMesh = new Map();
  await Stage.run(async (stage) => {
    const daemons = [await openDaemon(stage, mesh, 1), await openDaemon(stage, mesh, 3)] as const;
    try {
      await body(stage, daemons);
    } finally {
      for (const { close } of daemons) await close();
    }
  });
}

async function openDaemon(stage: Stage, mesh: SimulatedMesh, seed: number): Promise<TestDaemon> {
  const link = await openUdp({ bind: "127.0.0.1:0", broadcast: false });
  const sids = [seed, seed + 1].map((byte) => Sid.fromBytes(new Uint8Array(SID_BYTES).fill(byte)));
  const home = stage.home();
  return {
    daemon: new SimulatedDaemon(link, mesh, sids),
    options: ["--home", home, "--transport", `servald:${link.local.split(":")[1]}`],
    home,
    close: () => link.close(),
  };
}
