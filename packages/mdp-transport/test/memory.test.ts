import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BIND_ALL, BIND_PRIMARY, MspError, type SealedBinding, Sid } from "@meshstream/msp";
import { createRandom, type LinkConfig, VirtualClock } from "@meshstream/netem";
import { createCore } from "@meshstream/wasm-core";
import { MemoryNetwork, type PacketFate } from "../src/memory/network.ts";
import type { MemoryTransport } from "../src/memory/transport.ts";

const hasCode = (code: string) => (error: unknown) => error instanceof MspError && error.code === code;
const newCore = () => createCore({ engine: "ts", poolBytes: 1 << 20 });

/** A port with the text of what came in, and when. */
interface Port {
  readonly node: MemoryTransport;
  readonly binding: SealedBinding;
  readonly received: string[];
  readonly atMs: number[];
}

function createNetwork(seed = 1, link: Partial<LinkConfig> = {}) {
  const clock = new VirtualClock();
  const network = new MemoryNetwork({ clock, random: createRandom(seed), link });
  const fates: [string, PacketFate][] = [];
  network.onPacket(({ bytes }, fate) => fates.push([new TextDecoder().decode(bytes), fate]));
  const open = (node: MemoryTransport, port: number, sid: Sid | typeof BIND_ALL = BIND_ALL): Port => {
    const received: string[] = [];
    const atMs: number[] = [];
    const binding = node.bind({ sid, port }, (_local, _remote, _port, offset, length) => {
      received.push(new TextDecoder().decode(node.core.bytes.slice(offset, offset + length)));
      atMs.push(clock.now());
    });
    return { node, binding, received, atMs };
  };
  const send = (from: Port, to: Port, text: string): boolean =>
    from.binding.send(from.binding.local.sid, to.binding.local, (core, offset) => {
      const bytes = new TextEncoder().encode(text);
      core.bytes.set(bytes, offset);
      return bytes.length;
    });
  return { clock, network, fates, open, send };
}

async function createTwo(seed = 1, link: Partial<LinkConfig> = {}) {
  const base = createNetwork(seed, link);
  const a = base.network.node(await newCore());
  const b = base.network.node(await newCore());
  return { ...base, a, b, atA: base.open(a, 10), atB: base.open(b, 20) };
}

describe("links of a MemoryNetwork", () => {
  it("each direction is a link of its own, whose settings change at run time", async () => {
    const { clock, network, a, b, atA, atB, send } = await createTwo(1, { delayMs: 10 });
    network.link(a, b).configure({ delayMs: 50 });
    network.link(b.identities[0]!, a).configure({ up: false });
    send(atA, atB, "slow");
    send(atB, atA, "cut off");
    clock.runUntil(100);
    assert.deepEqual(atB.atMs, [50]);
    assert.deepEqual(atA.received, []);
    assert.equal(network.counters.down, 1);
    assert.equal(network.link(b, a).stats.droppedDown, 1);
    network.configure({ up: true, delayMs: 5 });
    send(atA, atB, "1");
    send(atB, atA, "2");
    clock.runUntil(200);
    assert.deepEqual([...atB.atMs, ...atA.atMs], [50, 105, 105]);
  });

  it("configure reaches the links of nodes that come later", async () => {
    const { clock, network, atA, open, send } = await createTwo();
    network.configure({ delayMs: 70 });
    const atC = open(network.node(await newCore()), 30);
    send(atA, atC, "hello");
    clock.runUntil(100);
    assert.deepEqual(atC.atMs, [70]);
  });

  it("a packet weighs its MSP bytes and 71", async () => {
    const { clock, network, a, b, atA, atB, send } = await createTwo(1, { rateBitsPerSecond: 8000 });
    send(atA, atB, "x".repeat(29));
    clock.runUntil(1000);
    assert.deepEqual(atB.atMs, [100]);
    assert.equal(network.link(a, b).stats.deliveredBytes, 100);
  });

  it("never delivers a damaged packet: it counts as one that failed its MAC", async () => {
    for (const damage of [{ corrupt: 1 }, { truncate: 1 }]) {
      const { clock, network, atA, atB, fates, send } = await createTwo(1, damage);
      assert.equal(send(atA, atB, "hello"), true);
      clock.runUntil(100);
      assert.deepEqual(atB.received, []);
      assert.deepEqual(fates, [["hello", "damage"]]);
      assert.equal(network.counters.damage, 1);
    }
  });

  it("passes duplicates and what a full queue drops to the taps, and hides the queue from the sender", async () => {
    const { clock, network, atA, atB, fates, send } = await createTwo(1, {
      rateBitsPerSecond: 8000,
      queuePackets: 1,
      duplicate: 1,
    });
    assert.deepEqual(
      ["1", "2", "3"].map((text) => send(atA, atB, text)),
      [true, true, true],
    );
    clock.runUntil(1000);
    assert.deepEqual(atB.received, ["1", "1", "2", "2"]);
    assert.deepEqual(fates[0], ["3", "queue"]);
    assert.deepEqual([network.counters.delivered, network.counters.queue], [4, 1]);
  });

  it("refuses a bad configuration, and a link that there is not", async () => {
    const { network, a } = await createTwo();
    assert.throws(() => network.configure({ delayMs: -1 }), /^RangeError: delayMs: -1/);
    assert.throws(() => createNetwork(1, { jitterMs: -1 }), RangeError);
    assert.throws(() => network.link(a, a), hasCode("address"));
    assert.throws(() => network.link(a, Sid.fromBytes(new Uint8Array(32).fill(5))), hasCode("address"));
  });

  it("the same seed gives the same SIDs, ports and trace; another seed another one", async () => {
    const trace = async (seed: number) => {
      const link: Partial<LinkConfig> = { loss: { model: "bernoulli", p: 0.3 }, jitterMs: 9, duplicate: 0.2 };
      const { clock, a, b, atA, atB, fates, send } = await createTwo(seed, link);
      for (let i = 0; i < 50; i++) send(i % 3 === 0 ? atB : atA, i % 3 === 0 ? atA : atB, `${i}`);
      clock.runUntil(100);
      const { port } = a.bind({ sid: BIND_PRIMARY, port: 0 }, () => {}).local;
      return JSON.stringify([fates, atA.atMs, atB.atMs, port, a.identities, b.identities]);
    };
    assert.equal(await trace(7), await trace(7));
    assert.notEqual(await trace(7), await trace(8));
  });
});

describe("what happens to a packet in a MemoryNetwork", () => {
  it("counts what has no taker, by reason", async () => {
    const { clock, network, a, b, atA, atB, send, fates } = await createTwo();
    const nobody = { ...atB, binding: { ...atB.binding, local: { sid: b.identities[0]!, port: 99 } } };
    send(atA, nobody, "no port");
    const stranger = Sid.fromBytes(new Uint8Array(32).fill(5));
    const nowhere = { ...atB, binding: { ...atB.binding, local: { sid: stranger, port: 20 } } };
    assert.equal(send(atA, nowhere, "no route"), false);
    send(atA, atB, "too late");
    await b.close();
    clock.runUntil(10);
    assert.equal(send(atA, atB, "closed"), true);
    clock.runUntil(20);
    assert.deepEqual(fates, [
      ["no route", "no-route"],
      ["no port", "closed"],
      ["too late", "closed"],
      ["closed", "closed"],
    ]);
    send(
      atA,
      { ...nobody, binding: { ...nobody.binding, local: { sid: a.identities[0]!, port: 99 } } },
      "local",
    );
    clock.runUntil(30);
    assert.deepEqual(fates.at(-1), ["local", "no-port"]);
    assert.deepEqual(
      { ...network.counters },
      {
        delivered: 0,
        mtu: 0,
        down: 0,
        queue: 0,
        loss: 0,
        damage: 0,
        filter: 0,
        "no-route": 1,
        closed: 3,
        "no-port": 1,
      },
    );
  });

  it("the filter loses the packets that it chooses and may alter others; the sender's other packets are untouched", async () => {
    const { clock, network, atA, atB, fates, send } = await createTwo();
    let count = 0;
    network.filter(({ bytes, from, to }) => {
      assert.equal(from.port, 10);
      assert.equal(to.port, 20);
      count += 1;
      if (count === 2) return undefined;
      return count === 3 ? new TextEncoder().encode("altered") : bytes;
    });
    for (const text of ["1", "2", "3", "4"]) assert.equal(send(atA, atB, text), true);
    clock.runUntil(10);
    assert.deepEqual(atB.received, ["1", "altered", "4"]);
    assert.deepEqual(fates[0], ["2", "filter"]);
    network.filter();
    send(atA, atB, "5");
    clock.runUntil(20);
    assert.equal(atB.received.at(-1), "5");
    network.filter(() => new Uint8Array(1281));
    assert.throws(() => send(atA, atB, "6"), hasCode("argument"));
  });

  it("the filter sees packets between two ports of one node too", async () => {
    const { clock, network, a, atA, fates, open, send } = await createTwo();
    network.filter(() => undefined);
    send(atA, open(a, 11), "local");
    clock.runUntil(10);
    assert.deepEqual(fates, [["local", "filter"]]);
  });

  it("inject replays a packet as its sender had sealed it", async () => {
    const { clock, network, atA, atB, send } = await createTwo();
    let captured: Parameters<MemoryNetwork["inject"]> | undefined;
    network.onPacket(({ from, to, bytes }) => {
      captured ??= [from, to, bytes];
    });
    send(atA, atB, "once");
    clock.runUntil(10);
    const [from, to, bytes] = captured!;
    const copy = bytes.slice();
    network.inject(from, to, copy);
    copy.fill(0);
    clock.runUntil(20);
    assert.deepEqual(atB.received, ["once", "once"]);
    const stranger = { sid: Sid.fromBytes(new Uint8Array(32).fill(5)), port: 1 };
    assert.throws(() => network.inject(stranger, atB.binding.local, new Uint8Array(1)), hasCode("address"));
  });

  it("a tap that was taken off sees nothing more", async () => {
    const { clock, network, atA, atB, send } = await createTwo();
    let seen = 0;
    const stop = network.onPacket(() => {
      seen += 1;
    });
    send(atA, atB, "1");
    clock.runUntil(10);
    stop();
    send(atA, atB, "2");
    clock.runUntil(20);
    assert.equal(seen, 1);
  });

  it("spoils the lent bytes once the receiver has returned", async () => {
    const { clock, atA, b, send, open } = await createTwo();
    let lentAt = 0;
    b.bind({ sid: BIND_PRIMARY, port: 21 }, (_l, _r, _p, offset) => {
      lentAt = offset;
    });
    const target = { ...open(b, 22), binding: { local: { sid: b.identities[0]!, port: 21 } } };
    send(atA, target as unknown as Port, "ab");
    clock.runUntil(10);
    assert.deepEqual([...b.core.bytes.slice(lentAt, lentAt + 2)], [0xdd, 0xdd]);
  });
});

describe("nodes of a MemoryNetwork", () => {
  const sids = [1, 2, 3].map((n) => Sid.fromBytes(new Uint8Array(32).fill(n)));
  const [first, second, third] = sids as [Sid, Sid, Sid];

  it("a node may have several identities: a port bound for one is not the others', BIND_ALL is for all of them", async () => {
    const { clock, network, atA, open, send } = await createTwo();
    const node = network.node(await newCore(), first, second);
    const only = open(node, 50, second);
    const all = open(node, 60);
    const to = (sid: Sid, port: number) => ({ ...only, binding: { ...only.binding, local: { sid, port } } });
    for (const port of [50, 60]) {
      send(atA, to(first, port), "to the first");
      send(atA, to(second, port), "to the second");
    }
    clock.runUntil(10);
    assert.deepEqual(only.received, ["to the second"]);
    assert.deepEqual(all.received, ["to the first", "to the second"]);
    assert.throws(() => open(node, 50), hasCode("port-in-use"));
    open(node, 50, first);
    assert.equal(all.binding.local.sid, first);
    let remote: Sid | undefined;
    node.bind({ sid: first, port: 51 }, (_local, from) => {
      remote = from;
    });
    only.binding.send(second, { sid: first, port: 51 }, () => 1);
    clock.runUntil(20);
    assert.equal(remote, second);
  });

  it("refuses to send as an identity that is not the node's, and a writer that wrote too much or nothing", async () => {
    const { atA, atB } = await createTwo();
    assert.throws(() => atA.binding.send(third, atB.binding.local, () => 1), hasCode("address"));
    for (const length of [0, -1, 1281, 1.5]) {
      const { sid } = atA.binding.local;
      assert.throws(() => atA.binding.send(sid, atB.binding.local, () => length), hasCode("argument"));
    }
  });

  it("refuses a SID that an open node has, and changes nothing", async () => {
    const { network } = await createTwo();
    network.node(await newCore(), first, second);
    const core = await newCore();
    for (const identities of [[first], [second], [third, second]]) {
      assert.throws(() => network.node(core, ...identities), hasCode("address"));
    }
    const fourth = network.node(core, third);
    await fourth.close();
    assert.throws(
      () => network.node(core, Sid.fromBytes(new Uint8Array(32).fill(4)), third),
      hasCode("address"),
    );
    network.node(core, third);
  });

  it("a node that was closed comes back under its SID: same links, and what is under way arrives", async () => {
    const { clock, network, a, atA, open, send } = await createTwo(1, { delayMs: 10 });
    const before = network.node(await newCore(), first);
    network.link(a, before).configure({ delayMs: 40 });
    const atBefore = open(before, 30);
    send(atA, atBefore, "under way");
    await before.close();
    const after = network.node(await newCore(), Sid.fromHex(first.hex));
    const atAfter = open(after, 30);
    clock.runUntil(100);
    assert.deepEqual(atAfter.atMs, [40]);
    assert.deepEqual(atBefore.received, []);
    assert.equal(network.link(a, after), network.link(a, first));
    assert.equal(after.identities[0], first);
  });

  it("a node may come back with fewer identities: what comes for the others is dropped", async () => {
    const { clock, network, atA, open, send, fates } = await createTwo();
    const before = network.node(await newCore(), first, second);
    const target = open(before, 30, second);
    await before.close();
    open(network.node(await newCore(), first), 30);
    send(atA, target, "for the second");
    clock.runUntil(10);
    assert.deepEqual(fates, [["for the second", "no-port"]]);
  });

  it("a lost node tells its handler once; a closed one cannot be lost, nor bound", async () => {
    const { a, b } = await createTwo();
    const lost: MspError[] = [];
    for (const node of [a, b]) node.onLost((error) => lost.push(error));
    a.lose();
    a.lose();
    await b.close();
    b.lose();
    assert.deepEqual(
      lost.map(({ code }) => code),
      ["transport-lost"],
    );
    assert.throws(() => a.bind({ sid: BIND_PRIMARY, port: 1 }, () => {}), hasCode("state"));
  });

  it("draws automatic ports from 257 to 2^31-1, never one that is bound", async () => {
    const { a } = await createTwo();
    const ports = Array.from(
      { length: 200 },
      () => a.bind({ sid: BIND_PRIMARY, port: 0 }, () => {}).local.port,
    );
    assert.equal(new Set(ports).size, 200);
    assert.ok(ports.every((port) => port >= 257 && port < 2 ** 31));
    assert.ok(Math.max(...ports) > 2 ** 30);
  });
});
