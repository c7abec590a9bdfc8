import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom, mutateBytes } from "@meshstream/netem";
import { createIdentity } from "../../src/index.ts";
import { parseAddress } from "../../src/overlay/address.ts";
import { parseEnvelope } from "../../src/overlay/envelope.ts";
import { parseExplained } from "../../src/overlay/explain.ts";
import { parseFrame } from "../../src/overlay/frame.ts";
import { parseLinkRecord } from "../../src/overlay/link-state.ts";
import { encodePorts, parsePorts, portsBytes } from "../../src/overlay/ports.ts";
import { testIdentity, testNode, testSegment } from "./rig.ts";
import { fromHex, readVectors, VECTOR_NAMES } from "./vectors.ts";

const DATAGRAMS = VECTOR_NAMES.flatMap((name) =>
  readVectors(name).packets.map(({ datagram }) => fromHex(datagram)),
);
const SEED = 20261122;
const MUTANTS_PER_DATAGRAM = 40;
const SLOW_MS = 5;

/** Every parser over all of a packet. Returns the reason of the first fault; undefined if there is none. */
function parseAll(bytes: Uint8Array): string | undefined {
  const end = bytes.length;
  const envelope = parseEnvelope(bytes, 0, end);
  if (envelope.kind === "fault") return envelope.reason;
  assert.equal(envelope.framesOffset <= end, true);
  for (let at = envelope.framesOffset; at < end; ) {
    const frame = parseFrame(bytes, at, end, envelope.version, envelope.encapsulation);
    if (frame.kind === "fault") return frame.reason;
    assert.ok(frame.end > at && frame.end <= end, "a frame lies within its packet");
    at = frame.end;
    const ports = parsePorts(bytes, frame.payloadOffset, frame.end);
    walk(bytes, frame.payloadOffset, frame.end, parseExplained);
    if (ports.kind === "fault") continue;
    assert.ok(ports.end <= frame.end, "ports lie within their frame");
    walk(bytes, ports.end, frame.end, parseLinkRecord);
  }
  return undefined;
}

/** Wall time of one parse. One that seems slow is measured again: the machine may have paused in it. */
function parseMs(bytes: Uint8Array): number {
  let leastMs = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 5 && leastMs >= SLOW_MS; tries++) {
    const startMs = performance.now();
    parseAll(bytes);
    leastMs = Math.min(leastMs, performance.now() - startMs);
  }
  return leastMs;
}

function walk(
  bytes: Uint8Array,
  offset: number,
  end: number,
  parse: (
    bytes: Uint8Array,
    offset: number,
    end: number,
  ) => { kind: "fault" } | { kind: string; end: number },
): void {
  for (let at = offset; at < end; ) {
    const parsed = parse(bytes, at, end);
    if (!("end" in parsed)) return;
    assert.ok(parsed.end > at && parsed.end <= end, "each step moves on, within its bounds");
    at = parsed.end;
  }
}

describe("bad input to the parsers", () => {
  it("every truncation of every recorded packet is a fault or a shorter packet, never a throw", () => {
    let faultCount = 0;
    for (const datagram of DATAGRAMS) {
      for (let length = 0; length < datagram.length; length++) {
        if (parseAll(datagram.slice(0, length)) !== undefined) faultCount++;
      }
    }
    assert.ok(faultCount > 1000, `${faultCount} faults`);
  });

  it(`mutated packets never throw, in bounded time (seed ${SEED})`, () => {
    const random = createRandom(SEED);
    let slowestMs = 0;
    for (const datagram of DATAGRAMS) {
      for (let i = 0; i < MUTANTS_PER_DATAGRAM; i++) {
        const mutant = mutateBytes(datagram, random.below(4) === 0 ? "truncate" : "corrupt", random);
        slowestMs = Math.max(slowestMs, parseMs(mutant));
      }
    }
    assert.ok(slowestMs < SLOW_MS, `${slowestMs} ms`);
  });

  it("each fault says its reason", () => {
    const parseHex = (hex: string) => parseAll(fromHex(hex));
    assert.equal(parseHex(""), "envelope-truncated");
    assert.equal(parseHex("0201010100"), "envelope-version");
    assert.equal(parseHex("0003010100"), "envelope-encapsulation");
    assert.equal(parseHex("0001000000"), "address-empty");
    assert.equal(parseHex("0001210000"), "address-form");
    assert.equal(parseHex("00011f0000"), "address-truncated");
    assert.equal(parseHex("0001010104"), "envelope-truncated");
    assert.equal(parseHex("000101010007"), "frame-truncated");
    assert.equal(parseHex("00010101000700"), "frame-truncated");
    assert.equal(parseHex("0001010100070001"), "frame-payload-truncated");
    const address = parseAddress(fromHex("01"), 0, 1);
    assert.deepEqual(address, { kind: "fault", reason: "address-truncated" });
  });

  it("port headers: every length round trips, and numbers beyond 32 bits are faults", () => {
    const ports = [1, 63, 64, 127, 128, 512, 8191, 8192, 65_535, 2 ** 20, 2 ** 31, 2 ** 32 - 1];
    const bytes = new Uint8Array(16);
    for (const source of ports) {
      for (const destination of ports) {
        const end = encodePorts(bytes, 2, source, destination);
        assert.equal(end - 2, portsBytes(source, destination));
        assert.deepEqual(parsePorts(bytes, 2, end), { kind: "ports", source, destination, end });
        assert.equal(parsePorts(bytes, 2, end - 1).kind, "fault");
      }
    }
    assert.deepEqual(parsePorts(fromHex("ffffffff7f"), 0, 5), { kind: "fault", reason: "ports-range" });
    assert.deepEqual(parsePorts(fromHex("ffffffffffff"), 0, 6), { kind: "fault", reason: "ports-range" });
    assert.deepEqual(parsePorts(fromHex("02ffffffff7f"), 0, 6), { kind: "fault", reason: "ports-range" });
    assert.deepEqual(parsePorts(fromHex("80"), 0, 1), { kind: "fault", reason: "ports-truncated" });
  });

  it("link-state records: a record shorter or longer than its fields is a fault or skips what is unknown", () => {
    const parse = (hex: string) => parseLinkRecord(fromHex(hex), 0, hex.length / 2);
    assert.deepEqual(parse("00"), { kind: "fault", reason: "record-length" });
    assert.deepEqual(parse("0c19ff0101570003"), { kind: "fault", reason: "record-truncated" });
    assert.deepEqual(parse("0819ff0101570003"), { kind: "fault", reason: "record-length" });
    const longer = parse("0909ff01015700aabb");
    assert.ok(
      longer.kind === "record" && longer.end === 9 && longer.interfaceNumber === 0,
      "unknown trailing bytes are skipped",
    );
  });
});

describe("bad input to a node", () => {
  it(`garbage, truncated and mutated packets neither throw nor grow anything past its limit (seed ${SEED})`, async () => {
    const { clock, random, segment } = testSegment(SEED);
    // B of the recordings, so that some of it is for this node.
    const seed = fromHex(readVectors("two-nodes").identities[1]!.signSeed);
    const node = await testNode({
      identities: [await createIdentity(seed)],
      links: [{ transport: segment.port("b") }],
      clock,
      entropy: random,
    });
    segment.port("mallory").onDatagram(() => {});
    const link = segment.link("mallory", "b");
    for (const datagram of DATAGRAMS) {
      link.send(datagram);
      link.send(datagram.slice(0, random.below(datagram.length)));
      for (let i = 0; i < 8; i++) link.send(mutateBytes(datagram, "corrupt", random));
      const garbage = new Uint8Array(random.below(1300));
      random.fill(garbage);
      link.send(garbage);
      clock.runUntil(clock.now() + 5);
    }
    link.send(new Uint8Array(20_000));
    clock.runUntil(clock.now() + 10_000);
    assert.equal(node.counters["packets-received"], DATAGRAMS.length * 11 + 1);
    assert.equal(node.counters["datagram-oversize"], 1);
    assert.deepEqual(node.neighbours(), [], "all of it is forgotten in the end");
    await node.close();
    assert.equal(clock.pendingCount, 0, "a closed node leaves no timer");
  });

  it(`strangers by the thousand take no more than their share, and no place of a real neighbour (seed ${SEED})`, async () => {
    const { clock, random, segment } = testSegment(SEED);
    const [a, b] = [await testIdentity(1), await testIdentity(2)];
    const nodeA = await testNode({
      identities: [a],
      links: [{ transport: segment.port("a") }],
      clock,
      entropy: random,
    });
    const nodeB = await testNode({
      identities: [b],
      links: [{ transport: segment.port("b") }],
      clock,
      entropy: random,
    });
    clock.runUntil(200);
    const bytesBefore = segment.sent.filter(({ from }) => from === "b").length;
    for (let i = 0; i < 6000; i++) {
      const tick = new Uint8Array(36);
      random.fill(tick);
      tick.set([0, 1, 0x20]);
      tick[35] = 1;
      segment.link(`stranger-${i % 3}`, "b").send(tick);
      if (i % 10 === 0) clock.runUntil(clock.now() + 1);
    }
    const toStrangers = segment.sent
      .slice(bytesBefore)
      .filter(({ from, to }) => from === "b" && to.startsWith("stranger"))
      .reduce((sum, { bytes }) => sum + bytes.length, 0);
    assert.ok(toStrangers <= 3 * 6000 * 36, `${toStrangers} bytes for ${6000 * 36}`);
    const rows = nodeB.neighbours();
    assert.ok(rows.length <= 256, `${rows.length} relations`);
    assert.equal(
      rows.some(({ sid, reachable }) => reachable && sid.hex === a.sid.hex),
      true,
    );
    clock.runUntil(clock.now() + 5000);
    assert.equal(nodeB.neighbours().length, 1);
    await nodeA.close();
    await nodeB.close();
  });
});
