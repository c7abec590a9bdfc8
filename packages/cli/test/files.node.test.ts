import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { encodeGreeting, encodeOffer } from "../src/transfer/records.ts";
import { content, near, Stage } from "./processes.ts";

/** A stage with a folder "inbox", and a receiver in it that takes files from `from`. */
async function startReceiver(stage: Stage, options: readonly string[]) {
  await mkdir(stage.at("inbox"));
  return stage.startListening(["receive", ...options, "inbox"]);
}

test("files arrive whole, with their time and permissions, and both commands exit 0", () =>
  Stage.run(async (stage) => {
    const home = stage.home();
    const sender = await stage.identity(home);
    const files = { "a.bin": content(300_000, 1), "b.txt": Buffer.from("b"), empty: Buffer.alloc(0) };
    for (const [name, bytes] of Object.entries(files))
      await writeFile(stage.at(name), bytes, { mode: 0o640 });
    await utimes(stage.at("a.bin"), 1_000_000_000, 1_000_000_000);
    const { command, sid, bound } = await startReceiver(stage, ["--once", "--from", sender]);
    const paths = Object.keys(files).map((name) => stage.at(name));
    const sent = await stage.run(["send", ...near(home, bound), ...paths, sid]);
    const received = await command.ended;
    assert.deepEqual([sent.code, received.code], [0, 0], sent.err + received.err);
    assert.deepEqual((await readdir(stage.at("inbox"))).sort(), Object.keys(files));
    for (const [name, bytes] of Object.entries(files)) {
      assert.ok(bytes.equals(await readFile(stage.at(`inbox/${name}`))), name);
    }
    const { mtimeMs, mode } = await stat(stage.at("inbox/a.bin"));
    assert.equal(mtimeMs, 1_000_000_000_000);
    assert.equal(mode & 0o777, 0o640 & ~process.umask());
    assert.match(sent.err, /a\.bin: sent, 300\.0 kB in/);
  }));

test("an existing file is left as it is; the next file still comes; both commands exit 1", () =>
  Stage.run(async (stage) => {
    await writeFile(stage.at("old"), "theirs");
    await writeFile(stage.at("new"), "theirs");
    const { command, sid, bound } = await startReceiver(stage, ["--once", "--from", "any"]);
    await writeFile(stage.at("inbox/old"), "mine");
    const sent = await stage.run(["send", ...near(stage.home(), bound), "old", "new", sid]);
    const received = await command.ended;
    assert.deepEqual([sent.code, received.code], [1, 1], sent.err + received.err);
    assert.match(sent.err, /old: refused: a file of that name exists/);
    assert.equal(await readFile(stage.at("inbox/old"), "utf8"), "mine");
    assert.equal(await readFile(stage.at("inbox/new"), "utf8"), "theirs");
  }));

test("without --from and without a terminal nothing is taken, and the sender is told why", () =>
  Stage.run(async (stage) => {
    await writeFile(stage.at("file"), "x");
    const { command, sid, bound } = await startReceiver(stage, ["--once"]);
    await command.event("warning");
    const sent = await stage.run(["send", ...near(stage.home(), bound), "file", sid]);
    assert.equal(sent.code, 1);
    assert.match(sent.err, /file: refused: files from this SID are not accepted here/);
    assert.deepEqual(await readdir(stage.at("inbox")), []);
    // A stranger does not use up --once.
    command.child.kill("SIGTERM");
    assert.equal((await command.ended).code, 143);
  }));

test("files of other SIDs than those given by --from are not taken", () =>
  Stage.run(async (stage) => {
    await writeFile(stage.at("file"), "x");
    const other = await stage.identity(stage.home());
    const { sid, bound } = await startReceiver(stage, ["--from", other]);
    const sent = await stage.run(["send", ...near(stage.home(), bound), "file", sid]);
    assert.equal(sent.code, 1);
    assert.match(sent.err, /not accepted here/);
    assert.deepEqual(await readdir(stage.at("inbox")), []);
  }));

test("a file beyond --max-bytes is refused before a byte of it is sent", () =>
  Stage.run(async (stage) => {
    await writeFile(stage.at("small"), Buffer.alloc(1000));
    await writeFile(stage.at("large"), Buffer.alloc(1001));
    const { sid, bound } = await startReceiver(stage, ["--from", "any", "--max-bytes", "1000"]);
    const sent = await stage.run(["send", ...near(stage.home(), bound), "large", "small", `${sid}:4111`]);
    assert.equal(sent.code, 1);
    assert.match(sent.err, /large: refused: larger than the 1000 bytes that are accepted/);
    assert.deepEqual(await readdir(stage.at("inbox")), ["small"]);
  }));

test("a sender with names of its own making gets no file out of the folder", () =>
  Stage.run(async (stage) => {
    const { command, sid, bound } = await startReceiver(stage, ["--from", "any"]);
    for (const name of ["../escaped", "/tmp/escaped", "..", ".hidden", "a\0b", ""]) {
      const offer = encodeOffer({ name, sizeBytes: 0, mode: undefined, modifiedMs: undefined });
      const raw = stage.start(
        ["connect", ...near(stage.home(), bound), sid, "4111"],
        ["pipe", "pipe", "pipe"],
      );
      raw.child.stdin!.end(Buffer.concat([encodeGreeting(), offer]));
      const { code, out } = await raw.ended;
      assert.equal(code, 0);
      const reply = Buffer.from(out, "latin1").subarray(encodeGreeting().length);
      assert.deepEqual([reply[0], reply.readUInt16LE(5)], [3, 2], JSON.stringify(name));
    }
    assert.deepEqual(await readdir(stage.at("inbox")), []);
    assert.deepEqual(
      (await readdir(stage.path)).filter((name) => name.includes("escaped")),
      [],
    );
    assert.equal(command.events.filter(({ event }) => event === "file").length, 6);
  }));

test("a peer that speaks something else is stopped, and the receiver goes on", () =>
  Stage.run(async (stage) => {
    await writeFile(stage.at("file"), "x");
    const { command, sid, bound } = await startReceiver(stage, ["--from", "any"]);
    const raw = stage.start(["connect", ...near(stage.home(), bound), sid, "4111"], ["pipe", "pipe", "pipe"]);
    raw.child.stdin!.write("GET / HTTP/1.1\r\n\r\n");
    assert.equal((await raw.ended).code, 1);
    assert.match((await command.event("error")).message, /does not speak the file transfer protocol/);
    assert.equal((await stage.run(["send", ...near(stage.home(), bound), "file", sid])).code, 0);
  }));

test("several senders are served at a time, and two files of one name do not become one", () =>
  Stage.run(async (stage) => {
    const { sid, bound } = await startReceiver(stage, ["--from", "any"]);
    const senders = [1, 2, 3].map(async (seed) => {
      await mkdir(stage.at(`${seed}`));
      for (const name of ["same", `own-${seed}`])
        await writeFile(stage.at(`${seed}/${name}`), content(100_000, seed));
      return stage.run(["send", ...near(stage.home(), bound), `${seed}/same`, `${seed}/own-${seed}`, sid]);
    });
    const codes = (await Promise.all(senders)).map(({ code }) => code);
    assert.deepEqual(codes.sort(), [0, 1, 1], "one was first with its file");
    assert.deepEqual((await readdir(stage.at("inbox"))).sort(), ["own-1", "own-2", "own-3", "same"]);
    const same = await readFile(stage.at("inbox/same"));
    assert.ok([1, 2, 3].some((seed) => same.equals(content(100_000, seed))));
  }));

test("a file that cannot be read exits 5 before anything is sent", () =>
  Stage.run(async (stage) => {
    await writeFile(stage.at("file"), "x");
    const { command, sid, bound } = await startReceiver(stage, ["--from", "any"]);
    const missing = await stage.run(["send", ...near(stage.home(), bound), "file", "missing", sid]);
    assert.equal(missing.code, 5);
    assert.match(missing.err, /^msp: missing: no such file or folder\n$/);
    assert.equal((await stage.run(["send", ...near(stage.home(), bound), "inbox", sid])).code, 5);
    await promisify(execFile)("mkfifo", [stage.at("pipe")]);
    const pipe = await stage.run(["send", ...near(stage.home(), bound), "pipe", sid]);
    assert.deepEqual([pipe.code, pipe.err], [5, "msp: pipe: is no regular file\n"]);
    assert.equal(command.events.length, 2, "an identity, and listening");
    const nowhere = await stage.run(["receive", "nowhere"]);
    assert.equal(nowhere.code, 5);
    assert.match(nowhere.err, /nowhere: no such file or folder/);
  }));

test("a sender or a receiver that is ended in the middle leaves no part of the file, and the other exits 1", () =>
  Stage.run(async (stage) => {
    await writeFile(stage.at("file"), Buffer.alloc(60_000_000));
    await writeFile(stage.at("next"), "x");
    for (const ended of ["sender", "receiver"] as const) {
      const inbox = stage.at(`inbox-${ended}`);
      await mkdir(inbox);
      const { command, sid, bound } = await stage.startListening([
        "receive",
        "--once",
        "--from",
        "any",
        inbox,
      ]);
      const sender = stage.start(["send", ...near(stage.home(), bound), "--json", "file", "next", sid]);
      assert.match((await command.event("progress")).sid, /^[0-9A-F]{64}$/);
      const [first, second] = ended === "sender" ? [sender, command] : [command, sender];
      first.child.kill("SIGTERM");
      assert.equal((await first.ended).code, 143, ended);
      const other = await second.ended;
      assert.equal(other.code, 1, `${ended}: ${other.out}`);
      const broken = second.events.filter(({ event }) => event === "file");
      const expected =
        ended === "sender"
          ? [["file", "broken-off"]]
          : [
              ["file", "broken-off"],
              ["next", "not-begun"],
            ];
      assert.deepEqual(
        broken.map(({ name, result }) => [name, result]),
        expected,
        ended,
      );
      assert.deepEqual(
        first.events.filter(({ event }) => event === "file"),
        [],
        "what a signal broke off is no news",
      );
      assert.deepEqual(await readdir(inbox), [], ended);
    }
  }));
