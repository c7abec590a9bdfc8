import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "@meshstream/netem";
import { DeployedPeer } from "../src/matrix/deployed-peer.ts";
import { Measure, writeMessage } from "../src/matrix/measure.ts";
import { PacketPool, type SimPacket } from "../src/matrix/packets.ts";

const ACK = 0x02;

/** A deployed peer alone, with all that it sends: when, and what. */
function setUp() {
  const clock = new VirtualClock();
  const pool = new PacketPool();
  const measure = new Measure();
  const sent: { atMs: number; bytes: Uint8Array }[] = [];
  const send = (packet: SimPacket) => {
    sent.push({ atMs: clock.now(), bytes: packet.bytes.slice(0, packet.length) });
  };
  const peer = new DeployedPeer({ clock, pool, send, localPort: 1, remotePort: 2, measure });
  peer.peer = { receive: () => undefined };
  const give = (bytes: Uint8Array) => {
    const packet = pool.take(peer, 2, 1);
    packet.bytes.set(bytes);
    packet.length = bytes.length;
    peer.receive(packet);
  };
  const message = (sequence: number) => {
    const bytes = new Uint8Array(105);
    bytes.set([ACK, 0xff, 0xff, sequence & 0xff, sequence >> 8]);
    writeMessage(bytes.subarray(5), sequence);
    give(bytes);
  };
  const ackFor = (sequence: number) => give(Uint8Array.of(ACK, sequence & 0xff, (sequence >> 8) & 0xff));
  for (let i = 0; i < 50; i++) measure.accepted(0);
  return { clock, peer, measure, sent, message, ackFor, give };
}

/** What its packets of three bytes acknowledge. */
function acks(sent: readonly { bytes: Uint8Array }[]): number[] {
  return sent.flatMap(({ bytes }) => (bytes.length === 3 ? [bytes[1]! | (bytes[2]! << 8)] : []));
}

function numbers(sent: readonly { bytes: Uint8Array }[]): number[] {
  return sent.flatMap(({ bytes }) => (bytes.length >= 5 ? [bytes[3]! | (bytes[4]! << 8)] : []));
}

test("four messages are in flight, and each is sent again every 1 500 ms, without backoff", () => {
  const { clock, peer, sent, ackFor } = setUp();
  peer.sendAll({ count: 20, bytes: 100 }, new Measure());
  assert.deepEqual(numbers(sent), [0, 1, 2, 3]);
  clock.runUntil(4600);
  assert.deepEqual(numbers(sent), [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
  assert.deepEqual(
    [...new Set(sent.filter(({ bytes }) => bytes.length > 5).map(({ atMs }) => atMs))],
    [0, 1500, 3000, 4500],
  );
  ackFor(1);
  clock.runUntil(4700);
  assert.deepEqual(numbers(sent).slice(16), [4, 5]);
});

test("a repeated acknowledgement makes no fast retransmission", () => {
  const { clock, peer, sent, ackFor } = setUp();
  peer.sendAll({ count: 20, bytes: 100 }, new Measure());
  for (let ms = 10; ms < 1000; ms += 10) {
    clock.runUntil(ms);
    ackFor(0xffff);
  }
  assert.deepEqual(numbers(sent), [0, 1, 2, 3]);
});

test("several arrivals in one tick make one acknowledgement, within 6 ms", () => {
  const { clock, sent, message } = setUp();
  clock.runUntil(0.2);
  for (let i = 0; i < 5; i++) message(i);
  clock.runUntil(20);
  assert.deepEqual(acks(sent), [4]);
  assert.ok(sent[0]!.atMs > 0.2 && sent[0]!.atMs <= 6.2, `${sent[0]!.atMs}`);
});

test("acknowledgements of several ticks leave together, at the daemon's beat", () => {
  const { clock, sent, message } = setUp();
  for (const [i, ms] of [0.1, 1.1, 2.1].entries()) {
    clock.runUntil(ms);
    message(i);
  }
  clock.runUntil(20);
  assert.deepEqual(acks(sent), [0, 1, 2]);
  assert.deepEqual(new Set(sent.map(({ atMs }) => atMs)).size, 1);
});

test("a duplicate and an older message make no acknowledgement", () => {
  const { clock, sent, message } = setUp();
  message(0);
  message(1);
  clock.runUntil(20);
  const before = sent.length;
  message(1);
  clock.runUntil(40);
  message(0);
  clock.runUntil(60);
  assert.equal(sent.length, before);
});

test("a message ahead is queued whatever the distance, repeats the acknowledgement, and is handed over in its turn", () => {
  const { clock, sent, message, measure } = setUp();
  message(0);
  clock.runUntil(20);
  message(2);
  clock.runUntil(40);
  message(30_000);
  clock.runUntil(60);
  assert.deepEqual(acks(sent), [0, 0, 0]);
  message(1);
  clock.runUntil(80);
  assert.deepEqual(acks(sent), [0, 0, 0, 2]);
  assert.deepEqual([measure.delivered, measure.wrong], [3, 0]);
});

test("a packet more than 32 767 behind looks like one ahead", () => {
  const { clock, sent, message } = setUp();
  message(0);
  clock.runUntil(20);
  message((1 - 32_769) & 0xffff);
  clock.runUntil(40);
  assert.deepEqual(acks(sent), [0, 0]);
});

test("an application that stops reading freezes the acknowledgement, and each new arrival repeats it", () => {
  const { clock, peer, sent, message } = setUp();
  message(0);
  clock.runUntil(20);
  peer.isReading = false;
  for (const [i, sequence] of [1, 2, 3].entries()) {
    message(sequence);
    clock.runUntil(40 + 20 * i);
  }
  assert.deepEqual(acks(sent), [0, 0, 0, 0]);
});

test("of 16 messages at once the socket drops five in silence; of 11 none", () => {
  for (const [count, dropped] of [
    [11, 0],
    [16, 5],
  ] as const) {
    const { clock, peer, message, measure } = setUp();
    for (let i = 0; i < count; i++) message(i);
    clock.runUntil(50);
    assert.equal(peer.handOverDrops, dropped);
    assert.equal(measure.delivered, 11);
  }
});

test("1 500 ms after its last packet it says something, which brings a lost acknowledgement back", () => {
  const { clock, sent, message } = setUp();
  message(0);
  clock.runUntil(5000);
  assert.deepEqual(acks(sent), [0, 0, 0, 0]);
  for (let i = 1; i < sent.length; i++) {
    const gapMs = sent[i]!.atMs - sent[i - 1]!.atMs;
    assert.ok(gapMs >= 1499 && gapMs <= 1507, `${gapMs}`);
  }
});

test("with nothing heard for 10 000 ms it has failed; word within that time keeps it", () => {
  const { clock, peer, message } = setUp();
  message(0);
  clock.runUntil(9000);
  message(1);
  clock.runUntil(18_900);
  assert.equal(peer.hasFailed, false);
  clock.runUntil(19_100);
  assert.equal(peer.hasFailed, true);
});

test("an empty message is consumed in silence; STOP ends the connection", () => {
  const { clock, peer, sent, give, measure } = setUp();
  give(Uint8Array.of(ACK, 0xff, 0xff, 0, 0));
  clock.runUntil(20);
  assert.deepEqual(acks(sent), [0]);
  assert.equal(measure.delivered, 0);
  give(Uint8Array.of(0x08));
  clock.runUntil(40);
  assert.equal(peer.hasFailed, true);
});
