import assert from "node:assert/strict";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, Socket } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { enterHome, type HomeConnection, type HomeSeat } from "../src/home-lock.ts";
import { temporaryHome } from "./temporary-home.ts";

describe("the holder of a home", () => {
  it("is the first to enter; the others are connected to it; it is told of them, however late it asks", async () => {
    const home = temporaryHome();
    const seat = await hold(home);
    const [first, second] = [await attachTo(home), await attachTo(home)];
    await turn();
    const clients: string[] = [];
    seat.onClient((socket) => socket.on("data", (data) => clients.push(String(data))));
    first.socket.write("a");
    second.socket.write("b");
    const third = await attachTo(home);
    third.socket.write("c");
    while (clients.length < 3) await turn();
    assert.deepEqual(clients.sort(), ["a", "b", "c"]);
    await seat.release();
    for (const { socket } of [first, second, third]) socket.destroy();
  });

  it("listens on a socket of mode 0600 and leaves nothing behind", async () => {
    const home = temporaryHome();
    const seat = await hold(home);
    assert.ok(statSync(join(home, "node.sock")).isSocket());
    assert.equal(statSync(join(home, "node.sock")).mode & 0o777, 0o600);
    await seat.release();
    await seat.release();
    assert.deepEqual(readdirSync(home), []);
    await (await hold(home)).release();
  });

  it("follows a dead one, and clears up after it", async () => {
    const home = temporaryHome();
    await leaveDead(home, "node-00000001.sock", "node.sock");
    await leaveDead(home, "node-00000002.sock", "node-00000001.sock.next");
    const seat = await hold(home);
    assert.deepEqual(readdirSync(home).sort(), [readlinkSync(join(home, "node.sock")), "node.sock"].sort());
    const { socket } = await attachTo(home);
    socket.destroy();
    await seat.release();
    assert.deepEqual(readdirSync(home), []);
  });

  it("follows one whose socket is gone altogether", async () => {
    const home = temporaryHome();
    symlinkSync("node-0000000a.sock", join(home, "node.sock"));
    await (await hold(home)).release();
    assert.deepEqual(readdirSync(home), []);
  });

  it("may close while somebody connects to it: who did follows it", async (t) => {
    const home = temporaryHome();
    const dying = createServer().listen(join(home, "node-00000001.sock"));
    await new Promise((resolve) => dying.once("listening", resolve));
    symlinkSync("node-00000001.sock", join(home, "node.sock"));
    const connect = Socket.prototype.connect;
    t.mock.method(
      Socket.prototype,
      "connect",
      function (this: Socket, ...options: Parameters<typeof connect>) {
        connect.apply(this, options);
        dying.close(); // the kernel has the connection, nobody has accepted it: ECONNRESET
        return this;
      },
    );
    const seat = await hold(home);
    await seat.release();
  });

  it("is one of many that enter at once, whether the home was new, or its holder dead", async () => {
    for (let round = 0; round < 20; round++) {
      const home = temporaryHome();
      if (round % 2 === 1) await leaveDead(home, "node-00000001.sock", "node.sock");
      const places = await Promise.all(Array.from({ length: 25 }, () => enterHome(home)));
      assert.equal(places.filter(({ role }) => role === "holder").length, 1, `round ${round}`);
      for (const place of places) if (place.role === "attached") place.socket.destroy();
      for (const place of places) if (place.role === "holder") await place.release();
      assert.deepEqual(readdirSync(home), []);
    }
  });

  it("leaves the link of another alone when it goes, if somebody removed its own by hand", async () => {
    const home = temporaryHome();
    const first = await hold(home);
    unlinkSync(join(home, "node.sock"));
    const second = await hold(home);
    const link = readlinkSync(join(home, "node.sock"));
    await first.release();
    assert.equal(readlinkSync(join(home, "node.sock")), link);
    await second.release();
  });

  it("lets go whoever comes while it releases the home", async () => {
    const home = temporaryHome();
    const seat = await hold(home);
    const { socket } = await attachTo(home);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.resume();
    await seat.release();
    await closed;
  });
});

describe("a home that cannot be entered", () => {
  it("has a path too long for a socket: the error says how long it may be", async () => {
    const home = join(temporaryHome(), "x".repeat(90));
    mkdirSync(home);
    await assert.rejects(enterHome(home), { code: "transport-start", message: /at most \d+ bytes/ });
    assert.deepEqual(readdirSync(home), []);
  });

  it("may have a path of just that length", async () => {
    const base = temporaryHome();
    const most = 107 - "/node-00000000.sock".length;
    const home = join(base, "x".repeat((process.platform === "linux" ? most : most - 4) - base.length - 1));
    mkdirSync(home);
    await (await hold(home)).release();
    await assert.rejects(enterHome(`${home}x`), { code: "transport-start" });
  });

  it("has something else in the place of the socket: it is left alone, and named", async () => {
    const file = temporaryHome();
    writeFileSync(join(file, "node.sock"), "precious");
    const elsewhere = temporaryHome();
    symlinkSync("/tmp/elsewhere", join(elsewhere, "node.sock"));
    for (const home of [file, elsewhere]) {
      await assert.rejects(enterHome(home), (error: Error) => {
        assert.match(error.message, /none of ours/);
        assert.ok(error.message.includes(join(home, "node.sock")));
        return true;
      });
      assert.deepEqual(readdirSync(home), ["node.sock"]);
      assert.ok(!lstatSync(join(home, "node.sock")).isSocket());
    }
  });

  it("does not exist", async () => {
    const home = join(temporaryHome(), "missing");
    await assert.rejects(enterHome(home), { code: "transport-start" });
  });

  it("belongs to others", { skip: process.getuid?.() === 0 && "root may write everywhere" }, async () => {
    const home = temporaryHome();
    chmodSync(home, 0o500);
    await assert.rejects(enterHome(home), { code: "transport-start", message: /EACCES/ });
  });
});

async function hold(home: string): Promise<HomeSeat> {
  const place = await enterHome(home);
  assert.equal(place.role, "holder");
  return place;
}

async function attachTo(home: string): Promise<HomeConnection> {
  const place = await enterHome(home);
  assert.equal(place.role, "attached");
  return place;
}

/** Leave a socket behind that refuses, as a killed holder does, and a link to it. */
async function leaveDead(home: string, name: string, link: string): Promise<void> {
  const server = createServer();
  const passing = join(home, "passing.sock");
  await new Promise<void>((resolve) => server.listen(passing, resolve));
  // Renamed, it is not removed when the server closes.
  renameSync(passing, join(home, name));
  await new Promise((resolve) => server.close(resolve));
  symlinkSync(name, join(home, link));
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
