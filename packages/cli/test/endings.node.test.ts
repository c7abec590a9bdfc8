import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { content, lonely, near, Stage } from "./processes.ts";

const SID = "57D5E04EEC3C3579BADD8FBC15CB0CBFA28DD78F37EB6717ABB8385E76A37045";

test("with no peer, connect exits 1 after 10 s with a line that says so", () =>
  Stage.run(async (stage) => {
    const startedMs = performance.now();
    const { code, out, err } = await stage.run(["connect", ...lonely(stage.home()), "--quiet", SID, "512"]);
    const seconds = (performance.now() - startedMs) / 1000;
    assert.deepEqual([code, out], [1, ""]);
    assert.match(err, new RegExp(`^msp: no answer from ${SID}, port 512 within 10 s[^\n]*\n$`));
    assert.ok(seconds > 9.5 && seconds < 13, `${seconds} s`);
  }));

test("a UDP port that is taken exits 3 with a line that says what to do", () =>
  Stage.run(async (stage) => {
    const { bound } = await stage.startListening(["listen", "512"]);
    const { code, err } = await stage.run([
      "peers",
      "--home",
      stage.home(),
      "--bind",
      bound,
      "--no-broadcast",
      "--quiet",
    ]);
    assert.equal(code, 3, err);
    assert.match(err, /^msp: [^\n]*choose another port[^\n]*\n$/);
  }));

test("an MDP port of the home that is taken exits 3", () =>
  Stage.run(async (stage) => {
    const home = stage.home();
    await stage.startListening(["listen", "512"], { home });
    const { code, err } = await stage.run(["listen", "--home", home, "512"]);
    assert.equal(code, 3, err);
    assert.match(err, /512/);
  }));

for (const [name, expected] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  test(`${name} exits ${expected}, and the peer is told`, () =>
    Stage.run(async (stage) => {
      const { command, sid, bound } = await stage.startListening(["listen", "--once", "512"]);
      const connector = stage.start(
        ["connect", ...near(stage.home(), bound), sid, "512"],
        ["pipe", "pipe", "pipe"],
      );
      connector.child.stdin!.write("hello");
      await command.output("hello");
      const startedMs = performance.now();
      connector.child.kill(name);
      assert.equal((await connector.ended).code, expected);
      const ended = await command.ended;
      assert.equal(ended.code, 1, ended.err);
      assert.equal((await command.event("error")).code, "stopped");
      assert.ok(performance.now() - startedMs < 3000);
    }));
}

test("a signal ends commands that wait: listen, receive, connect", () =>
  Stage.run(async (stage) => {
    const { command: listening } = await stage.startListening(["listen", "512"]);
    const { command: receiving } = await stage.startListening(["receive", "--from", "any"]);
    const connecting = stage.start(["connect", ...lonely(stage.home()), "-v", "--json", SID, "512"]);
    await connecting.event("open");
    for (const command of [listening, receiving, connecting]) {
      command.child.kill("SIGTERM");
      assert.equal((await command.ended).code, 143, command.err);
    }
  }));

test("a full device as standard output exits 5, and the peer is told", () =>
  Stage.run(async (stage) => {
    await using full = await open("/dev/full", "w");
    const { command, sid, bound } = await stage.startListening(["listen", "--once", "512"], {
      stdio: ["ignore", full.fd, "pipe"],
    });
    const connector = stage.start(
      ["connect", ...near(stage.home(), bound), sid, "512"],
      ["pipe", "pipe", "pipe"],
    );
    connector.child.stdin!.end(content(100_000, 1));
    connector.child.stdin!.on("error", () => undefined);
    const [listened, connected] = await Promise.all([command.ended, connector.ended]);
    assert.equal(listened.code, 5, listened.err);
    assert.match(listened.err, /standard output: no space left on the disk/);
    assert.equal(connected.code, 1, connected.err);
    assert.match(connected.err, /stopped the connection/);
  }));

test("results that cannot be written exit 5", () =>
  Stage.run(async (stage) => {
    const home = stage.home();
    await stage.identity(home);
    await using full = await open("/dev/full", "w");
    const { code, err } = await stage.run(["id", "show", "--home", home], ["ignore", full.fd, "pipe"]);
    assert.equal(code, 5);
    assert.match(err, /no space left/);
  }));

test("a reader that closes the pipe early exits 5, and the peer is told", () =>
  Stage.run(async (stage) => {
    const { command, sid, bound } = await stage.startListening(["listen", "--once", "512"]);
    const connector = stage.start(
      ["connect", ...near(stage.home(), bound), sid, "512"],
      ["pipe", "pipe", "pipe"],
    );
    connector.child.stdin!.on("error", () => undefined);
    connector.child.stdin!.write("hello");
    await command.output("hello");
    command.child.stdout!.destroy();
    connector.child.stdin!.end(content(100_000, 1));
    const [listened, connected] = await Promise.all([command.ended, connector.ended]);
    assert.equal(listened.code, 5, listened.err);
    assert.match(listened.err, /standard output: the reader closed the pipe/);
    assert.equal(connected.code, 1, connected.err);
  }));

test("a reader that is slow holds the sender back, and loses nothing", () =>
  Stage.run(async (stage) => {
    const { command, sid, bound } = await stage.startListening(["listen", "--once", "512"]);
    command.child.stdout!.pause();
    const connector = stage.start(
      ["connect", ...near(stage.home(), bound), sid, "512"],
      ["pipe", "pipe", "pipe"],
    );
    const bytes = content(500_000, 3);
    connector.child.stdin!.end(bytes);
    const race = await Promise.race([
      connector.ended,
      new Promise((resolve) => setTimeout(() => resolve("held back"), 2500)),
    ]);
    assert.equal(race, "held back");
    command.child.stdout!.resume();
    const [listened, connected] = await Promise.all([command.ended, connector.ended]);
    assert.deepEqual([listened.code, connected.code], [0, 0], connected.err);
    assert.ok(Buffer.from(listened.out, "latin1").equals(bytes));
  }));

test("an input that is closed, or whose writer is gone at once, is read to its end", () =>
  Stage.run(async (stage) => {
    const { command, sid, bound } = await stage.startListening(["listen", "--once", "512"]);
    const words = ["connect", ...near(stage.home(), bound), sid, "512"];
    // The writer is gone long before the connection stands.
    const writer = spawn("sh", ["-c", "head -c 60000 /dev/zero"], { stdio: ["ignore", "pipe", "inherit"] });
    await once(writer, "spawn");
    const connector = stage.start(words, [writer.stdout, "pipe", "pipe"]);
    const [listened, connected] = await Promise.all([command.ended, connector.ended]);
    assert.deepEqual([listened.code, connected.code], [0, 0], connected.err);
    assert.ok(Buffer.from(listened.out, "latin1").equals(Buffer.alloc(60_000)));

    const again = await stage.startListening(["listen", "--once", "512"]);
    const node = [process.execPath, new URL("../bin/msp.js", import.meta.url).pathname];
    const closed = ["connect", ...near(stage.home(), again.bound), again.sid, "512"];
    await promisify(execFile)("sh", ["-c", '"$@" <&-', "sh", ...node, ...closed]);
    assert.deepEqual([(await again.command.ended).code, again.command.out], [0, ""]);
  }));

test("an input that cannot be read exits 5, and the peer is told", () =>
  Stage.run(async (stage) => {
    const { command, sid, bound } = await stage.startListening(["listen", "--once", "512"]);
    await using folder = await open(stage.path, "r");
    const connected = await stage.run(
      ["connect", ...near(stage.home(), bound), sid, "512"],
      [folder.fd, "pipe", "pipe"],
    );
    assert.equal(connected.code, 5, connected.err);
    assert.match(connected.err, /standard input: /);
    // Told, if it ever heard of the connection; else it goes on waiting.
    command.child.kill("SIGTERM");
    assert.notEqual((await command.ended).code, 0);
  }));

test("two commands of one home are one node; when the first is killed the second exits 4", () =>
  Stage.run(async (stage) => {
    const home = stage.home();
    const { command: holder, sid } = await stage.startListening(["listen", "512"], { home });
    const attached = stage.start(["connect", ...lonely(home), sid, "512"], ["pipe", "pipe", "pipe"]);
    attached.child.stdin!.write("within one node");
    await holder.output("within one node");
    attached.child.stdin!.end();
    assert.equal((await attached.ended).code, 0, attached.err);
    assert.match(
      attached.err,
      /^--bind is ignored: this home is held by another program\n--no-broadcast is ignored/,
    );

    const { command: listener } = await stage.startListening(["listen", "513"], { home });
    const { bound } = await holder.event("listening");
    const remote = stage.start(
      ["connect", ...near(stage.home(), bound), sid, "513"],
      ["pipe", "pipe", "pipe"],
    );
    remote.child.stdin!.write("through the holder");
    await listener.output("through the holder");
    holder.child.kill("SIGKILL");
    const ended = await listener.ended;
    assert.equal(ended.code, 4, ended.err);
    assert.equal(listener.events.filter(({ event }) => event === "error").at(-1)?.code, "transport-lost");
  }));
