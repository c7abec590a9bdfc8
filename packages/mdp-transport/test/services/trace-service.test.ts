import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Sid } from "@meshstream/msp";
import { createRandom, VirtualClock } from "@meshstream/netem";
import { serveTrace } from "../../src/overlay/services/trace.ts";
import { encodeTraceList, parseTraceList, TRACE_NODES } from "../../src/overlay/services/trace-list.ts";
import { fromHex, readVectors, toHex } from "../overlay/vectors.ts";
import { onePort } from "./one-port.ts";

const [A, B, C, D] = [1, 2, 3, 4].map((number) => Sid.fromBytes(new Uint8Array(32).fill(number))) as [
  Sid,
  Sid,
  Sid,
  Sid,
];

/** The trace service of a node, which reaches each SID named by the neighbour given. */
async function traceService(identities: readonly Sid[], hops: Readonly<Record<string, Sid>>) {
  const port = await onePort(...identities);
  const counters = {
    "traces-passed": 0,
    "trace-malformed": 0,
    "trace-full": 0,
    "service-limit": 0,
    "no-route": 0,
  };
  const clock = new VirtualClock();
  const nextHop = (sid: Sid) => hops[sid.hex];
  serveTrace({ transport: port.transport, clock, counters, nextHop, sendFrom: port.sendFrom });
  const pass = (from: Sid, ...sids: readonly [Sid, Sid, ...Sid[]]) => {
    const [origin, target, ...passed] = sids;
    return port.receive(from, 300, encodeTraceList({ origin, target, passed })).map((sent) => {
      const list = parseTraceList(sent.bytes, 0, sent.bytes.length)!;
      return {
        from: sent.local,
        port: sent.port,
        to: sent.to,
        list: [list.origin, list.target, ...list.passed],
      };
    });
  };
  return { ...port, clock, counters, pass };
}

describe("trace service", () => {
  it("passes on what deployed nodes recorded, byte for byte", async () => {
    const first = readVectors("three-nodes-at-A");
    const second = readVectors("three-nodes-at-C");
    const [a, b, c] = first.identities.map(({ sid }) => Sid.fromHex(sid)) as [Sid, Sid, Sid];
    const list = (file: typeof first, packet: number) => {
      const frame = file.packets[packet]!.decoded.frames.find((frame) => frame.destinationPort === 8)!;
      return fromHex(frame.plaintext as string);
    };
    const relay = await traceService([b], { [a.hex]: a, [c.hex]: c });
    const target = await traceService([c], { [a.hex]: b, [b.hex]: b });
    const there = relay.receive(a, 258, list(first, 110));
    assert.deepEqual(
      there.map(({ local, port, to }) => [local, port, to]),
      [[b, 258, { sid: c, port: 8 }]],
    );
    assert.equal(toHex(there[0]!.bytes), toHex(list(second, 101)));
    const turned = target.receive(b, 258, list(second, 101));
    assert.deepEqual(turned[0]!.to, { sid: b, port: 8 });
    assert.equal(toHex(turned[0]!.bytes), toHex(list(second, 102)));
    const back = relay.receive(c, 258, list(second, 102));
    assert.deepEqual(back[0]!.to, { sid: a, port: 8 });
    assert.equal(toHex(back[0]!.bytes), toHex(list(first, 111)));
  });

  it("begins with a list of its own node's program, and hands it the one that came back", async () => {
    const { pass, counters } = await traceService([A], { [C.hex]: B });
    assert.deepEqual(pass(A, A, C), [{ from: A, port: 300, to: { sid: B, port: 8 }, list: [A, C, A] }]);
    assert.deepEqual(pass(B, A, C, A, B, C, B), [
      { from: A, port: 8, to: { sid: A, port: 300 }, list: [A, C, A, B, C, B, A] },
    ]);
    assert.equal(counters["traces-passed"], 2);
  });

  it("turns round where there is no way to the target, at the origin too", async () => {
    const relay = await traceService([B], { [A.hex]: A });
    assert.deepEqual(relay.pass(A, A, C, A)[0]?.list, [A, C, A, B]);
    const origin = await traceService([A], {});
    assert.deepEqual(origin.pass(A, A, C), [
      { from: A, port: 8, to: { sid: A, port: 300 }, list: [A, C, A] },
    ]);
  });

  it("sends a list on towards the origin if it has passed here before, even where it now has a way to the target", async () => {
    const { pass } = await traceService([B], { [A.hex]: A, [D.hex]: C });
    assert.deepEqual(pass(C, A, D, A, B, C)[0], {
      from: B,
      port: 300,
      to: { sid: A, port: 8 },
      list: [A, D, A, B, C, B],
    });
  });

  it("is the target as any of its identities", async () => {
    const { pass } = await traceService([B, D], { [A.hex]: A, [D.hex]: C });
    assert.deepEqual(pass(A, A, D, A)[0]?.list, [A, D, A, D]);
    const own = await traceService([B, D], {});
    assert.deepEqual(own.pass(B, B, D), [{ from: B, port: 8, to: { sid: B, port: 300 }, list: [B, D, D] }]);
  });

  it("drops and counts a list that can go nowhere, is full, or asks for more than 100 a second", async () => {
    const { pass, counters, clock } = await traceService([B], { [C.hex]: C });
    assert.deepEqual(pass(A, A, D, A), []);
    assert.equal(counters["no-route"], 1);
    const full = Array.from({ length: TRACE_NODES }, () => A);
    assert.deepEqual(pass(A, A, C, ...full), []);
    assert.equal(counters["trace-full"], 1);
    assert.equal(pass(A, A, C, ...full.slice(1)).length, 1);
    for (let i = 0; i < 40; i++) pass(A, A, C, A);
    assert.equal(counters["service-limit"], 42 - 32);
    clock.runUntil(clock.now() + 10);
    assert.equal(pass(A, A, C, A).length, 1);
  });

  it("hands nothing over to a service, where it could come back from", async () => {
    const { receive, counters } = await traceService([A], { [B.hex]: B });
    const bytes = encodeTraceList({ origin: A, target: B, passed: [A, B] });
    for (const port of [0, 7, 8, 255]) assert.deepEqual(receive(B, port, bytes), []);
    assert.equal(counters["trace-malformed"], 4);
    assert.equal(receive(B, 256, bytes).length, 1);
  });

  it("drops what is no list, whatever it is, and never throws", async () => {
    const { receive, counters } = await traceService([A], { [B.hex]: B });
    const whole = encodeTraceList({ origin: B, target: A, passed: [B] });
    const cases = [
      new Uint8Array(1),
      whole.subarray(0, 33),
      whole.subarray(0, whole.length - 1),
      Uint8Array.of(0xfe, 0xfe),
      Uint8Array.of(...whole, 0xff),
      Uint8Array.of(...whole, 4, 1, 1, 1, 1),
      Uint8Array.of(...whole, 32, ...new Uint8Array(32)),
      Uint8Array.of(...whole, 32, ...new Uint8Array(32).fill(0xff)),
      Uint8Array.of(...whole, ...new Uint8Array(29).fill(0xfe)),
    ];
    for (const bytes of cases) assert.deepEqual(receive(B, 300, bytes), [], toHex(bytes));
    assert.equal(counters["trace-malformed"], cases.length);
    const random = createRandom(7);
    for (let i = 0; i < 2000; i++) {
      const bytes = new Uint8Array(1 + (i % 140));
      random.fill(bytes);
      for (let at = 0; at < bytes.length; at += 33) bytes[at] = i % 3 === 0 ? 32 : 0xfe;
      receive(B, 300, bytes);
    }
  });

  it("takes the previous address for the address before it, as a deployed node writes it", () => {
    const bytes = Uint8Array.of(32, ...A.bytes, 0xfe, 0xfe);
    const list = parseTraceList(bytes, 0, bytes.length)!;
    assert.deepEqual(
      [list.origin.hex, list.target.hex, list.passed.map(({ hex }) => hex)],
      [A.hex, A.hex, [A.hex]],
    );
  });
});
