import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BIND_ALL, BIND_PRIMARY, Sid } from "@meshstream/msp";
import { wholeAddress } from "../../src/overlay/address.ts";
import { encodeEnvelope } from "../../src/overlay/envelope.ts";
import { encodeFrameHead, FrameFlag } from "../../src/overlay/frame.ts";
import { encodePorts } from "../../src/overlay/ports.ts";
import { SEAL_BYTES } from "../../src/overlay/seal.ts";
import { createSodiumSeal } from "../../src/overlay/sodium-seal.ts";
import { inbox, testIdentity, testNode, testPair, testSegment } from "./rig.ts";

async function metPair() {
  const pair = await testPair({ link: { delayMs: 5 } });
  pair.clock.runUntil(100);
  const from = inbox(pair.a, { sid: BIND_PRIMARY, port: 500 });
  const to = inbox(pair.b, { sid: BIND_PRIMARY, port: 600 });
  return { ...pair, from, to };
}

/** A packet in which `transmitter` claims to send `payload` to `destination`, in one hop. */
function forge(
  transmitter: Sid,
  source: Sid,
  destination: Sid,
  flags: number,
  write: (out: Uint8Array, offset: number) => number,
): Uint8Array {
  const out = new Uint8Array(2048);
  const payload = new Uint8Array(1500);
  const length = write(payload, 0);
  let end = encodeEnvelope(out, 0, {
    version: 0,
    encapsulation: 1,
    transmitter: wholeAddress(transmitter.bytes),
    flags: 1,
    interfaceNumber: 0,
    sequence: -1,
  });
  const frame = {
    flags: flags | FrameFlag.ONE_HOP,
    source: wholeAddress(source.bytes),
    destination: wholeAddress(destination.bytes),
    sequence: -1,
  };
  end = encodeFrameHead(out, end, frame, 1, length);
  out.set(payload.subarray(0, length), end);
  return out.slice(0, end + length);
}

/** A FIRST data packet of MSP, in clear, from port 500 to 600. */
function plainMsp(out: Uint8Array, offset: number): number {
  const end = encodePorts(out, offset, 500, 600);
  out.set([0x04, 0xff, 0xff, 0, 0, 0x41], end);
  return end + 6;
}

describe("messages between nodes", () => {
  it("plaintext and unsigned MSP reaches nobody and gets no answer; each is counted", async () => {
    const { clock, segment, a, b, to, close } = await metPair();
    const [sidA, sidB] = [a.identities[0]!, b.identities[0]!];
    segment.port("mallory").onDatagram(() => {});
    clock.runUntil(150);
    const plain = forge(sidA, sidA, sidB, 0, plainMsp);
    const signed = forge(sidA, sidA, sidB, FrameFlag.SIGNED, (out, offset) => plainMsp(out, offset) + 64);
    const ciphered = forge(sidA, sidA, sidB, FrameFlag.CIPHERED, (out, offset) => plainMsp(out, offset) + 40);
    for (const packet of [plain, signed, ciphered]) segment.link("a", "b").send(packet);
    const before = segment.sent.length;
    clock.runUntil(200);
    assert.equal(to.messages.length, 0);
    assert.equal(b.counters["not-ciphered"], 2);
    assert.equal(b.counters["not-signed"], 1);
    const sealed = segment.sent.slice(before).filter(({ bytes }) => bytes.length > 80);
    assert.deepEqual(sealed, [], "no answer but link state");
    await close();
  });

  it("a frame forged under another SID is dropped and counted, and that peer is heard still", async () => {
    const { clock, segment, a, b, from, to, close } = await metPair();
    const mallory = await testIdentity(66);
    const provider = await createSodiumSeal();
    segment.port("mallory").onDatagram(() => {});
    const [sidA, sidB] = [a.identities[0]!, b.identities[0]!];
    const forged = forge(mallory.sid, sidA, sidB, FrameFlag.CIPHERED | FrameFlag.SIGNED, (out, offset) => {
      const plain = offset + SEAL_BYTES;
      const end = plainMsp(out, plain);
      provider.seal(provider.agree(mallory.boxSecret, sidB.bytes)!, out, plain, end - plain);
      return end;
    });
    segment.link("mallory", "b").send(forged);
    clock.runUntil(150);
    assert.equal(to.messages.length, 0);
    assert.equal(b.counters["open-failed"], 1);
    // Under our own SID, too, and even with the right key: our own words do not come in from outside.
    const bob = await testIdentity(2);
    const own = forge(mallory.sid, sidB, sidB, FrameFlag.CIPHERED | FrameFlag.SIGNED, (out, offset) => {
      const plain = offset + SEAL_BYTES;
      const end = plainMsp(out, plain);
      provider.seal(provider.agree(bob.boxSecret, sidB.bytes)!, out, plain, end - plain);
      return end;
    });
    segment.link("mallory", "b").send(own);
    clock.runUntil(160);
    assert.equal(to.messages.length, 0);
    assert.equal(b.counters["own-source"], 1);
    from.send(to.address, "genuine");
    clock.runUntil(200);
    assert.deepEqual(
      to.messages.map(({ text, remote }) => [text, remote.hex]),
      [["genuine", sidA.hex]],
    );
    await close();
  });

  it("a peer that has proved itself stays the same object through a flood of strangers", async () => {
    const { clock, segment, b, close } = await metPair();
    segment.port("mallory").onDatagram(() => {});
    const friend = await testIdentity(33);
    const remotes: Sid[] = [];
    b.bind({ sid: BIND_PRIMARY, port: 601 }, (_local, remote) => remotes.push(remote));
    const provider = await createSodiumSeal();
    const mallory = await testIdentity(66);
    const sealed = forge(mallory.sid, friend.sid, b.identities[0]!, 0x30, (out, offset) => {
      const plain = offset + SEAL_BYTES;
      const end = encodePorts(out, plain, 500, 601) + 1;
      provider.seal(provider.agree(friend.boxSecret, b.identities[0]!.bytes)!, out, plain, end - plain);
      return end;
    });
    segment.link("mallory", "b").send(sealed);
    clock.runUntil(150);
    const { random } = testSegment(4);
    const stranger = new Uint8Array(32);
    for (let i = 0; i < 9000; i++) {
      random.fill(stranger);
      const packet = forge(
        mallory.sid,
        Sid.fromBytes(stranger),
        b.identities[0]!,
        0,
        (_, offset) => offset + 9,
      );
      segment.link("mallory", "b").send(packet);
      if (i % 500 === 0) clock.runUntil(clock.now() + 1);
    }
    segment.link("mallory", "b").send(sealed);
    clock.runUntil(clock.now() + 50);
    assert.equal(remotes.length, 2);
    assert.equal(remotes[0], remotes[1]);
    assert.equal(remotes[0]?.hex, friend.sid.hex);
    await close();
  });

  it("a sealed frame from a low-order SID is dropped before any key is agreed", async () => {
    const { clock, segment, b, to, close } = await metPair();
    segment.port("mallory").onDatagram(() => {});
    const lowOrder = Sid.fromHex(`01${"00".repeat(31)}`);
    const sealed = FrameFlag.CIPHERED | FrameFlag.SIGNED;
    segment
      .link("mallory", "b")
      .send(
        forge((await testIdentity(66)).sid, lowOrder, b.identities[0]!, sealed, (_, offset) => offset + 100),
      );
    clock.runUntil(150);
    assert.equal(to.messages.length, 0);
    assert.equal(b.counters["address-unusable"], 1);
    await close();
  });

  it("a message for an unbound port is dropped in silence, and counted", async () => {
    const { clock, b, from, close } = await metPair();
    assert.equal(from.send({ sid: b.identities[0]!, port: 601 }, "anyone?"), true);
    clock.runUntil(150);
    assert.equal(b.counters["no-binding"], 1);
    await close();
  });

  it("several frames in one packet are all delivered, also with the previous address", async () => {
    const { clock, segment, a, b, to, close } = await metPair();
    const alice = await testIdentity(1);
    const provider = await createSodiumSeal();
    const key = provider.agree(alice.boxSecret, b.identities[0]!.bytes)!;
    const out = new Uint8Array(1200);
    let end = encodeEnvelope(out, 0, {
      version: 1,
      encapsulation: 1,
      transmitter: wholeAddress(a.identities[0]!.bytes),
      flags: 1,
      interfaceNumber: 0,
      sequence: 77,
    });
    for (const i of [0, 1, 2]) {
      const previous = { form: 5 as const, bytes: new Uint8Array(0) };
      const frame = {
        flags: 0x35,
        destination: i === 0 ? wholeAddress(b.identities[0]!.bytes) : previous,
        sequence: 200 + i,
      };
      const payload = new Uint8Array(100);
      payload.set([9, i], 0);
      const messageAt = encodePorts(payload, SEAL_BYTES, 500, 600);
      payload[messageAt] = 0x61 + i;
      const length = messageAt + 1;
      provider.seal(key, payload, SEAL_BYTES, length - SEAL_BYTES);
      end = encodeFrameHead(out, end, frame, 1, length);
      out.set(payload.subarray(0, length), end);
      end += length;
    }
    segment.link("a", "b").send(out.slice(0, end));
    segment.link("a", "b").send(out.slice(0, end));
    clock.runUntil(150);
    assert.deepEqual(
      to.messages.map(({ text }) => text),
      ["a", "b", "c"],
    );
    assert.equal(b.counters["packet-duplicate"], 1);
    await close();
  });

  it("a frame that comes again and again in packets with other numbers is delivered once", async () => {
    const { clock, segment, b, from, to, close } = await metPair();
    segment.link("a", "b").configure({ up: false });
    from.send(to.address, "once");
    segment.link("a", "b").configure({ up: true });
    const packet = segment.sent.at(-1)!.bytes.slice();
    // The packet number: after version, encapsulation, an address of 9 bytes, flags. Then the flags of the frame.
    packet[13]! |= FrameFlag.ACK_SOON;
    for (let i = 1; i <= 3; i++) {
      packet[12]!++;
      segment.link("a", "b").send(packet.slice());
    }
    clock.runUntil(150);
    assert.equal(to.messages.length, 1);
    assert.equal(b.counters["frame-duplicate"], 2);
    await close();
  });

  it("a frame for someone else is not relayed, and counted", async () => {
    const { clock, segment, a, b, close } = await metPair();
    const stranger = (await testIdentity(9)).sid;
    const packet = forge(a.identities[0]!, a.identities[0]!, stranger, 0x30, (_, offset) => offset + 80);
    segment.link("a", "b").send(packet);
    clock.runUntil(150);
    assert.equal(b.counters.overheard, 1);
    const out = new Uint8Array(400);
    const payloadAt = encodeFrameHead(
      out,
      encodeEnvelope(out, 0, {
        version: 0,
        encapsulation: 1,
        transmitter: wholeAddress(a.identities[0]!.bytes),
        flags: 1,
        interfaceNumber: 0,
        sequence: -1,
      }),
      {
        flags: 0x31,
        destination: wholeAddress(stranger.bytes),
        nextHop: wholeAddress(b.identities[0]!.bytes),
        sequence: -1,
      },
      1,
      80,
    );
    segment.link("a", "b").send(out.slice(0, payloadAt + 80));
    clock.runUntil(200);
    assert.equal(b.counters["relay-no-route"], 1);
    await close();
  });

  it("a packet over the link's MTU is dropped and counted, never sent", async () => {
    const { clock, random, segment } = testSegment(1);
    const make = async (number: number, mtuBytes: number) =>
      testNode({
        identities: [await testIdentity(number)],
        links: [{ transport: segment.port(`n${number}`, { mtuBytes }) }],
        clock,
        entropy: random.fork(),
      });
    const [a, b] = [await make(1, 500), await make(2, 1200)];
    clock.runUntil(100);
    const from = inbox(a, { sid: BIND_PRIMARY, port: 500 });
    assert.equal(from.send({ sid: b.identities[0]!, port: 1 }, "x".repeat(1000)), false);
    assert.equal(a.counters["over-mtu"], 1);
    assert.equal(
      segment.sent.every(({ from: sender, bytes }) => sender !== "n1" || bytes.length <= 500),
      true,
    );
    await a.close();
    await b.close();
  });

  it("the longest MSP packet fits in 1200 bytes between neighbours, on the largest ports too", async () => {
    const { clock, segment, a, b, close } = await metPair();
    const from = inbox(a, { sid: BIND_PRIMARY, port: 0xffff_fffe });
    const to = inbox(b, { sid: BIND_PRIMARY, port: 0xffff_ffff });
    assert.equal(from.send(to.address, "y".repeat(1029)), true);
    clock.runUntil(150);
    assert.equal(to.messages[0]?.text.length, 1029);
    assert.equal(to.messages[0]?.port, 0xffff_fffe);
    assert.equal(
      segment.sent.every(({ bytes }) => bytes.length <= 1200),
      true,
    );
    await close();
  });
});

describe("identities and ports of one node", () => {
  it("a second identity is reached through the first, and answers under its own SID", async () => {
    const { clock, random, segment } = testSegment(5, { delayMs: 5 });
    const [one, two] = [await testIdentity(1), await testIdentity(11)];
    const a = await testNode({
      identities: [one, two],
      links: [{ transport: segment.port("a") }],
      clock,
      entropy: random.fork(),
    });
    const b = await testNode({
      identities: [await testIdentity(2)],
      links: [{ transport: segment.port("b") }],
      clock,
      entropy: random.fork(),
    });
    clock.runUntil(200);
    const atA = inbox(a, { sid: BIND_ALL, port: 500 });
    const atB = inbox(b, { sid: BIND_PRIMARY, port: 600 });
    assert.equal(atB.send({ sid: two.sid, port: 500 }, "z".repeat(1029)), true);
    clock.runUntil(250);
    assert.equal(atA.messages[0]?.local.hex, two.sid.hex);
    assert.equal(atA.send(atB.address, "y".repeat(1029), two.sid), true);
    clock.runUntil(300);
    assert.equal(atB.messages[0]?.remote.hex, two.sid.hex);
    await a.close();
    await b.close();
  });

  it("a message between two identities of one node stays in it, and is not delivered within the send", async () => {
    const { clock, random, segment } = testSegment(6);
    const [one, two] = [await testIdentity(1), await testIdentity(11)];
    const node = await testNode({
      identities: [one, two],
      links: [{ transport: segment.port("a"), broadcast: false }],
      clock,
      entropy: random,
    });
    const first = inbox(node, { sid: one.sid, port: 500 });
    const second = inbox(node, { sid: two.sid, port: 500 });
    first.send(second.address, "inside");
    assert.equal(second.messages.length, 0);
    clock.runUntil(1);
    assert.deepEqual(
      second.messages.map(({ remote, text }) => [remote.hex, text]),
      [[one.sid.hex, "inside"]],
    );
    assert.equal(segment.sent.length, 0);
    for (let i = 0; i < 512; i++) assert.equal(first.send(second.address, "x"), true);
    assert.equal(first.send(second.address, "one too many"), false);
    assert.equal(node.counters["local-full"], 1);
    await node.close();
    assert.equal(clock.pendingCount, 0);
  });

  it("echo on port 7 sends the payload back, but never answers port 7", async () => {
    const { clock, b, from, close } = await metPair();
    const echo = { sid: b.identities[0]!, port: 7 };
    from.send(echo, "ping");
    clock.runUntil(150);
    assert.deepEqual(
      from.messages.map(({ text, port }) => [text, port]),
      [["ping", 7]],
    );
    await close();
  });

  it("an automatic port is below 2^31 and above the services; a port in use is refused", async () => {
    const { a, close } = await metPair();
    const ports = new Set<number>();
    for (let i = 0; i < 200; i++) ports.add(inbox(a, { sid: BIND_ALL, port: 0 }).address.port);
    assert.equal(ports.size, 200);
    for (const port of ports) assert.equal(port >= 256 && port < 2 ** 31, true);
    assert.throws(() => inbox(a, { sid: BIND_PRIMARY, port: 7 }), { code: "port-in-use" });
    await close();
  });
});
