import assert from "node:assert/strict";
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Directory } from "../src/transfer/directory.ts";
import { FileRefusal } from "../src/transfer/file-refusal.ts";
import { describeLocalFile, LocalFileError } from "../src/transfer/local-file.ts";
import { type Offer, RefuseReason } from "../src/transfer/records.ts";

const offer = (name: string, sizeBytes = 3): Offer => ({
  name,
  sizeBytes,
  mode: undefined,
  modifiedMs: undefined,
});
const abc = Uint8Array.of(97, 98, 99);
const refusedFor = (reason: number) => (error: unknown) =>
  error instanceof FileRefusal && error.reason === reason;

/** Runs `body` in a folder of its own. */
async function inFolder(body: (path: string) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), "msp-test-"));
  try {
    await body(path);
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

test("a file stands under its name, with its mode and time, only after commit", () =>
  inFolder(async (path) => {
    const directory = await Directory.open(path);
    const file = await directory.begin({ ...offer("a.txt"), mode: 0o4750, modifiedMs: 1_000_000_500 });
    await file.write(abc);
    const [partial, ...others] = await readdir(path);
    assert.match(partial!, /^\.msp-[0-9a-f]{16}\.part$/);
    assert.deepEqual(others, []);
    assert.equal(await file.commit(), join(path, "a.txt"));
    await file.discard();
    assert.deepEqual(await readdir(path), ["a.txt"]);
    assert.equal(await readFile(join(path, "a.txt"), "utf8"), "abc");
    const { mode, mtimeMs } = await stat(join(path, "a.txt"));
    assert.equal(mode & 0o7777, 0o750 & ~process.umask());
    assert.equal(mtimeMs, 1_000_000_500);
  }));

test("an existing file, folder or dangling link is never replaced", () =>
  inFolder(async (path) => {
    await writeFile(join(path, "file"), "mine");
    await mkdir(join(path, "folder"));
    await symlink(join(path, "nowhere"), join(path, "link"));
    const directory = await Directory.open(path);
    for (const name of ["file", "folder", "link"]) {
      await assert.rejects(directory.begin(offer(name)), refusedFor(RefuseReason.EXISTS), name);
    }
    assert.deepEqual((await readdir(path)).sort(), ["file", "folder", "link"]);
    assert.equal(await readFile(join(path, "file"), "utf8"), "mine");
  }));

test("a file that appears while another of its name comes in is not replaced, with and without hard links", () =>
  inFolder(async (path) => {
    const noLinks = async () => {
      throw Object.assign(new Error("no links here"), { code: "ENOTSUP" });
    };
    for (const [name, options] of [
      ["linked", {}],
      ["renamed", { link: noLinks }],
    ] as const) {
      const file = await (await Directory.open(path, options)).begin(offer(name));
      await file.write(abc);
      await writeFile(join(path, name), "mine");
      await assert.rejects(file.commit(), refusedFor(RefuseReason.EXISTS));
      assert.equal(await readFile(join(path, name), "utf8"), "mine");
    }
    assert.deepEqual((await readdir(path)).sort(), ["linked", "renamed"]);
    const file = await (await Directory.open(path, { link: noLinks })).begin(offer("new"));
    await file.write(abc);
    assert.equal(await readFile(await file.commit(), "utf8"), "abc");
    assert.deepEqual((await readdir(path)).sort(), ["linked", "new", "renamed"]);
  }));

test("names that lead elsewhere, sizes beyond the limit and beyond the disk are refused before a byte is written", () =>
  inFolder(async (path) => {
    const directory = await Directory.open(path, { maxBytes: 10, freeBytes: async () => 5 });
    await assert.rejects(directory.begin(offer("../escape")), refusedFor(RefuseReason.NAME));
    await assert.rejects(directory.begin(offer("/abs")), refusedFor(RefuseReason.NAME));
    await assert.rejects(directory.begin(offer("big", 11)), refusedFor(RefuseReason.TOO_LARGE));
    await assert.rejects(directory.begin(offer("wide", 6)), refusedFor(RefuseReason.NO_SPACE));
    await assert.rejects(directory.begin(offer("vast", 2 ** 64)), refusedFor(RefuseReason.TOO_LARGE));
    assert.deepEqual(await readdir(path), []);
    await (await directory.begin(offer("fits", 5))).discard();
    assert.deepEqual(await readdir(path), []);
  }));

test("what fails locally is told to the peer without naming anything local", () =>
  inFolder(async (path) => {
    const directory = await Directory.open(path);
    await rm(path, { recursive: true });
    await assert.rejects(
      directory.begin(offer("a")),
      (error) => error instanceof FileRefusal && error.isLocalFailure && !error.message.includes(path),
    );
  }));

test("a folder that is none is told at the start", () =>
  inFolder(async (path) => {
    await writeFile(join(path, "file"), "");
    await assert.rejects(Directory.open(join(path, "file")), LocalFileError);
    await assert.rejects(Directory.open(join(path, "missing")), /no such file or folder/);
  }));

test("a file to send is described by its last part, and read in bounded stretches", () =>
  inFolder(async (path) => {
    const bytes = Buffer.alloc(150_000, "x");
    await writeFile(join(path, "a"), bytes);
    await chmod(join(path, "a"), 0o640);
    const source = await describeLocalFile(join(path, ".", "a"));
    assert.deepEqual(
      { name: source.offer.name, sizeBytes: source.offer.sizeBytes, mode: source.offer.mode },
      { name: "a", sizeBytes: 150_000, mode: 0o640 },
    );
    const sizes: number[] = [];
    for await (const chunk of source.read()) sizes.push(chunk.length);
    assert.deepEqual(sizes, [65_536, 65_536, 18_928]);
  }));

test("what cannot be sent is told before a connection is made", () =>
  inFolder(async (path) => {
    await assert.rejects(describeLocalFile(join(path, "missing")), /missing: no such file or folder/);
    await assert.rejects(describeLocalFile(path), /is a folder/);
    await assert.rejects(describeLocalFile("/dev/null"), /no regular file/);
  }));

test("a file that becomes shorter while it is sent is an error, not a short file", () =>
  inFolder(async (path) => {
    const name = join(path, "a");
    await writeFile(name, Buffer.alloc(200_000));
    const source = await describeLocalFile(name);
    await assert.rejects(async () => {
      for await (const _ of source.read()) await truncate(name, 100_000);
    }, /became shorter/);
  }));
