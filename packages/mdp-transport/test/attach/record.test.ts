import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom } from "@meshstream/netem";
import {
  encodeRecord,
  HOST_LITTLE_ENDIAN,
  isAny,
  isBroadcast,
  parseRecord,
  RECORD_HEADER_BYTES,
  RecordFlag,
  type RecordHeader,
  SID_ANY,
  SID_BROADCAST,
} from "../../src/mdp2/record.ts";

describe("a record of the MDP client interface (docs/wire.md W10)", () => {
  const header: RecordHeader = {
    local: { sid: new Uint8Array(32).fill(0xa1), port: 0x01020304 },
    remote: { sid: new Uint8Array(32).fill(0xb2), port: 0xfffffffe },
    flags: 0,
    queue: 3,
    ttl: 31,
  };

  it("lies in bytes as W10 has it, in either byte order", () => {
    const payload = Uint8Array.of(9, 8, 7);
    const a1 = "a1".repeat(32);
    const b2 = "b2".repeat(32);
    assert.equal(hex(encodeRecord(header, payload, 0, true)), `${a1}04030201${b2}feffffff00031f090807`);
    assert.equal(hex(encodeRecord(header, payload, 0, false)), `${a1}01020304${b2}fffffffe00031f090807`);
  });

  it("is written in the machine's own order unless another is asked for", () => {
    assert.equal(
      hex(encodeRecord(header)),
      hex(encodeRecord(header, new Uint8Array(0), 0, HOST_LITTLE_ENDIAN)),
    );
  });

  it("comes back from its bytes as it was, for every flag and length", () => {
    const random = createRandom(7);
    for (let round = 0; round < 500; round++) {
      const sids = [new Uint8Array(32), new Uint8Array(32)] as const;
      const payload = new Uint8Array(random.below(1300));
      for (const bytes of [...sids, payload]) random.fill(bytes);
      const record: RecordHeader = {
        local: { sid: sids[0], port: random.uint32() },
        remote: { sid: sids[1], port: random.uint32() },
        flags: random.below(256) & ~RecordFlag.CLOSE,
        queue: random.below(256),
        ttl: random.below(256),
      };
      const littleEndian = round % 2 === 0;
      const { kind, ...parsed } = parseRecord(
        encodeRecord(record, payload, 0, littleEndian),
        littleEndian,
      ) as never as {
        kind: string;
      };
      assert.deepEqual(parsed, { ...record, payload }, "seed 7");
      assert.notEqual(kind, "fault");
    }
  });

  it("says by its flags what it is", () => {
    const kindOf = (flags: number) => parseRecord(encodeRecord({ ...header, flags })).kind;
    assert.equal(kindOf(0), "data");
    assert.equal(kindOf(RecordFlag.NOT_CIPHERED | RecordFlag.NOT_SIGNED), "data");
    assert.equal(kindOf(RecordFlag.BIND), "bind");
    assert.equal(kindOf(RecordFlag.BIND | RecordFlag.REUSE), "bind");
    assert.equal(kindOf(RecordFlag.CLOSE), "close");
    assert.equal(kindOf(RecordFlag.BIND | RecordFlag.ERROR), "error");
    assert.equal(kindOf(RecordFlag.CLOSE | RecordFlag.ERROR), "error");
    assert.equal(kindOf(0xc0), "data", "undefined flags");
  });

  it("is a fault with a reason if it is short or contradicts itself, and never throws", () => {
    for (let length = 0; length < RECORD_HEADER_BYTES; length++) {
      assert.deepEqual(parseRecord(new Uint8Array(length)), { kind: "fault", reason: "record-short" });
    }
    const both = encodeRecord({ ...header, flags: RecordFlag.BIND | RecordFlag.CLOSE });
    assert.deepEqual(parseRecord(both), { kind: "fault", reason: "record-contradiction" });
  });

  it("leaves room for a prefix, and is read where it lies in a larger buffer", () => {
    const bytes = encodeRecord(header, Uint8Array.of(5), 2, true);
    assert.deepEqual([...bytes.subarray(0, 2)], [0, 0]);
    assert.deepEqual(parseRecord(bytes.subarray(2), true), parseRecord(bytes.slice(2), true));
  });

  it("knows the SIDs any and broadcast from all others", () => {
    assert.ok(isAny(SID_ANY) && isBroadcast(SID_BROADCAST));
    assert.ok(!isAny(SID_BROADCAST) && !isBroadcast(SID_ANY));
    const almost = new Uint8Array(32);
    almost[31] = 1;
    assert.ok(!isAny(almost));
  });
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
