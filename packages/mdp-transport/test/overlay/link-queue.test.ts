import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BIND_PRIMARY, MspError } from "@meshstream/msp";
import { Queue } from "../../src/overlay/frame.ts";
import { Limit } from "../../src/overlay/limits.ts";
import { LinkQueue, QueuedFrame } from "../../src/overlay/link-queue.ts";
import type { Neighbour } from "../../src/overlay/neighbours.ts";
import { inbox, testIdentity, testNode, testSegment } from "./rig.ts";
import { sealedIn } from "./scripted.ts";

/** Eight bits a millisecond: a byte takes one. */
const BYTE_PER_MS = 8000;

function frame(relation: Neighbour, queue: number, name: number): QueuedFrame {
  return new QueuedFrame(relation, new Uint8Array([name]), 1, 0, queue, 1e9);
}

const [one, two, three] = [{}, {}, {}] as [Neighbour, Neighbour, Neighbour];

/** What comes out of a queue, by name. */
function drain(queue: LinkQueue): number[] {
  const names: number[] = [];
  for (let next = queue.shift(1e6); next !== undefined; next = queue.shift(1e6)) names.push(next.bytes[0]!);
  return names;
}

describe("the queue of a link", () => {
  it("gives out the most urgent first, and in order within one kind and neighbour", () => {
    const queue = new LinkQueue(BYTE_PER_MS);
    const kinds = [Queue.ORDINARY, Queue.VIDEO, Queue.ORDINARY, Queue.VOICE, Queue.MANAGEMENT, Queue.VOICE];
    kinds.forEach((kind, name) => {
      queue.push(frame(one, kind, name));
    });
    assert.equal(queue.count, 6);
    assert.deepEqual(drain(queue), [3, 5, 4, 1, 0, 2]);
    assert.equal(queue.count, 0);
    assert.equal(queue.dueMs, Number.POSITIVE_INFINITY);
  });

  it("lets neighbours take turns, whoever has more", () => {
    const queue = new LinkQueue(BYTE_PER_MS);
    for (let name = 10; name < 16; name++) queue.push(frame(one, Queue.ORDINARY, name));
    for (let name = 20; name < 22; name++) queue.push(frame(two, Queue.ORDINARY, name));
    queue.push(frame(three, Queue.ORDINARY, 30));
    assert.deepEqual(drain(queue), [10, 20, 30, 11, 21, 12, 13, 14, 15]);
  });

  it("refuses what is beyond a neighbour's share or a kind's limit; another kind still finds room", () => {
    const queue = new LinkQueue(BYTE_PER_MS);
    const share = Limit.QUEUED_PER_NEIGHBOUR;
    for (let i = 0; i < share; i++) assert.equal(queue.push(frame(one, Queue.ORDINARY, 0)), true);
    assert.equal(queue.push(frame(one, Queue.ORDINARY, 0)), false);
    let others = 0;
    while (queue.push(frame({} as Neighbour, Queue.ORDINARY, 0))) others++;
    assert.equal(others, Limit.QUEUED - share);
    assert.equal(queue.push(frame(one, Queue.VOICE, 9)), true);
    assert.equal(queue.shift(1e6)?.bytes[0], 9);
  });

  it("is free again when what was sent has left at the link's rate", () => {
    const queue = new LinkQueue(BYTE_PER_MS);
    assert.equal(queue.isIdle(100), true);
    queue.charge(1000, 100);
    assert.equal(queue.isIdle(1000), false);
    assert.equal(queue.isIdle(1100), true);
    queue.charge(10, 1100);
    queue.push(frame(one, Queue.ORDINARY, 1));
    assert.equal(queue.shift(1105), undefined);
    assert.equal(queue.shift(queue.dueMs)?.bytes[0], 1);
  });

  it("without a rate lets nothing wait", () => {
    const queue = new LinkQueue(Number.POSITIVE_INFINITY);
    queue.charge(1e9, 0);
    assert.equal(queue.isIdle(0), true);
  });
});

describe("a node's link with a rate", () => {
  /** A and B, A's link at `rateBitsPerSecond`. */
  async function slowPair(rateBitsPerSecond: number) {
    const { clock, random, segment } = testSegment(6, { delayMs: 2 });
    const make = async (number: number, local: string, peer: string) =>
      testNode({
        identities: [await testIdentity(number)],
        links: [{ transport: segment.port(local), peers: [peer], broadcast: false, rateBitsPerSecond }],
        clock,
        entropy: random.fork(),
      });
    const a = await make(1, "a", "b");
    const b = await make(2, "b", "a");
    clock.runUntil(200);
    const to = inbox(b, { sid: BIND_PRIMARY, port: 600 });
    const from = inbox(a, { sid: BIND_PRIMARY, port: 500 });
    const close = async () => {
      await a.close();
      await b.close();
    };
    return { clock, segment, a, b, to, from, close };
  }

  it("sends no faster than that, in order, and loses nothing that fits its queue", async () => {
    const { clock, segment, to, from, a, close } = await slowPair(100_000);
    const text = "x".repeat(1000);
    const startMs = clock.now();
    const before = segment.sent.length;
    for (let i = 0; i < 11; i++) assert.equal(from.send(to.address, `${i} ${text}`), true);
    clock.runUntil(startMs + 985);
    assert.deepEqual(
      to.messages.map(({ text: came }) => Number.parseInt(came, 10)),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    );
    const packets = sealedIn(segment.sent.slice(before));
    const bits = 8 * packets.slice(0, -1).reduce((sum, { frame: { end } }) => sum + end, 0);
    const tookMs = packets.at(-1)!.atMs - packets[0]!.atMs;
    assert.ok(Math.abs(bits / tookMs / 100 - 1) < 0.05, `${bits / tookMs} kb/s`);
    assert.equal(a.counters["queue-full"], 0);
    await close();
  });

  it("refuses what its queue does not hold, lets go of what waited a second, and is fit again after", async () => {
    const { clock, to, from, a, close } = await slowPair(100_000);
    const text = "x".repeat(1000);
    const taken = Array.from({ length: 100 }, () => from.send(to.address, text)).filter(Boolean).length;
    assert.equal(taken, Limit.QUEUED_PER_NEIGHBOUR + 1);
    assert.equal(a.counters["queue-full"], 100 - taken);
    clock.runUntil(clock.now() + 3000);
    assert.equal(to.messages.length + a.counters["queue-expired"]!, taken);
    assert.ok(to.messages.length >= 11 && to.messages.length <= 13, `${to.messages.length} came`);
    from.send(to.address, "again");
    clock.runUntil(clock.now() + 100);
    assert.equal(to.messages.at(-1)?.text, "again");
    await close();
  });

  it("is refused if its rate is none", async () => {
    for (const rate of [0, -1, Number.NaN]) {
      await assert.rejects(
        slowPair(rate),
        (error) => error instanceof MspError && error.code === "argument" && /above 0/.test(error.message),
      );
    }
  });
});
