import assert from "node:assert/strict";
import { PassThrough, Readable, Writable } from "node:stream";
import { test } from "node:test";
import { MspError } from "@meshstream/msp";
import { carry } from "../src/shared/carry.ts";
import { StandardInput, StandardOutput } from "../src/shared/standard-streams.ts";
import { LocalFileError } from "../src/transfer/local-file.ts";
import { FakeSocket } from "./fake-socket.ts";

test("both directions are carried whole, in messages of 1024 bytes, and close cleanly", async () => {
  const { a, b } = FakeSocket.pair();
  const toB = Buffer.alloc(100_000, "b");
  const toA = Buffer.alloc(50_001, "a");
  const [outA, outB] = [new Collector(), new Collector()];
  await Promise.all([
    carry(a, new StandardInput(Readable.from([toB])), new StandardOutput(outA)),
    carry(b, new StandardInput(Readable.from([toA])), new StandardOutput(outB)),
  ]);
  assert.deepEqual([await a.closed, await b.closed], ["clean", "clean"]);
  assert.ok(outB.bytes.equals(toB));
  assert.ok(outA.bytes.equals(toA));
  assert.deepEqual(new Set(a.sent.slice(0, -1).map((message) => message.length)), new Set([1024]));
});

test("the end of the input ends one direction only: an answer to it still comes", async () => {
  const { a, b } = FakeSocket.pair();
  const out = new Collector();
  const carrying = carry(
    a,
    new StandardInput(Readable.from([Buffer.from("question")])),
    new StandardOutput(out),
  );
  assert.equal(String(await b.receive()), "question");
  assert.equal(await b.receive(), undefined);
  await b.send(Buffer.from("answer"));
  b.shutdown();
  await carrying;
  assert.equal(String(out.bytes), "answer");
});

test("the peer's end leaves an open pipe open, and ends the side of a terminal", async () => {
  const { a, b } = FakeSocket.pair();
  const pipe = new PassThrough();
  const carrying = carry(a, new StandardInput(pipe), new StandardOutput(new Collector()));
  b.shutdown();
  pipe.write("still here");
  assert.equal(String(await b.receive()), "still here");
  pipe.end();
  assert.equal(await b.receive(), undefined);
  await carrying;

  const other = FakeSocket.pair();
  const terminal = Object.assign(new PassThrough(), { isTTY: true });
  const atTerminal = carry(other.a, new StandardInput(terminal), new StandardOutput(new Collector()));
  other.b.shutdown();
  assert.equal(await other.b.receive(), undefined);
  await atTerminal;
});

test("a message is acknowledged only when the output has taken it", async () => {
  const { a, b } = FakeSocket.pair();
  const written: (() => void)[] = [];
  const slow = new Writable({ write: (_chunk, _encoding, done) => void written.push(done) });
  const carrying = carry(a, new StandardInput(Readable.from([])), new StandardOutput(slow));
  for (const text of ["one", "two", "three"]) await b.send(Buffer.from(text));
  b.shutdown();
  for (let count = 0; count < 3; count++) {
    await turn();
    assert.equal(a.takenCount, count);
    written.shift()!();
  }
  await carrying;
  assert.equal(a.takenCount, 3);
});

test("an output that fails ends the connection at once: the peer is told, nothing more is acknowledged", async () => {
  const { a, b } = FakeSocket.pair();
  let writes = 0;
  const full = new Writable({
    write: (_chunk, _encoding, done) => {
      writes++;
      done(writes === 1 ? null : Object.assign(new Error("full"), { code: "ENOSPC" }));
    },
  });
  const carrying = carry(a, new StandardInput(new PassThrough()), new StandardOutput(full));
  for (const text of ["one", "two", "three"]) await b.send(Buffer.from(text));
  await assert.rejects(
    carrying,
    (error) => error instanceof LocalFileError && /no space left/.test(error.message),
  );
  assert.equal(a.takenCount, 1);
  assert.equal(b.failure?.code, "stopped");
});

test("an input that fails ends the connection at once, and the peer is told", async () => {
  const { a, b } = FakeSocket.pair();
  const broken = new Readable({ read: () => undefined });
  const carrying = carry(a, new StandardInput(broken), new StandardOutput(new Collector()));
  broken.destroy(Object.assign(new Error("gone"), { code: "EIO" }));
  await assert.rejects(carrying, /standard input: the device failed/);
  assert.equal(b.failure?.code, "stopped");
});

test("input that a failed connection did not take goes to the next one", async () => {
  const first = FakeSocket.pair(2);
  const input = new StandardInput(
    Readable.from([Buffer.concat([Buffer.alloc(2048, "1"), Buffer.from("rest")])]),
  );
  const carrying = carry(first.a, input, new StandardOutput(new Collector()));
  await turn();
  first.a.fail(new MspError("timeout", "nothing heard"));
  await assert.rejects(carrying, (error) => error instanceof MspError && error.code === "timeout");
  const second = FakeSocket.pair();
  const again = carry(second.a, input, new StandardOutput(new Collector()));
  assert.equal(String(await second.b.receive()), "rest");
  assert.equal(await second.b.receive(), undefined);
  second.b.shutdown();
  await again;
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class Collector extends Writable {
  readonly #chunks: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(Buffer.from(chunk));
    setImmediate(done);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}
