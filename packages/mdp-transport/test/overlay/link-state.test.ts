import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BIND_PRIMARY } from "@meshstream/msp";
import { createRandom } from "@meshstream/netem";
import { abbreviatedAddress, wholeAddress } from "../../src/overlay/address.ts";
import { encodeEnvelope, parseEnvelope } from "../../src/overlay/envelope.ts";
import { encodeFrameHead, FrameFlag, parseFrame } from "../../src/overlay/frame.ts";
import { inbox, isReachable, testIdentity, testNode, testPair, testSegment } from "./rig.ts";
import { packetOf, recordsIn, scripted } from "./scripted.ts";

describe("neighbours come and go", () => {
  it("a neighbour that goes silent is gone after 2.5 s, and is back soon after it speaks again", async () => {
    const pair = await testPair({ link: { delayMs: 5 } });
    const { clock, segment, a, b } = pair;
    const sid = b.identities[0]!;
    clock.runUntil(10_000);
    assert.equal(isReachable(a, sid), true);
    segment.link("b", "a").configure({ up: false });
    clock.runUntil(10_000 + 1990);
    assert.ok(isReachable(a, sid), "not before its time");
    clock.runUntil(10_000 + 2520);
    assert.deepEqual(a.neighbours(), []);
    assert.equal(a.counters["neighbours-lost"], 1);
    clock.runUntil(20_000);
    segment.link("b", "a").configure({ up: true });
    assert.equal(
      clock.runWhile(() => !isReachable(a, sid) || !isReachable(b, a.identities[0]!), 5500),
      true,
    );
    await pair.close();
  });

  it("one that no longer hears us is not used, though we hear it", async () => {
    const pair = await testPair({ link: { delayMs: 5 } });
    const { clock, segment, a, b } = pair;
    clock.runUntil(5000);
    segment.link("a", "b").configure({ up: false });
    clock.runUntil(11_000);
    assert.equal(isReachable(a, b.identities[0]!), false);
    await pair.close();
  });

  it("for ten minutes at 20 % loss two neighbours hold on to each other nearly all of the time", async () => {
    const loss = { model: "bernoulli", p: 0.2 } as const;
    const pair = await testPair({ seed: 8, link: { delayMs: 5, loss } });
    const { clock, a, b } = pair;
    let reachable = 0;
    for (let i = 0; i < 6000; i++) {
      clock.runUntil(clock.now() + 100);
      if (isReachable(a, b.identities[0]!)) reachable++;
    }
    assert.ok(reachable > 5940, `${reachable} of 6000`);
    const drops = a.neighbours()[0]!.dropPercent!;
    assert.ok(drops >= 0 && drops <= 60, `${drops} %`);
    await pair.close();
  });

  for (let seed = 1; seed <= 20; seed++) {
    it(`a node that restarts on its address is heard within 200 ms (seed ${seed})`, async () => {
      const { clock, random, segment } = testSegment(seed, { delayMs: 5 });
      const make = async (number: number, local: string, peer: string) =>
        testNode({
          identities: [await testIdentity(number)],
          links: [{ transport: segment.port(local), peers: [peer], broadcast: false }],
          clock,
          entropy: random.fork(),
        });
      const a = await make(1, "a", "b");
      let b = await make(2, "b", "a");
      clock.runUntil(100);
      const atA = inbox(a, { sid: BIND_PRIMARY, port: 600 });
      const before = inbox(b, { sid: BIND_PRIMARY, port: 600 });
      for (let i = 0; i < 300; i++) {
        before.send(atA.address, "old");
        clock.runUntil(clock.now() + 1);
      }
      clock.runUntil(clock.now() + 10);
      assert.equal(atA.messages.length, 300);
      await b.close();
      b = await make(2, "b", "a");
      const atB = inbox(b, { sid: BIND_PRIMARY, port: 600 });
      const startMs = clock.now();
      atA.messages.length = 0;
      for (let i = 0; i < 40 && atA.messages.length + atB.messages.length < 80; i++) {
        atB.send(atA.address, "new");
        atA.send(atB.address, "new");
        clock.runUntil(startMs + 5 * (i + 1));
      }
      assert.ok(atA.messages.length >= 20, `${atA.messages.length} came from the restarted node`);
      assert.ok(atB.messages.length >= 20, `${atB.messages.length} came to the restarted node`);
      await a.close();
      await b.close();
    });
  }

  for (let seed = 1; seed <= 20; seed++) {
    it(`a node that comes back at another address is heard, and answered there, within 200 ms (seed ${seed})`, async () => {
      const { clock, random, segment } = testSegment(seed, { delayMs: 5 });
      const make = async (number: number, local: string, peers: string[]) =>
        testNode({
          identities: [await testIdentity(number)],
          links: [{ transport: segment.port(local), peers, broadcast: false }],
          clock,
          entropy: random.fork(),
        });
      const a = await make(1, "a", []);
      let b = await make(2, "b", ["a"]);
      clock.runUntil(100);
      const atA = inbox(a, { sid: BIND_PRIMARY, port: 600 });
      const before = inbox(b, { sid: BIND_PRIMARY, port: 600 });
      for (let i = 0; i < 100; i++) {
        before.send(atA.address, "old");
        atA.send(before.address, "old");
        clock.runUntil(clock.now() + 1);
      }
      await b.close();
      b = await make(2, "elsewhere", ["a"]);
      const atB = inbox(b, { sid: BIND_PRIMARY, port: 600 });
      const startMs = clock.now();
      for (let i = 0; i < 40; i++) {
        atB.send(atA.address, "new");
        atA.send(atB.address, "new");
        clock.runUntil(startMs + 5 * (i + 1));
      }
      const came = atA.messages.filter(({ text }) => text === "new").length;
      assert.ok(came >= 20, `${came} came from the node that moved`);
      assert.ok(atB.messages.length >= 20, `${atB.messages.length} came to the node that moved`);
      await a.close();
      await b.close();
    });
  }

  it("the same SID on two machines disturbs neither, and crashes nothing", async () => {
    const { clock, random, segment } = testSegment(2, { delayMs: 5 });
    const make = async (number: number, address: string) =>
      testNode({
        identities: [await testIdentity(number)],
        links: [{ transport: segment.port(address) }],
        clock,
        entropy: random.fork(),
      });
    const [one, twin, other] = [await make(1, "a"), await make(1, "a2"), await make(2, "b")];
    clock.runUntil(20_000);
    assert.equal(one.counters["own-packet"]! > 0 && twin.counters["own-packet"]! > 0, true);
    assert.equal(other.neighbours().filter(({ reachable }) => reachable).length, 2);
    const from = inbox(one, { sid: BIND_PRIMARY, port: 5000 });
    const to = inbox(other, { sid: BIND_PRIMARY, port: 600 });
    from.send(to.address, "hello");
    clock.runUntil(20_100);
    assert.equal(to.messages.length, 1);
    for (const node of [one, twin, other]) await node.close();
  });
});

describe("link state on the wire", () => {
  it("a neighbour is reachable only once its record says that it hears us, on our interface", async () => {
    const { clock, segment, node, x, hearsUs, speak } = await scripted();
    speak({});
    clock.runUntil(20);
    assert.deepEqual(
      node.neighbours().map(({ sid, address, reachable }) => [sid.hex, address, reachable]),
      [[x.hex, "x", false]],
    );
    const [record] = recordsIn(segment.sent[0]!);
    assert.equal(record?.flags, 0x09);
    assert.equal(record?.interfaceNumber, 3, "its own interface number comes back");
    speak({ records: [{ ...hearsUs, interfaceNumber: 1 }] });
    clock.runUntil(30);
    assert.ok(!isReachable(node, x), "it hears another link of ours");
    speak({ records: [{ ...hearsUs, transmitter: wholeAddress(x.bytes) }] });
    clock.runUntil(40);
    assert.ok(!isReachable(node, x), "it speaks of someone else");
    speak({ records: [hearsUs] });
    clock.runUntil(50);
    assert.equal(isReachable(node, x), true);
    await node.close();
  });

  it("what was heard at any fraction of a millisecond is let go in its time, in few steps (seed 12)", async () => {
    const { clock, node, speak } = await scripted();
    const random = createRandom(12);
    for (let i = 0; i < 300; i++) {
      clock.runUntil(clock.now() + 100 * random.next());
      speak({});
      clock.step();
      assert.equal(node.neighbours().length, 1);
      let steps = 0;
      while (node.neighbours().length > 0 && steps < 100) {
        clock.step();
        steps++;
      }
      assert.ok(steps < 100, `stuck at ${clock.now()}`);
    }
    await node.close();
  });

  it("a half-made neighbour gets records soon again and again, from elsewhere in the numbers after three", async () => {
    const { clock, segment, node, speak } = await scripted(["x"]);
    clock.runUntil(1);
    speak({});
    const before = segment.sent.length;
    clock.runUntil(640);
    const records = segment.sent.slice(before).filter((heard) => recordsIn(heard).length > 0);
    assert.deepEqual(
      records.map(({ atMs }) => Math.round(atMs)),
      [1, 21, 61, 141, 301, 621],
    );
    const numbers = records.map(({ bytes }) => {
      const envelope = parseEnvelope(bytes, 0, bytes.length);
      if (envelope.kind === "fault") return -1;
      const frame = parseFrame(bytes, envelope.framesOffset, bytes.length, 1, 1);
      return frame.kind === "fault" ? -1 : frame.sequence;
    });
    const steps = numbers.slice(1).map((number, i) => (number - numbers[i]! + 256) & 0xff);
    assert.deepEqual(steps, [1, 1, 129, 1, 1]);
    await node.close();
  });

  it("our SID is whole until the neighbour hears us, then short, and whole again when it no longer does", async () => {
    const { clock, segment, node, hearsUs, speak } = await scripted();
    const lastLength = () => {
      const { bytes } = segment.sent.at(-1)!;
      const envelope = parseEnvelope(bytes, 0, bytes.length);
      return envelope.kind === "fault" ? -1 : envelope.transmitter.length;
    };
    speak({});
    clock.runUntil(5);
    assert.equal(lastLength(), 32);
    speak({ records: [hearsUs] });
    clock.runUntil(1000);
    assert.equal(lastLength(), 8);
    for (let i = 0; i < 5; i++) {
      clock.runUntil(1000 + 500 * i);
      speak({});
    }
    clock.runUntil(3100);
    assert.equal(node.neighbours()[0]?.reachable, false);
    assert.equal(lastLength(), 32);
    await node.close();
  });

  it("our packets are numbered from then on, from 1, or 128 from what it still remembers", async () => {
    for (const [record, first] of [
      [{}, 1],
      [{ ackSequence: 250, ackMask: 0 }, (250 + 129) & 0xff],
    ] as const) {
      const { clock, segment, node, hearsUs, speak } = await scripted();
      speak({ records: [{ ...hearsUs, ...record }] });
      clock.runUntil(1000);
      const numbers = segment.sent.map(({ bytes }) => {
        const envelope = parseEnvelope(bytes, 0, bytes.length);
        return envelope.kind === "fault" ? -2 : envelope.sequence;
      });
      assert.deepEqual(numbers.slice(0, 3), [first, (first + 1) & 0xff, (first + 2) & 0xff]);
      await node.close();
    }
  });

  it("a frame with ACK_SOON is acknowledged within 20 ms, with the number of its packet and a mask", async () => {
    const { clock, segment, node, hearsUs, speak } = await scripted();
    speak({ records: [hearsUs] });
    clock.runUntil(100);
    for (const sequence of [7, 8, 10]) speak({ sequence });
    clock.runUntil(400);
    const before = segment.sent.length;
    speak({ sequence: 11, frameFlags: FrameFlag.ACK_SOON, records: [hearsUs] });
    clock.runUntil(420);
    const records = segment.sent.slice(before).flatMap(recordsIn);
    assert.deepEqual(
      records.map(({ ackSequence, ackMask }) => [ackSequence, ackMask]),
      [[11, 0b1101]],
    );
    clock.runUntil(450);
    const beforeGap = segment.sent.length;
    speak({ sequence: 13 });
    clock.runUntil(460);
    assert.equal(segment.sent.length, beforeGap + 1, "and from then on a gap is reported within 5 ms");
    await node.close();
  });

  it("a reachable neighbour gets path records, about itself too, with its loss; a silent one no longer counts", async () => {
    const { clock, segment, node, x, hearsUs, speak } = await scripted();
    speak({ records: [hearsUs] });
    clock.runUntil(520);
    const paths = segment.sent.flatMap((heard) => recordsIn(heard).filter(({ dropRate }) => dropRate >= 0));
    assert.deepEqual(
      paths.map(({ flags, dropRate }) => [flags, dropRate]),
      [
        [0x20, 0],
        [0x20, 0],
      ],
      "at once, and once more in case that is lost",
    );
    clock.runUntil(4000);
    assert.equal(isReachable(node, x), false);
    await node.close();
  });

  it("garbled and forged records move nothing and are counted (seed 5)", async () => {
    const { clock, node, x, hearsUs, speak, segment } = await scripted();
    speak({ records: [hearsUs] });
    clock.runUntil(10);
    // Another's word about x, or about us, is not x's word.
    const mallory = (await testIdentity(66)).sid;
    segment.port("m").onDatagram(() => {});
    segment.link("m", "n").send(
      packetOf(mallory.bytes, {
        records: [{ ...hearsUs, receiver: wholeAddress(x.bytes) }],
      }),
    );
    clock.runUntil(20);
    assert.equal(isReachable(node, mallory), false);
    const random = createRandom(5);
    const genuine = packetOf(x.bytes, { records: [hearsUs] });
    for (let i = 0; i < 3000; i++) {
      const garbled = genuine.slice();
      for (let at = 40; at < garbled.length; at++) if (random.below(4) === 0) garbled[at] = random.below(256);
      segment.link("x", "n").send(garbled);
    }
    clock.runUntil(1000);
    assert.equal(node.counters["record-length"]! + node.counters["record-truncated"]! > 100, true);
    assert.equal(node.neighbours().length <= 2, true);
    await node.close();
  });
});

describe("please explain", () => {
  it("an abbreviation that means nobody is asked about, by unicast and broadcast, and the answer is understood", async () => {
    const { clock, random, segment } = testSegment(1, { delayMs: 1 });
    const node = await testNode({
      identities: [await testIdentity(1)],
      links: [{ transport: segment.port("n") }],
      clock,
      entropy: random,
    });
    segment.port("x").onDatagram(() => {});
    clock.runUntil(50);
    const before = segment.sent.length;
    const x = (await testIdentity(77)).sid;
    const tick = new Uint8Array(20);
    const end = encodeEnvelope(tick, 0, {
      version: 0,
      encapsulation: 1,
      transmitter: abbreviatedAddress(x.bytes, 2),
      flags: 0,
      interfaceNumber: 0,
      sequence: -1,
    });
    for (let i = 0; i < 5; i++) segment.link("x", "n").send(tick.slice(0, end));
    clock.runUntil(60);
    const asked = segment.sent.slice(before);
    assert.deepEqual(
      asked.map(({ to }) => to),
      ["x", "*"],
      "once for the five of them",
    );
    assert.equal(node.counters["ask-limit"], 4);
    const envelope = parseEnvelope(asked[0]!.bytes, 0, asked[0]!.bytes.length);
    assert.ok(envelope.kind === "envelope" && envelope.transmitter.length === 32, "it says who asks");
    assert.equal(asked[0]!.bytes[envelope.kind === "envelope" ? envelope.framesOffset : 0], 0x87);
    segment.link("x", "n").send(packetOf(x.bytes, {}));
    segment.link("x", "n").send(tick.slice(0, end));
    clock.runUntil(70);
    assert.equal(node.neighbours()[0]?.sid.hex, x.hex);
    await node.close();
  });

  it("a question about us is answered with our whole SID, at most twice a second", async () => {
    const { clock, segment, node, x, speak } = await scripted();
    speak({});
    clock.runUntil(20);
    const question = new Uint8Array(100);
    let end = encodeEnvelope(question, 0, {
      version: 0,
      encapsulation: 1,
      transmitter: wholeAddress(x.bytes),
      flags: 1,
      interfaceNumber: 0,
      sequence: -1,
    });
    end = encodeFrameHead(question, end, { flags: 0x87, type: 0x60, sequence: -1 }, 1, 3);
    question.set([2, ...node.identities[0]!.bytes.subarray(0, 2)], end);
    for (let i = 0; i < 10; i++) segment.link("x", "n").send(question.slice(0, end + 3));
    const before = segment.sent.length;
    clock.runUntil(30);
    const answers = segment.sent.slice(before).filter(({ bytes }) => {
      const envelope = parseEnvelope(bytes, 0, bytes.length);
      return envelope.kind === "envelope" && bytes[envelope.framesOffset] === 0x85;
    });
    assert.equal(answers.length, 2);
    assert.equal(node.counters["explain-limit"], 8);
    await node.close();
  });

  it("a question about a neighbour is answered with its whole SID, never with more than three times the bytes", async () => {
    const { clock, random, segment } = testSegment(1, { delayMs: 1 });
    const make = async (number: number, address: string) =>
      testNode({
        identities: [await testIdentity(number)],
        links: [{ transport: segment.port(address) }],
        clock,
        entropy: random.fork(),
      });
    const [node, known] = [await make(1, "n"), await make(2, "k")];
    segment.port("x").onDatagram(() => {});
    clock.runUntil(100);
    const x = (await testIdentity(77)).sid;
    const about = known.identities[0]!.bytes;
    const question = new Uint8Array(100);
    let end = encodeEnvelope(question, 0, {
      version: 0,
      encapsulation: 1,
      transmitter: wholeAddress(x.bytes),
      flags: 1,
      interfaceNumber: 0,
      sequence: -1,
    });
    end = encodeFrameHead(question, end, { flags: 0x87, type: 0x60, sequence: -1 }, 1, 4);
    question.set([3, ...about.subarray(0, 3)], end);
    const before = segment.sent.length;
    segment.link("x", "n").send(question.slice(0, end + 4));
    clock.runUntil(110);
    const answers = segment.sent
      .slice(before)
      .filter(({ from, to, bytes }) => from === "n" && to === "x" && bytes.length > 80);
    assert.equal(answers.length, 1);
    assert.deepEqual(answers[0]!.bytes.slice(-32), about);
    assert.equal(answers[0]!.bytes.length <= 3 * (end + 4), true);
    await node.close();
    await known.close();
  });
});
