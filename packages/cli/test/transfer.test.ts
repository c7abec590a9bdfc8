import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { MspError } from "@meshstream/msp";
import { TransferError } from "../src/transfer/fault.ts";
import { FileRefusal } from "../src/transfer/file-refusal.ts";
import type { MessageStream } from "../src/transfer/message-stream.ts";
import { type PartialFile, receiveFiles } from "../src/transfer/receiver.ts";
import {
  encodeAccept,
  encodeGreeting,
  encodeHeader,
  encodeOffer,
  encodeRefuse,
  type Offer,
  RecordType,
  RefuseReason,
  record,
} from "../src/transfer/records.ts";
import { type FileSource, sendFiles } from "../src/transfer/sender.ts";
import { FakeSocket } from "./fake-socket.ts";

test("several files cross in one session, byte for byte, with every message but the last of a flush full", async () => {
  const { a, b } = FakeSocket.pair();
  const contents = [content(0), content(1), content(200_000), content(65_536)];
  const store = new MemoryStore();
  const [sent, received] = await Promise.all([
    sendFiles(a, contents.map(source)),
    receiveFiles(b, store.take),
  ]);
  assert.deepEqual(
    sent.map((file) => file.result === "done" && file.sha256),
    contents.map(sha256),
  );
  assert.deepEqual(
    received.map((file) => file.result === "done" && file.path),
    ["f0", "f1", "f2", "f3"],
  );
  assert.deepEqual(store.files, Object.fromEntries(contents.map((bytes, i) => [`f${i}`, bytes])));
  const totalBytes = a.sent.reduce((sum, message) => sum + message.length, 0);
  assert.ok(a.sent.length <= Math.ceil(totalBytes / 1024) + 2 * contents.length, `${a.sent.length} messages`);
});

test("a refused file does not keep the next one from coming", async () => {
  const { a, b } = FakeSocket.pair();
  const store = new MemoryStore();
  const take = async (offer: Offer) => {
    if (offer.name === "f0") throw new FileRefusal(RefuseReason.EXISTS, "a file of that name exists");
    return store.take(offer);
  };
  const [sent] = await Promise.all([
    sendFiles(a, [content(9), content(9)].map(source)),
    receiveFiles(b, take),
  ]);
  assert.deepEqual(
    sent.map((file) => file.result),
    ["refused", "done"],
  );
  assert.deepEqual(sent[0]?.result === "refused" && sent[0].refuse, {
    reason: RefuseReason.EXISTS,
    text: "a file of that name exists",
  });
});

test("a disk that fills in the middle refuses that file, early, and takes the next", async () => {
  const { a, b } = FakeSocket.pair();
  const store = new MemoryStore();
  store.failAfterBytes = 100_000;
  const [sent, received] = await Promise.all([
    sendFiles(a, [content(5_000_000), content(50_000)].map(source)),
    receiveFiles(b, store.take),
  ]);
  assert.deepEqual(
    sent.map((file) => file.result),
    ["refused", "done"],
  );
  assert.equal(received[0]?.result === "refused" && received[0].refusal.isLocalFailure, true);
  assert.deepEqual(Object.keys(store.files), ["f1"]);
  assert.ok(a.sent.length < 1000, `stopped early: ${a.sent.length} messages`);
});

test("no message is acknowledged before its bytes are written", async () => {
  const { a, b } = FakeSocket.pair(4);
  const store = new MemoryStore();
  let headerBytes = 0;
  store.onWrite = (writtenBytes) => {
    // Whatever this end has taken must be written already, but for greeting, OFFER and record headers.
    const takenBytes = a.sent.slice(0, b.takenCount).reduce((sum, message) => sum + message.length, 0);
    headerBytes = Math.max(headerBytes, takenBytes - writtenBytes);
  };
  await Promise.all([sendFiles(a, [content(50_000)].map(source)), receiveFiles(b, store.take)]);
  const dataRecords = Math.ceil(50_000 / 7000);
  assert.ok(
    headerBytes <= 10 + (5 + 24 + 2) + 5 * dataRecords,
    `${headerBytes} bytes were acknowledged and not written`,
  );
});

test("the receiver goes on where ACCEPT says, and the SHA-256 covers the whole file", async () => {
  const { a, b } = FakeSocket.pair(1000);
  const bytes = content(150_000);
  const sending = sendFiles(a, [source(bytes, 0)]);
  await say(b, encodeGreeting(), encodeAccept(100_001));
  const stream = new ByteCollector(b);
  await stream.read(10 + 5 + 24 + 2);
  const data: Uint8Array[] = [];
  for (;;) {
    const header = Buffer.from(await stream.read(5));
    const payload = await stream.read(header.readUInt32LE(1));
    if (header[0] === RecordType.END) {
      assert.equal(Buffer.from(payload).toString("hex"), sha256(bytes));
      break;
    }
    data.push(payload);
  }
  assert.deepEqual(Buffer.concat(data), Buffer.from(bytes.subarray(100_001)));
  await say(b, record(RecordType.DONE, new Uint8Array(0)));
  b.shutdown();
  assert.equal((await sending)[0]?.result, "done");
});

test("records of unknown types are skipped on both sides", async () => {
  const unknown = record(99, new Uint8Array(5000));
  const bytes = content(10);
  {
    const { a, b } = FakeSocket.pair(1000);
    const store = new MemoryStore();
    const receiving = receiveFiles(b, store.take);
    await say(a, encodeGreeting(), unknown, encodeOffer(source(bytes, 0).offer), unknown);
    await say(a, record(RecordType.DATA, bytes), unknown, record(RecordType.END, digest(bytes)), unknown);
    a.shutdown();
    assert.equal((await receiving)[0]?.result, "done");
  }
  {
    const { a, b } = FakeSocket.pair(1000);
    const sending = sendFiles(a, [source(bytes, 0)]);
    await say(
      b,
      encodeGreeting(),
      unknown,
      encodeAccept(0),
      unknown,
      record(RecordType.DONE, new Uint8Array(0)),
    );
    b.shutdown();
    assert.equal((await sending)[0]?.result, "done");
  }
});

test("a SHA-256, or a size, that differs is refused and leaves nothing", async () => {
  const bytes = content(100);
  const cases: readonly [string, Uint8Array[]][] = [
    ["digest", [record(RecordType.DATA, bytes), record(RecordType.END, new Uint8Array(32))]],
    [
      "too few",
      [record(RecordType.DATA, bytes.subarray(1)), record(RecordType.END, digest(bytes.subarray(1)))],
    ],
    ["too many", [record(RecordType.DATA, content(101)), record(RecordType.END, digest(content(101)))]],
  ];
  for (const [name, records] of cases) {
    const { a, b } = FakeSocket.pair(1000);
    const store = new MemoryStore();
    const receiving = receiveFiles(b, store.take);
    await say(a, encodeGreeting(), encodeOffer(source(bytes, 0).offer), ...records);
    a.shutdown();
    const [file] = await receiving;
    assert.equal(file?.result === "refused" && file.refusal.reason, RefuseReason.MISMATCH, name);
    assert.deepEqual(store.files, {}, name);
    assert.equal(store.openCount, 0, name);
    assert.ok(store.mostWrittenBytes <= 100, `${name}: never more than was offered`);
  }
});

test("an offer that waits for a person's answer is taken meanwhile, so that the peer does not repeat it", async () => {
  const { a, b } = FakeSocket.pair(1000);
  const store = new MemoryStore();
  let answer = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const sending = sendFiles(a, [source(content(10), 0)]);
  const receiving = receiveFiles(b, async (offer) => {
    await asked;
    return store.take(offer);
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(b.takenCount, a.sent.length);
  answer();
  assert.equal((await sending)[0]?.result, "done");
  await receiving;
});

test("a peer that breaks the protocol is stopped, and its partial file removed", async () => {
  const offer = encodeOffer(source(content(100), 0).offer);
  const cases: readonly [string, Uint8Array[]][] = [
    ["no greeting", [new TextEncoder().encode("GET / HTTP/1.1\r\n")]],
    ["DATA without OFFER", [encodeGreeting(), record(RecordType.DATA, content(1))]],
    ["END without OFFER", [encodeGreeting(), record(RecordType.END, digest(content(1)))]],
    ["OFFER in a file", [encodeGreeting(), offer, offer]],
    ["ACCEPT", [encodeGreeting(), encodeAccept(0)]],
    ["a huge OFFER", [encodeGreeting(), encodeHeader(RecordType.OFFER, 1_000_000)]],
    ["a short END", [encodeGreeting(), offer, record(RecordType.END, new Uint8Array(31))]],
    ["an early end", [encodeGreeting(), offer, record(RecordType.DATA, content(50))]],
    ["an end in a header", [encodeGreeting(), offer, Uint8Array.of(4, 1)]],
  ];
  for (const [name, records] of cases) {
    const { a, b } = FakeSocket.pair(1000);
    const store = new MemoryStore();
    const receiving = receiveFiles(b, store.take);
    await say(a, ...records);
    a.shutdown();
    await assert.rejects(receiving, TransferError, name);
    assert.equal(b.failure?.code, "aborted", name);
    assert.equal(store.openCount, 0, name);
  }
});

test("a receiver that breaks the protocol is stopped", async () => {
  const done = record(RecordType.DONE, new Uint8Array(0));
  const cases: readonly [RegExp, Uint8Array[]][] = [
    [/does not speak the file transfer protocol/, [content(100)]],
    [/DONE to an OFFER/, [encodeGreeting(), done]],
    [/offset beyond the end/, [encodeGreeting(), encodeAccept(101)]],
    [/accepted the same file twice/, [encodeGreeting(), encodeAccept(0), encodeAccept(0)]],
    [/sends files/, [encodeGreeting(), encodeOffer(source(content(1), 0).offer)]],
    [/ended before the file was done/, [encodeGreeting()]],
    [/ended before the file was done/, [encodeGreeting(), encodeAccept(0)]],
    [/an ACCEPT of 7 bytes/, [encodeGreeting(), record(RecordType.ACCEPT, new Uint8Array(7))]],
  ];
  for (const [message, records] of cases) {
    const { a, b } = FakeSocket.pair(1000);
    const sending = sendFiles(a, [source(content(100), 0)]);
    await say(b, ...records);
    b.shutdown();
    await assert.rejects(sending, (error) => error instanceof TransferError && message.test(error.message));
    assert.equal(a.failure?.code, "aborted", String(message));
  }
});

test("a refusal in words that are no UTF-8, for a reason of a later version, is still a refusal", async () => {
  const { a, b } = FakeSocket.pair(1000);
  const sending = sendFiles(a, [source(content(100), 0)]);
  const refuse = encodeRefuse({ reason: 999, text: "x" });
  refuse[refuse.length - 1] = 0xff;
  await say(b, encodeGreeting(), refuse);
  b.shutdown();
  assert.deepEqual(await sending, [
    { name: "f0", result: "refused", refuse: { reason: 999, text: "\ufffd" } },
  ]);
});

test("a source that fails stops the connection, and the receiver keeps nothing", async () => {
  const { a, b } = FakeSocket.pair();
  const store = new MemoryStore();
  const failing: FileSource = {
    offer: source(content(100_000), 0).offer,
    async *read() {
      yield content(60_000);
      throw new Error("the disk is gone");
    },
  };
  const receiving = receiveFiles(b, store.take);
  await assert.rejects(sendFiles(a, [failing]), /the disk is gone/);
  await assert.rejects(receiving, (error) => error instanceof MspError && error.code === "stopped");
  assert.equal(store.openCount, 0);
});

test("a connection that dies rejects on both sides with what ended it", async () => {
  const { a, b } = FakeSocket.pair();
  const store = new MemoryStore();
  const big = content(1_000_000);
  store.onWrite = (writtenBytes) => {
    if (writtenBytes < 500_000) return;
    a.fail(new MspError("timeout", "nothing heard"));
    b.fail(new MspError("timeout", "nothing heard"));
  };
  const isTimeout = (error: unknown) => error instanceof MspError && error.code === "timeout";
  const receiving = receiveFiles(b, store.take);
  await Promise.all([
    assert.rejects(sendFiles(a, [source(big, 0)]), isTimeout),
    assert.rejects(receiving, isTimeout),
  ]);
  assert.equal(store.openCount, 0);
  assert.deepEqual(store.files, {});
});

/** Deterministic bytes, different for each length. */
function content(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = length + 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

function source(bytes: Uint8Array, index: number): FileSource {
  return {
    offer: { name: `f${index}`, sizeBytes: bytes.length, mode: undefined, modifiedMs: undefined },
    async *read() {
      for (let at = 0; at < bytes.length; at += 7000) yield bytes.subarray(at, at + 7000);
    },
  };
}

function digest(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function say(stream: MessageStream, ...records: Uint8Array[]): Promise<void> {
  const all = Buffer.concat(records);
  for (let at = 0; at < all.length; at += 1024) await stream.send(all.subarray(at, at + 1024));
}

class ByteCollector {
  #held: Buffer = Buffer.alloc(0);
  readonly #stream: MessageStream;

  constructor(stream: MessageStream) {
    this.#stream = stream;
  }

  async read(length: number): Promise<Uint8Array> {
    while (this.#held.length < length) {
      const message = await this.#stream.receive();
      assert.ok(message, "the stream ended early");
      this.#held = Buffer.concat([this.#held, message]);
    }
    const taken = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length);
    return new Uint8Array(taken);
  }
}

/** A folder in memory. */
class MemoryStore {
  readonly files: Record<string, Uint8Array> = {};
  openCount = 0;
  mostWrittenBytes = 0;
  /** The first file fails once so many bytes are written. */
  failAfterBytes = Number.POSITIVE_INFINITY;
  onWrite: (writtenBytes: number) => void = () => undefined;

  readonly take = async (offer: Offer): Promise<PartialFile> => {
    const parts: Uint8Array[] = [];
    let writtenBytes = 0;
    let isOpen = true;
    this.openCount++;
    const close = () => {
      if (isOpen) this.openCount--;
      isOpen = false;
    };
    return {
      write: async (bytes) => {
        this.onWrite(writtenBytes);
        if (writtenBytes + bytes.length > this.failAfterBytes) {
          throw new FileRefusal(RefuseReason.NO_SPACE, "no space", { cause: new Error("ENOSPC") });
        }
        // As a disk would: the bytes are only lent, and writing takes a while.
        await new Promise((resolve) => setImmediate(resolve));
        parts.push(bytes.slice());
        writtenBytes += bytes.length;
        this.mostWrittenBytes = Math.max(this.mostWrittenBytes, writtenBytes);
      },
      commit: async () => {
        close();
        this.files[offer.name] = new Uint8Array(Buffer.concat(parts));
        return offer.name;
      },
      discard: async () => close(),
    };
  };
}
