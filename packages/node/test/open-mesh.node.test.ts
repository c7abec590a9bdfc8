import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { MspError, type MspErrorCode, type MspSocket, type Sid } from "@meshstream/msp";
import { openKeyring } from "../src/keyring.ts";
import type { NodeMesh } from "../src/node-mesh.ts";
import { type OpenMeshOptions, openMesh } from "../src/open-mesh.ts";
import { Program } from "./programs/start.ts";
import { temporaryHome } from "./temporary-home.ts";

/** Opens on loopback only; closed after the tests. */
async function open(options: OpenMeshOptions): Promise<NodeMesh> {
  const mesh = await openMesh({ bind: "127.0.0.1:0", broadcast: false, ...options });
  after(() => mesh.close());
  return mesh;
}

describe("two homes over UDP", () => {
  it("find each other by address and exchange messages, both ways at once", async () => {
    const a = await open({ home: temporaryHome(), engine: "wasm" });
    const b = await open({ home: temporaryHome(), engine: "ts", peers: [a.bound!] });
    assert.deepEqual([a.role, b.role, a.engine, b.engine], ["holder", "holder", "wasm", "ts"]);
    assert.match(a.bound!, /^127\.0\.0\.1:\d+$/);
    const listener = await b.listen(512);
    const [near, far] = await Promise.all([a.connect(b.identities[0]!, 512), listener.accept()]);
    await Promise.all([pour(near, 1), pour(far!, 2), drink(near, 2), drink(far!, 1)]);
    assert.deepEqual(await Promise.all([near.closed, far!.closed]), ["clean", "clean"]);
  });

  it("see each other as neighbours, and echo", async () => {
    const a = await open({ home: temporaryHome() });
    const b = await open({ home: temporaryHome(), peers: [a.bound!] });
    await meet(b, a.identities[0]!);
    const { rttMs } = await b.ping(a.identities[0]!.hex);
    assert.ok(rttMs > 0 && rttMs < 5000);
    const [row] = await a.neighbours();
    assert.equal(row?.sid.hex, b.identities[0]!.hex);
    assert.equal(row.address, b.bound);
    assert.ok(row.reachable);
  });
});

describe("one home in several programs", () => {
  it("is one node: the first holds it, the others are attached and have its SID and its address", async () => {
    const home = temporaryHome();
    const holder = await open({ home });
    const [first, second] = [await open({ home, engine: "ts" }), await open({ home })];
    assert.deepEqual([holder.role, first.role, second.role], ["holder", "attached", "attached"]);
    for (const mesh of [first, second]) {
      assert.equal(mesh.bound, holder.bound);
      assert.deepEqual(mesh.identities.map(String), holder.identities.map(String));
      assert.equal(mesh.home, home);
    }
  });

  it("lets them reach each other, and other nodes, in every direction", async () => {
    const home = temporaryHome();
    const holder = new Program(home);
    const { role, sid, bound } = await holder.next();
    assert.equal(role, "holder");
    const attached = await open({ home });
    assert.equal(attached.role, "attached");
    const other = await open({ home: temporaryHome(), peers: [bound!] });
    // To the holder's listener, from an attached program and from another node.
    await echoes(attached, sid!, 512);
    await echoes(other, sid!, 512);
    // To an attached program's listener, from another node and from itself.
    serveEcho(attached, 600);
    await echoes(other, sid!, 600);
    await echoes(attached, sid!, 600);
    // From an attached program to another node and to one attached in this process.
    serveEcho(other, 600);
    await echoes(attached, other.identities[0]!, 600);
    await echoes(await open({ home }), sid!, 600);
    await attached.ping(other.identities[0]!);
    assert.deepEqual(
      (await attached.neighbours()).map((row) => row.sid.hex),
      [other.identities[0]!.hex],
    );
  });

  it("refuses a port that one of them has to the others", async () => {
    const home = temporaryHome();
    const [holder, attached] = [await open({ home }), await open({ home })];
    await holder.listen(512);
    await fails(attached.listen(512), "port-in-use");
    const listener = await attached.listen(513);
    await fails(holder.listen(513), "port-in-use");
    listener.close();
    await delay(50);
    await holder.listen(513);
  });

  it("hands the peers that an attached program names to the holder", async () => {
    const home = temporaryHome();
    const holder = await open({ home });
    const other = await open({ home: temporaryHome() });
    await open({ home, peers: [other.bound!] });
    await meet(holder, other.identities[0]!);
  });

  it("carries what is poured through an attached program whole and in order", async () => {
    const home = temporaryHome();
    await open({ home });
    const attached = await open({ home });
    const other = await open({ home: temporaryHome(), peers: [attached.bound!] });
    const listener = await other.listen(512);
    const [near, far] = await Promise.all([attached.connect(other.identities[0]!, 512), listener.accept()]);
    await Promise.all([pour(near, 3), pour(far!, 4), drink(near, 4), drink(far!, 3)]);
    assert.deepEqual(await Promise.all([near.closed, far!.closed]), ["clean", "clean"]);
  });
});

describe("a holder that goes", () => {
  it("killed: attached programs get transport-lost within a second, and the home opens again as the same node", async () => {
    const home = temporaryHome();
    const holder = new Program(home);
    const { sid } = await holder.next();
    const attached = await open({ home });
    const socket = await attached.connect(sid!, 512);
    await socket.send(Uint8Array.of(1));
    await socket.receive();
    const listener = await attached.listen(700);
    const accepted = listener.accept();
    const killedAtMs = performance.now();
    holder.kill();
    await fails(socket.closed, "transport-lost");
    await fails(accepted, "transport-lost");
    assert.ok(performance.now() - killedAtMs < 1000, `${performance.now() - killedAtMs} ms`);
    await fails(attached.connect(sid!, 512), "transport-lost");
    await fails(attached.neighbours(), "transport-lost");
    await fails(attached.ping(sid!), "transport-lost");
    await attached.close();
    const next = await open({ home });
    assert.equal(next.role, "holder");
    assert.equal(next.identities[0]!.hex, sid);
    serveEcho(next, 512);
    await echoes(await open({ home }), sid!, 512);
  });

  it("closing in good order, which takes a while: the same, and who opens the home meanwhile follows it", async () => {
    const home = temporaryHome();
    const [holder, attached] = [await open({ home }), await open({ home })];
    const listener = await attached.listen(700);
    await holder.connect(holder.identities[0]!, 700);
    const slow = await listener.accept();
    setTimeout(() => slow!.close(), 300);
    const accepted = listener.accept();
    accepted.catch(() => {});
    let isClosed = false;
    const closing = holder.close().then(() => {
      isClosed = true;
    });
    const next = await Promise.all(Array.from({ length: 5 }, () => open({ home })));
    assert.ok(isClosed, "nobody attaches to one that is going");
    await closing;
    await fails(accepted, "transport-lost");
    assert.equal(next.filter(({ role }) => role === "holder").length, 1);
    serveEcho(next[0]!, 512);
    for (const mesh of next) await echoes(mesh, mesh.identities[0]!, 512);
  });
});

describe("a holder that was only just going, or never came to be one", () => {
  it("is followed by whoever opens the home", async () => {
    const home = temporaryHome();
    // Takes one connection, lets it go and is gone.
    const going = createServer((socket) => {
      socket.destroy();
      going.close();
    });
    await new Promise<void>((resolve) => going.listen(join(home, "node-00000001.sock"), resolve));
    symlinkSync("node-00000001.sock", join(home, "node.sock"));
    assert.equal((await open({ home })).role, "holder");
  });
});

describe("programs in processes of their own", () => {
  it("that start at once on a new home, and again after its holder was killed, make one holder and one identity", async () => {
    const home = temporaryHome();
    let programs = Array.from({ length: 4 }, () => new Program(home));
    const sids = new Set<string>();
    for (let round = 0; round < 2; round++) {
      const told = await Promise.all(programs.map((program) => program.next()));
      for (const { sid } of told) sids.add(sid!);
      const holders = programs.filter((_, i) => told[i]!.role === "holder");
      assert.equal(holders.length, 1, `round ${round}`);
      // All go at once, the holder by force: attached programs end with it, as their listeners fail.
      holders[0]!.kill();
      const fates = await Promise.all(
        programs.map(async (program) => (program === holders[0] ? "killed" : (await program.next()).code)),
      );
      assert.deepEqual(new Set(fates), new Set(["killed", "transport-lost"]));
      programs = Array.from({ length: 4 }, () => new Program(home));
    }
    for (const program of programs) await program.next();
    assert.equal(sids.size, 1);
  });

  it("end by themselves once the mesh is closed, and leave only the keyring", async () => {
    const home = temporaryHome();
    const holder = new Program(home);
    await holder.next();
    const attached = new Program(home);
    await attached.next();
    attached.close();
    assert.equal(await attached.exited, 0);
    holder.close();
    assert.equal(await holder.exited, 0);
    assert.deepEqual(readdirSync(home), ["keyring"]);
  });
});

describe("a mesh that cannot be opened", () => {
  it("because the UDP port is taken: transport-start, and the home is free again", async () => {
    const { bound } = await open({ home: temporaryHome() });
    const home = temporaryHome();
    await fails(open({ home, bind: bound! }), "transport-start", /EADDRINUSE/);
    const mesh = await open({ home });
    assert.equal(mesh.role, "holder");
  });

  it("because the keyring is damaged: keyring, the file as it was, and the home is free again", async () => {
    const home = temporaryHome();
    const { path } = openKeyring(home);
    writeFileSync(path, "{", { mode: 0o600 });
    await fails(open({ home }), "keyring", new RegExp(path));
    assert.equal(readFileSync(path, "utf8"), "{");
    assert.deepEqual(readdirSync(home), ["keyring"]);
  });

  it("because an option is none: address or argument, and nothing is made", async () => {
    const home = join(temporaryHome(), "home");
    await fails(open({ home, bind: "4110" }), "address");
    await fails(open({ home, peers: ["127.0.0.1:1", "peer"] }), "address", /"peer"/);
    await fails(open({ home, config: { windowPackets: 0 } }), "argument");
    assert.ok(!existsSync(home));
  });
});

const MESSAGES = 1500;

function message(i: number, salt: number): Uint8Array {
  return new Uint8Array(1 + ((i * 31) % 1024)).fill(i * salt);
}

async function pour(socket: MspSocket, salt: number): Promise<void> {
  for (let i = 0; i < MESSAGES; i++) await socket.send(message(i, salt));
  socket.shutdown();
}

async function drink(socket: MspSocket, salt: number): Promise<void> {
  let i = 0;
  for await (const received of socket) assert.deepEqual(received, message(i++, salt), `message ${i}`);
  assert.equal(i, MESSAGES);
}

function serveEcho(mesh: NodeMesh, port: number): void {
  void (async () => {
    for await (const socket of await mesh.listen(port)) {
      for await (const received of socket) await socket.send(received);
      await socket.close();
    }
  })().catch(() => {});
}

/** Wait until the mesh's node has the other as a neighbour. */
async function meet(mesh: NodeMesh, sid: Sid): Promise<void> {
  for (let i = 0; i < 500; i++) {
    const rows = await mesh.neighbours();
    if (rows.some((row) => row.reachable && row.sid.hex === sid.hex)) return;
    await delay(10);
  }
  assert.fail("they have not met");
}

async function echoes(mesh: NodeMesh, sid: Sid | string, port: number): Promise<void> {
  const socket = await mesh.connect(sid, port);
  for (const size of [1, 1024, 77]) {
    const sent = new Uint8Array(size).fill(size);
    await socket.send(sent);
    assert.deepEqual(await socket.receive(), sent);
  }
  await socket.close();
  assert.equal(await socket.closed, "clean");
}

async function fails(promise: Promise<unknown>, code: MspErrorCode, words = /./): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof MspError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    return true;
  });
}
