import assert from "node:assert/strict";
import { createRandom, type LinkConfig, type LossConfig, type Random } from "@meshstream/netem";
import type { Engine } from "@meshstream/wasm-core";
import type { Mesh } from "../../src/stream/mesh.ts";
import type { MspSocket } from "../../src/stream/socket.ts";
import { Pair, pattern } from "./pair.ts";
import { PORT } from "./streams.ts";

/** Faults stop at this time; everything must have ended {@link LIMIT_MS} later. */
export const FAULTS_MS = 15_000;
export const LIMIT_MS = 30_000;

/** What one run came to. */
export interface Run {
  /** Of every packet that left either end: when, whence, its bytes. */
  readonly hash: number;
  readonly packetCount: number;
  /** How the ends came out, and how often. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/**
 * One to three connections between two nodes, whose ends send, read and close as the seed will have it, while the link fails in
 * every way it knows. Throws an AssertionError if anything was wrong with what arrived, or with how it ended.
 */
export async function runWithFaults(seed: number, engine: Engine): Promise<Run> {
  const random = createRandom(seed);
  const pair = await Pair.make({ engine, seed, poolBytes: 1 << 20, link: { delayMs: 5 } });
  const { clock } = pair;
  const trace = new Trace(pair);
  const before = [pair.a.core.freeSlotCount, pair.b.core.freeSlotCount];
  const config = drawConfig(random.fork());
  const meshes = pair.meshes({ ...config, ...drawSpeech(random) }, { ...config, ...drawSpeech(random) });
  drawFaults(random.fork(), pair);
  const listener = await meshes.b.listen(PORT);
  const conversations: Conversation[] = [];
  for (let i = 0; i <= random.below(3); i += 1) conversations.push(new Conversation(random.fork(), pair));
  const accepting = (async () => {
    for await (const socket of listener) {
      conversations.find(({ connecting }) => connecting.port === socket.remote.port)!.accepting.live(socket);
    }
  })();
  for (const conversation of conversations) await conversation.open(meshes.a);
  const isOver = () => conversations.every((conversation) => conversation.isOver);
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const ended = await clock.runWhileAsync(() => !isOver(), FAULTS_MS + LIMIT_MS, turn);
  assert.ok(ended, `not over ${LIMIT_MS} ms after the faults: ${conversations.join("; ")}`);
  for (const conversation of conversations) conversation.check();
  // Whatever was accepted late, or never, ends with its mesh.
  await pair.settle(Promise.all([meshes.a.close(), meshes.b.close()]));
  await accepting;
  assert.deepEqual([pair.a.core.freeSlotCount, pair.b.core.freeSlotCount], before, "slots are missing");
  const outcomes: Record<string, number> = {};
  for (const { connecting, accepting } of conversations) {
    for (const { outcome } of [connecting, accepting]) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  return { hash: trace.hash, packetCount: trace.packetCount, outcomes };
}

/** What goes on between two ends. */
class Conversation {
  readonly connecting: End;
  readonly accepting: End;
  private readonly pair: Pair;

  constructor(random: Random, pair: Pair) {
    this.pair = pair;
    this.connecting = new End(random.fork(), pair);
    this.accepting = new End(random.fork(), pair);
  }

  async open(mesh: Mesh): Promise<void> {
    const socket = await mesh.connect(this.pair.b.identities[0]!, PORT);
    this.connecting.live(socket);
  }

  /** The accepting end may never have come to life. */
  get isOver(): boolean {
    return this.connecting.isOver && (this.accepting.isOver || !this.accepting.isAlive);
  }

  check(): void {
    this.connecting.checkAgainst(this.accepting);
    this.accepting.checkAgainst(this.connecting);
  }

  toString(): string {
    return `${this.connecting} - ${this.accepting}`;
  }
}

/** One end of a connection: what it does, and what became of it. */
class End {
  port = 0;
  isAlive = false;
  isOver = false;
  /** How `closed` came out: a word, or the code of the error. */
  outcome = "unborn";
  private readonly pair: Pair;
  private readonly messages: Uint8Array[];
  private readonly ending: "shutdown" | "close" | "stop";
  private readonly sendPauseMs: number;
  private readonly readPauseMs: number;
  private readonly received: Uint8Array[] = [];
  /** Messages with which the application is done. */
  private doneCount = 0;
  private readToTheEnd = false;

  constructor(random: Random, pair: Pair) {
    this.pair = pair;
    const count = random.below(4) === 0 ? random.below(400) : random.below(40);
    const longest = [1, 16, 1024][random.below(3)]!;
    this.messages = Array.from({ length: count }, (_, i) =>
      pattern(1 + random.below(longest), seedOf(random, i)),
    );
    this.ending = (["shutdown", "shutdown", "shutdown", "close", "stop"] as const)[random.below(5)]!;
    // Not so slow as to need more than the time it has.
    this.sendPauseMs = random.below(3) === 0 ? random.below(Math.ceil(4000 / (count + 1))) : 0;
    this.readPauseMs = random.below(3) === 0 ? random.below(10) : 0;
  }

  live(socket: MspSocket): void {
    this.isAlive = true;
    this.port = socket.local.port;
    const work = Promise.allSettled([this.read(socket), this.write(socket), this.end(socket)]);
    work.then(() => {
      this.isOver = true;
    });
  }

  checkAgainst(peer: End): void {
    const { received } = this;
    assert.ok(received.length <= peer.messages.length, `${this}: more than was sent`);
    for (const [i, message] of received.entries())
      assert.deepEqual(message, peer.messages[i], `${this}: message ${i}`);
    if (this.readToTheEnd)
      assert.equal(received.length, peer.messages.length, `${this}: an end that is none`);
    if (this.outcome !== "clean" && this.outcome !== "unconfirmed") return;
    // The peer took everything, unless it chose not to look.
    if (peer.ending === "shutdown")
      assert.equal(peer.doneCount, this.messages.length, `${this}: not all was taken`);
  }

  toString(): string {
    return `${this.ending} after ${this.messages.length}, received ${this.received.length}: ${this.outcome}`;
  }

  private async read(socket: MspSocket): Promise<void> {
    for await (const message of socket) {
      this.received.push(message);
      if (this.readPauseMs > 0) await this.pause(this.readPauseMs);
      this.doneCount += 1;
    }
    this.readToTheEnd = true;
  }

  private async write(socket: MspSocket): Promise<void> {
    for (const message of this.messages) {
      await socket.send(message);
      if (this.sendPauseMs > 0) await this.pause(this.sendPauseMs);
    }
    if (this.ending === "shutdown") socket.shutdown();
    else if (this.ending === "close") await socket.close();
    else socket.stop();
  }

  private async end(socket: MspSocket): Promise<void> {
    this.outcome = await socket.closed.catch((error) => error.code);
  }

  private pause(ms: number): Promise<void> {
    const { clock } = this.pair;
    return new Promise((resolve) => clock.setTimer(clock.now() + ms, resolve));
  }
}

/** Each end by itself: most speak the extension, most of these code. */
function drawSpeech(random: Random): Parameters<Pair["meshes"]>[0] {
  const coding = (["auto", "auto", "on", "off"] as const)[random.below(4)]!;
  return { extension: random.below(4) !== 0, coding };
}

function drawConfig(random: Random): Parameters<Pair["meshes"]>[0] {
  const windowPackets = [1, 4, 16, 64][random.below(4)]!;
  return {
    sender: random.below(5) === 0 ? "legacy" : "auto",
    windowPackets,
    sendQueueMessages: windowPackets + random.below(64),
    // No less than what is in flight: without the extension a sender does not learn that its peer has less room, and loses too much time.
    receiveWindowMessages: [64, 256][random.below(2)]!,
    ackDelayMs: random.below(20),
    ackEveryMessages: 1 + random.below(4),
  };
}

/** Set both directions of the link to something, cut it a few times, and heal it at {@link FAULTS_MS}. */
function drawFaults(random: Random, pair: Pair): void {
  const { clock, link } = pair;
  for (const direction of [link.aToB, link.bToA]) direction.configure(drawLink(random));
  for (let cut = random.below(4); cut > 0; cut -= 1) {
    const directions = [[link.aToB], [link.bToA], [link.aToB, link.bToA]][random.below(3)]!;
    const fromMs = random.below(FAULTS_MS);
    const forMs = random.below(3) === 0 ? 12_000 : random.below(3000);
    const set = (up: boolean) => () => {
      for (const direction of directions) direction.configure({ up });
    };
    clock.setTimer(fromMs, set(false));
    clock.setTimer(Math.min(fromMs + forMs, FAULTS_MS), set(true));
  }
  clock.setTimer(FAULTS_MS, () => link.configure(HEALED));
}

function drawLink(random: Random): Partial<LinkConfig> {
  const sometimes = (most: number) => (random.below(2) === 0 ? random.next() * most : 0);
  const loss: LossConfig[] = [
    { model: "none" },
    { model: "bernoulli", p: sometimes(0.4) },
    { model: "gilbert-elliott", meanLoss: sometimes(0.3), meanBurstPackets: 1 + random.below(10) },
  ];
  return {
    delayMs: random.below(60),
    jitterMs: sometimes(50),
    jitterReorders: random.below(2) === 0,
    loss: loss[random.below(3)]!,
    duplicate: sometimes(0.3),
    corrupt: sometimes(0.2),
    reorder: sometimes(0.2),
    reorderMs: 1 + random.below(300),
    rateBitsPerSecond: random.below(3) === 0 ? 20_000 + random.below(1_000_000) : Number.POSITIVE_INFINITY,
    queuePackets: 10 + random.below(100),
  };
}

const HEALED: Partial<LinkConfig> = {
  up: true,
  loss: { model: "none" },
  duplicate: 0,
  corrupt: 0,
  reorder: 0,
  jitterMs: 0,
  delayMs: 5,
  rateBitsPerSecond: Number.POSITIVE_INFINITY,
};

function seedOf(random: Random, index: number): number {
  return random.uint32() + index;
}

/** A hash (FNV-1a) of all that is sent. */
class Trace {
  hash = 0x811c9dc5;
  packetCount = 0;
  private readonly time = new Float64Array(1);
  private readonly timeBytes = new Uint8Array(this.time.buffer);

  constructor(pair: Pair) {
    for (const [end, transport] of [pair.a, pair.b].entries()) {
      transport.filter = (bytes) => {
        this.packetCount += 1;
        this.time[0] = pair.clock.now();
        this.add(this.timeBytes);
        this.add([end]);
        this.add(bytes);
        return bytes;
      };
    }
  }

  private add(bytes: Iterable<number>): void {
    for (const byte of bytes) this.hash = Math.imul(this.hash ^ byte, 0x01000193) >>> 0;
  }
}
