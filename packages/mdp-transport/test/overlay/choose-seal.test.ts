import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom, VirtualClock } from "@meshstream/netem";
import { type Core, createCore } from "@meshstream/wasm-core";
import sodium from "libsodium-wrappers";
import { createOverlay } from "../../src/index.ts";
import { AddressBook } from "../../src/overlay/address-book.ts";
import { chooseSeal, firstThatPasses } from "../../src/overlay/choose-seal.ts";
import { Limit } from "../../src/overlay/limits.ts";
import type { SealProvider } from "../../src/overlay/seal.ts";
import { inbox, testIdentity, testPair } from "./rig.ts";

const POOL = { poolBytes: 1 << 20 };

/** What a provider may get wrong, done by changing what a right one does. */
function spoilt(right: SealProvider, wrong: Partial<SealProvider>): SealProvider {
  return {
    name: right.name,
    agree: (secret, sid) => right.agree(secret, sid),
    seal: (...call) => right.seal(...call),
    open: (...call) => right.open(...call),
    ...wrong,
  };
}

describe("what seals", () => {
  it("is the core where it runs as WebAssembly or nothing can, else libsodium; or what was asked for", async () => {
    const wasm = await createCore({ engine: "wasm", ...POOL });
    const ts = await createCore({ engine: "ts", ...POOL });
    const without: Core = Object.create(ts, {
      fallbackReason: { value: "no WebAssembly" },
      engine: { value: "ts" },
      bytes: { value: ts.bytes },
      receiveRegion: { value: ts.receiveRegion },
      createSealKey: { value: (bytes: Uint8Array) => ts.createSealKey(bytes) },
      seal: { value: (...call: Parameters<Core["seal"]>) => ts.seal(...call) },
      open: { value: (...call: Parameters<Core["open"]>) => ts.open(...call) },
    });
    assert.equal((await chooseSeal(wasm)).name, "wasm-core");
    assert.equal((await chooseSeal(ts)).name, "libsodium");
    assert.equal((await chooseSeal(without)).name, "wasm-core");
    for (const core of [wasm, ts]) {
      assert.equal((await chooseSeal(core, "libsodium")).name, "libsodium");
      assert.equal((await chooseSeal(core, "wasm-core")).name, "wasm-core");
    }
    await assert.rejects(chooseSeal(wasm, "none" as "auto"), { code: "argument", message: /none/ });
  });

  it("is tested first: who seals wrongly, opens forgeries or changes them is passed over, and none is an error", async () => {
    const core = await createCore({ engine: "wasm", ...POOL });
    const right = await chooseSeal(core, "wasm-core");
    const sodiumSeal = await chooseSeal(core, "libsodium");
    const wrongs: readonly Partial<SealProvider>[] = [
      { seal: (key, bytes, offset, length) => right.seal(key, bytes, offset, length - 1) },
      { seal: () => {} },
      { open: () => false },
      { open: () => true },
      { open: (key, bytes, offset, length) => right.open(key, bytes, offset, length) || true },
      {
        open: (key, bytes, offset, length) => {
          const opened = right.open(key, bytes, offset, length);
          bytes[offset + length - 1]! ^= 1;
          return opened;
        },
      },
      { agree: () => undefined },
    ];
    const before = core.bytes.slice(2048, 8192);
    for (const wrong of wrongs) {
      const bad = spoilt(right, wrong);
      assert.equal(firstThatPasses([bad, sodiumSeal], core), sodiumSeal);
      assert.throws(() => firstThatPasses([bad], core), { code: "transport-start", message: /wasm-core/ });
      assert.equal(firstThatPasses([spoilt(right, {}), sodiumSeal], core).name, "wasm-core");
    }
    assert.deepEqual(core.bytes.slice(2048, 8192), before, "and the core's memory is as it was");
  });

  it("seals in the memory of its core only", async () => {
    const core = await createCore({ engine: "wasm", ...POOL });
    const provider = await chooseSeal(core, "wasm-core");
    const [a, b] = [await testIdentity(1), await testIdentity(2)];
    const key = provider.agree(a.boxSecret, b.sid.bytes)!;
    assert.throws(() => provider.seal(key, new Uint8Array(2048), 340, 5), { code: "argument" });
    assert.throws(() => provider.open(key, new Uint8Array(2048), 300, 50), { code: "argument" });
  });

  it("is said by the node, which takes the one that it is told to", async () => {
    const make = async (sealing?: "libsodium" | "wasm-core") =>
      createOverlay({
        core: await createCore({ engine: "wasm", ...POOL }),
        clock: new VirtualClock(),
        entropy: createRandom(1),
        identities: [await testIdentity(1)],
        links: [],
        ...(sealing && { sealing }),
      });
    assert.equal((await make()).sealing, "wasm-core");
    assert.equal((await make("wasm-core")).sealing, "wasm-core");
    assert.equal((await make("libsodium")).sealing, "libsodium");
  });
});

describe("shared keys", () => {
  it("are gone from the core's memory when the node is closed (seed 1)", async () => {
    const pair = await testPair();
    const { a, b } = pair;
    pair.clock.runUntil(150);
    const from = inbox(a, { sid: a.identities[0]!, port: 100 });
    const to = inbox(b, { sid: b.identities[0]!, port: 200 });
    from.send({ sid: b.identities[0]!, port: 200 }, "hello");
    pair.clock.runUntil(200);
    assert.equal(to.messages.length, 1);
    const [one, other] = [await testIdentity(1), await testIdentity(2)];
    const shared = sodium.crypto_box_beforenm(other.sid.bytes, one.boxSecret);
    assert.equal(a.sealing, "wasm-core");
    for (const node of [a, b]) assert.ok(holds(node.core, shared), "it is there as long as it serves");
    await pair.close();
    for (const node of [a, b]) assert.equal(holds(node.core, shared), false);
  });

  it("are wiped with the entry that held them", async () => {
    const book = new AddressBook([(await testIdentity(1)).sid]);
    const wiped: number[] = [];
    const sidOf = (number: number) => {
      const sid = new Uint8Array(32).fill(3);
      new DataView(sid.buffer).setUint16(0, number, true);
      return sid;
    };
    for (let number = 0; number <= Limit.UNVERIFIED_SIDS; number++) {
      const entry = book.learn(sidOf(number), 0);
      assert.ok(typeof entry === "object");
      entry.keys[0] = { wipe: () => wiped.push(number) };
    }
    assert.deepEqual(wiped, [0], "the oldest, which went");
    book.wipeKeys();
    assert.equal(wiped.length, Limit.UNVERIFIED_SIDS + 1, "and every other");
  });
});

/** Whether the bytes stand anywhere in the core's memory. */
function holds(core: Core, wanted: Uint8Array): boolean {
  const { bytes } = core;
  for (let at = bytes.indexOf(wanted[0]!); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return true;
  }
  return false;
}
