import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom } from "@meshstream/netem";
import { encodeFrame, encodeHello, type FrameFault, FrameReader } from "../../src/attach/frame.ts";
import { AttachLimit } from "../../src/attach/limits.ts";
import { RECORD_HEADER_BYTES } from "../../src/mdp2/record.ts";
import { joinBytes } from "./byte-streams.ts";

describe("the attach protocol's stream (docs/wire.md W12)", () => {
  it("gives the same records however its chunks fall", () => {
    const lengths = [0, 1, 500, AttachLimit.RECORD_BYTES - RECORD_HEADER_BYTES, 0, 3];
    const frames = lengths.map((length, i) => frame(length, i));
    const stream = joinBytes([encodeHello(), ...frames]);
    const whole = read([stream]);
    assert.equal(whole.hellos, 1);
    assert.deepEqual(
      whole.records,
      frames.map((bytes) => [...bytes.subarray(2)]),
    );
    for (let chunkBytes = 1; chunkBytes < 200; chunkBytes++) {
      assert.deepEqual(read(cut(stream, () => chunkBytes)), whole, `chunks of ${chunkBytes}`);
    }
    const random = createRandom(11);
    for (let round = 0; round < 200; round++) {
      assert.deepEqual(read(cut(stream, () => 1 + random.below(1400))), whole, `seed 11, round ${round}`);
    }
  });

  it("begins as W12.1 has it: the letters, then version 1", () => {
    assert.deepEqual([...encodeHello()], [...new TextEncoder().encode("mshattch"), 1, 0]);
  });

  it("stops at a hello of something else, and says so once", () => {
    const other = read([new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")]);
    assert.deepEqual(other.faults, [{ reason: "hello-magic" }]);
    const version = read([joinBytes([encodeHello(258), frame(3, 1)])]);
    assert.deepEqual(version.faults, [{ reason: "hello-version", version: 258 }]);
    assert.deepEqual(version.records, []);
  });

  it("stops at a record that is too short or too long, in every chunking, and delivers nothing after it", () => {
    for (const lengthBytes of [0, RECORD_HEADER_BYTES - 1, AttachLimit.RECORD_BYTES + 1, 0xffff]) {
      const bad = new Uint8Array(2 + lengthBytes);
      bad.set([lengthBytes & 0xff, lengthBytes >> 8]);
      const stream = joinBytes([encodeHello(), frame(4, 1), bad, frame(4, 2)]);
      for (const chunkBytes of [1, 2, 7, 1000, stream.length]) {
        const { records, faults } = read(cut(stream, () => chunkBytes));
        assert.equal(records.length, 1);
        assert.deepEqual(faults, [{ reason: "record-length", lengthBytes }]);
      }
    }
  });

  it("never throws, whatever comes", () => {
    const random = createRandom(3);
    for (let round = 0; round < 300; round++) {
      const noise = new Uint8Array(random.below(4000));
      random.fill(noise);
      const stream = round % 2 === 0 ? noise : joinBytes([encodeHello(), noise]);
      read(cut(stream, () => 1 + random.below(300)));
    }
  });

  it("delivers nothing more once it is stopped from within a delivery", () => {
    let records = 0;
    const reader = new FrameReader({
      handleHello: () => {},
      handleRecord: () => {
        records++;
        reader.stop();
      },
      handleFault: () => assert.fail("no fault"),
    });
    reader.push(joinBytes([encodeHello(), frame(1, 1), frame(1, 2)]));
    reader.push(frame(1, 3));
    assert.equal(records, 1);
  });

  it("refuses to write a record beyond the limit", () => {
    assert.throws(() => frame(AttachLimit.RECORD_BYTES - RECORD_HEADER_BYTES + 1, 1), RangeError);
  });
});

function frame(payloadBytes: number, fill: number): Uint8Array {
  const end = { sid: new Uint8Array(32).fill(fill), port: fill };
  return encodeFrame({ local: end, remote: end, flags: 0 }, new Uint8Array(payloadBytes).fill(fill));
}

function cut(stream: Uint8Array, chunkBytes: () => number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < stream.length; ) {
    const chunk = stream.slice(at, at + chunkBytes());
    at += chunk.length;
    chunks.push(chunk);
  }
  return chunks;
}

function read(chunks: readonly Uint8Array[]): { hellos: number; records: number[][]; faults: FrameFault[] } {
  const seen = { hellos: 0, records: [] as number[][], faults: [] as FrameFault[] };
  const reader = new FrameReader({
    handleHello: () => seen.hellos++,
    handleRecord: (record) => seen.records.push([...record]),
    handleFault: (fault) => seen.faults.push(fault),
  });
  for (const chunk of chunks) {
    const lent = chunk.slice();
    reader.push(lent);
    lent.fill(0xdd);
  }
  return seen;
}
