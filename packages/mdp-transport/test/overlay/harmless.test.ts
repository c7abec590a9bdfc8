import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom, mutateBytes } from "@meshstream/netem";
import { wholeAddress } from "../../src/overlay/address.ts";
import { FrameFlag, type FrameToWrite } from "../../src/overlay/frame.ts";
import { createSodiumSeal } from "../../src/overlay/sodium-seal.ts";
import { DatagramGuard } from "./datagram-guard.ts";
import { inbox, testIdentity, testPair } from "./rig.ts";
import { scriptedMesh, strangeSid } from "./scripted-mesh.ts";
import { fromHex, readVectors, VECTOR_NAMES } from "./vectors.ts";

const SEED = 20261122;

describe("what no node of a simulated mesh may send", () => {
  it("is told from what deployed nodes send themselves", () => {
    const guard = new DatagramGuard();
    const harms = VECTOR_NAMES.flatMap((name) => readVectors(name).packets).map(({ datagram }) =>
      guard.harmIn(fromHex(datagram)),
    );
    const told = new Set(harms.filter((harm) => harm !== undefined));
    // "The previous address", which ours never write.
    assert.deepEqual([...told], ["an address that names nobody"]);
  });

  it("is told by name, each thing of its kind", () => {
    const guard = new DatagramGuard();
    const whole = `20${"ab".repeat(32)}`;
    const length = (count: number) => count.toString(16).padStart(4, "0");
    for (const [harm, hex] of [
      [undefined, `0001${whole}01`],
      ["address-empty", "00010001"],
      ["a transmitter that names nobody", "0001fc01"],
      ["address-empty", `0001${whole}0105000003aabbcc`],
      ["an address that names nobody", `0001${whole}0105fe0003aabbcc`],
      ["frame-payload-truncated", `0001${whole}010701ab0004aabbcc`],
      ["frame-truncated", `0001${whole}0107`],
      [undefined, `0001${whole}0187600003020102`],
      ["in an explanation: address-truncated", `0001${whole}01876000020201`],
      ["in an explanation: address-empty", `0001${whole}0187600002${"0000"}`],
      ["in an explanation: address-form", `0001${whole}0187600001ff`],
      ["an explanation by a transmitter that is abbreviated", "000102abcd0187600003020102"],
      ["a frame of type 80", `0001${whole}018750000101`],
      ["a message without a payload", `0001${whole}0107000117`],
      ["ports-truncated", `0001${whole}01070000`],
      ["a message of its own in clear", `0001${whole}010700021701`],
      ["a message without a payload", `0001${whole}0107000105`],
      ["record-length", `0001${whole}0107000205${"01"}`],
      ["record-truncated", `0001${whole}0107000405${"090000"}`],
      ["address-empty", `0001${whole}0107000505${"04020001"}`],
      ["a record about nobody", `0001${whole}0107000505${"0402fe01"}`],
      ["link state for others than neighbours", `0001${whole}0103${"00".repeat(8)}7f000205${"01"}`],
      ["a frame at the end of its time to live", `0001${whole}0103${"00".repeat(8)}60000205${"01"}`],
      ["a ciphered message that is not signed", `0001${whole}011501ab${length(60)}${"00".repeat(60)}`],
      ["a ciphered broadcast", `0001${whole}0137${length(60)}${"00".repeat(60)}`],
      ["a sealed message without a payload", `0001${whole}013501ab${length(41)}${"00".repeat(41)}`],
      [undefined, `0001${whole}013501ab${length(42)}${"00".repeat(42)}`],
      ["a packet of 1201 bytes", "00".repeat(1201)],
    ] as const) {
      assert.equal(guard.harmIn(fromHex(hex)), harm, hex);
    }
  });

  it("is looked for in what is sealed, too: a message of ports and nothing else", async () => {
    const [from, to] = [await testIdentity(1), await testIdentity(2)];
    const provider = await createSodiumSeal();
    const identities = new Map([from, to].map((identity) => [identity.sid.hex, identity]));
    const guard = new DatagramGuard(identities, provider);
    const key = provider.agree(from.boxSecret, to.sid.bytes)!;
    for (const [plain, harm] of [
      ["8008810277", undefined],
      ["80088102", "a message without a payload"],
      ["8008", "ports-truncated"],
    ] as const) {
      const head = fromHex(
        `000120${from.sid.hex}013520${to.sid.hex}00${(40 + plain.length / 2).toString(16)}`,
      );
      const packet = Uint8Array.of(...head, ...new Uint8Array(40), ...fromHex(plain));
      provider.seal(key, packet, head.length + 40, plain.length / 2);
      assert.equal(guard.harmIn(packet), harm, plain);
    }
    assert.equal(guard.openedCount, 3);
  });

  it("is looked for in every packet of every segment, and fails the test that sends it", async () => {
    const { clock, segment, a, b, close } = await testPair();
    clock.runUntil(500);
    inbox(b, { sid: b.identities[0]!, port: 512 });
    inbox(a, { sid: a.identities[0]!, port: 513 }).send({ sid: b.identities[0]!, port: 512 }, "looked at");
    assert.equal(segment.guard.openedCount, 1);
    assert.throws(
      () => segment.port("c").send(Uint8Array.of(0, 1, 0, 1), "a"),
      /c must not send to a: address-empty/,
    );
    await close();
  });

  it(`is not sent on, whatever a neighbour sends (seed ${SEED})`, async () => {
    const random = createRandom(SEED);
    const { clock, node, segment, neighbour } = await scriptedMesh();
    const [x, y] = [await neighbour("x", 71), await neighbour("y", 72)];
    const [behindX, behindY] = [strangeSid(1), strangeSid(2)];
    const us = node.identities[0]!;
    x.say(x.path(behindX, x.sid), x.path(strangeSid(3), us));
    y.say(y.path(behindY, y.sid));
    clock.runUntil(100);
    const sentCount = segment.sent.length;
    for (let i = 0; i < 4000; i++) {
      const flags = random.below(256) & ~(random.below(2) * FrameFlag.LEGACY_TYPE);
      const frame: FrameToWrite = {
        flags,
        source: wholeAddress((random.below(2) === 0 ? behindX : x.sid).bytes),
        destination: wholeAddress([behindY, y.sid, us][random.below(3)]!.bytes),
        nextHop: wholeAddress(us.bytes),
        broadcastId: Uint8Array.of(...new Uint8Array(4), ...new Uint8Array(Uint32Array.of(i).buffer)),
        ttl: random.below(32),
        queue: random.below(4),
        type: [0x60, 0x20, 0x50][random.below(3)]!,
        sequence: -1,
      };
      const payload = new Uint8Array(
        [random.below(6), random.below(70), random.below(1300)][random.below(3)]!,
      );
      random.fill(payload);
      if (random.below(2) === 0)
        payload.set([[5], [23], [4, 0x81, 0x02]][random.below(3)]!.slice(0, payload.length));
      x.send(frame, payload);
      if (i % 4 === 0) {
        const heard = segment.sent[random.below(segment.sent.length)]!;
        segment.link("x", "node").send(mutateBytes(heard.bytes, "corrupt", random));
      }
      if (i % 20 === 0) clock.runUntil(clock.now() + 20);
    }
    clock.runUntil(clock.now() + 2000);
    const counters: Readonly<Record<string, number>> = node.counters;
    for (const name of [
      "frames-relayed",
      "broadcasts-relayed",
      "relay-type",
      "not-one-hop",
      "message-empty",
      "over-mtu",
    ]) {
      assert.ok(counters[name]! > 10, `${name}: ${counters[name]}`);
    }
    assert.ok(segment.sent.length > sentCount + 300, `${segment.sent.length - sentCount} packets looked at`);
    await node.close();
  });
});
