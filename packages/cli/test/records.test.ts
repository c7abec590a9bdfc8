import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "../src/transfer/fault.ts";
import { MessageWriter } from "../src/transfer/message-writer.ts";
import { RecordReader } from "../src/transfer/record-reader.ts";
import {
  encodeAccept,
  encodeGreeting,
  encodeHeader,
  encodeOffer,
  encodeRefuse,
  parseAccept,
  parseGreeting,
  parseOffer,
  parseRefuse,
  record,
} from "../src/transfer/records.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));

test("the bytes of the greeting and of every record are those of docs/file-transfer.md", () => {
  assert.equal(hex(encodeGreeting()), "6d65736866696c65" + "0100");
  assert.equal(
    hex(encodeOffer({ name: "é.txt", sizeBytes: 0x0102030405, mode: 0o644, modifiedMs: -1 })),
    "01" +
      "1e000000" +
      "0504030201000000" +
      "ffffffffffffffff" +
      "a4010000" +
      "0300" +
      "0600" +
      "c3a92e747874",
  );
  assert.equal(hex(encodeAccept(258)), "02" + "08000000" + "0201000000000000");
  assert.equal(hex(encodeRefuse({ reason: 1, text: "no" })), "03" + "04000000" + "0100" + "6e6f");
  assert.equal(hex(encodeHeader(4, 65_536)), "04" + "00000100");
  assert.equal(hex(record(6, new Uint8Array(0))), "06" + "00000000");
});

test("what is encoded is decoded to the same", () => {
  const offers = [
    { name: "a", sizeBytes: 0, mode: undefined, modifiedMs: undefined },
    { name: "b".repeat(255), sizeBytes: 2 ** 53 - 1, mode: 0o777, modifiedMs: 1_700_000_000_123 },
    { name: "\ufeffc", sizeBytes: 1, mode: undefined, modifiedMs: -5 },
  ];
  for (const offer of offers) assert.deepEqual(parseOffer(encodeOffer(offer).subarray(5)), offer);
  assert.equal(parseAccept(encodeAccept(2 ** 52).subarray(5)), 2 ** 52);
  assert.deepEqual(parseRefuse(encodeRefuse({ reason: 65_535, text: "grün" }).subarray(5)), {
    reason: 65_535,
    text: "grün",
  });
  assert.equal(parseGreeting(encodeGreeting()), 1);
});

test("later fields after those that this version knows are passed over", () => {
  const offer = { name: "a", sizeBytes: 7, mode: undefined, modifiedMs: undefined };
  assert.deepEqual(parseOffer(Buffer.concat([encodeOffer(offer).subarray(5), bytes("ffff")])), offer);
  assert.equal(parseAccept(bytes("0900000000000000 aa")), 9);
});

test("payloads that mean nothing are faults, never exceptions", () => {
  const faults = [
    parseOffer(new Uint8Array(0)),
    parseOffer(new Uint8Array(23)),
    parseOffer(bytes(`${"00".repeat(22)} 0200 61`)),
    parseOffer(bytes(`${"00".repeat(22)} 0200 c328`)),
    parseAccept(new Uint8Array(7)),
    parseRefuse(new Uint8Array(1)),
    parseGreeting(new Uint8Array(10)),
    parseGreeting(bytes("6d65736866696c65 0000")),
  ];
  for (const fault of faults) assert.ok(fault instanceof Fault, JSON.stringify(fault));
});

test("messages are filled to 1024 bytes, whatever the sizes of the writes", async () => {
  const input = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 31) & 0xff);
  for (const step of [1, 5, 1023, 1024, 1025, 4096, 10_000]) {
    const messages: Uint8Array[] = [];
    const writer = new MessageWriter(async (message) => {
      messages.push(message.slice());
    });
    for (let at = 0; at < input.length; at += step) await writer.write(input.subarray(at, at + step));
    await writer.flush();
    await writer.flush();
    assert.deepEqual(
      messages.map((message) => message.length),
      [...Array<number>(9).fill(1024), 784],
      `writes of ${step}`,
    );
    assert.deepEqual(Buffer.concat(messages), Buffer.from(input));
  }
});

test("records are found across any message boundaries, unknown ones are skipped", async () => {
  const stream = Buffer.concat([
    record(1, bytes("0102")),
    record(200, new Uint8Array(3000)),
    record(6, new Uint8Array(0)),
    record(4, bytes("030405")),
  ]);
  for (const size of [1, 2, 3, 7, 1024]) {
    const reader = new RecordReader(messagesOf(stream, size));
    const seen: string[] = [];
    for (;;) {
      const header = await reader.next();
      if (header === undefined) break;
      assert.ok(!(header instanceof Fault));
      if (header.type === 200) continue;
      const payload = await reader.payload(100);
      assert.ok(!(payload instanceof Fault));
      seen.push(`${header.type}:${hex(payload)}`);
    }
    assert.deepEqual(seen, ["1:0102", "6:", "4:030405"], `messages of ${size}`);
  }
});

test("a stream that ends within a record, or a record beyond its limit, is a fault", async () => {
  for (const cut of [1, 4, 5, 6]) {
    const reader = new RecordReader(messagesOf(record(1, bytes("0102")).subarray(0, cut), 1024));
    const header = await reader.next();
    const end = header instanceof Fault ? header : await reader.payload(2);
    assert.ok(end instanceof Fault, `cut after ${cut}`);
  }
  const reader = new RecordReader(messagesOf(record(1, new Uint8Array(9)), 1024));
  await reader.next();
  assert.ok((await reader.payload(8)) instanceof Fault);
});

test("no message is asked for while bytes of the last one are with the caller", async () => {
  let asked = 0;
  const source = messagesOf(Buffer.concat([encodeHeader(4, 20), new Uint8Array(20)]), 10);
  const reader = new RecordReader(() => {
    asked++;
    return source();
  });
  await reader.next();
  assert.equal(asked, 1);
  const sizes: number[] = [];
  for (;;) {
    const chunk = await reader.chunk();
    if (chunk === undefined || chunk instanceof Fault) break;
    sizes.push(chunk.length);
    assert.equal(asked, sizes.length, "one message for each stretch, and not the next one yet");
  }
  assert.deepEqual(sizes, [5, 10, 5]);
});

function messagesOf(stream: Uint8Array, size: number): () => Promise<Uint8Array | undefined> {
  let at = 0;
  return async () => {
    if (at >= stream.length) return undefined;
    const message = stream.slice(at, at + size);
    at += size;
    return message;
  };
}
