import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type DatagramTransport,
  Driver,
  type DriverConnection,
  type DriverOptions,
  type LinkAddress,
  parseConfig,
} from "@meshstream/msp";
import { createCore } from "@meshstream/wasm-core";
import { createOverlay, type OverlayNode } from "../../src/index.ts";
import { isReachable, testIdentity, testSegment } from "./rig.ts";

/** Numbers of MSP's messages come round after so many (docs/wire.md W2.4). */
const LAP = 65_536;
const COUNT = 2 * LAP + 2000;

/** A link on which a test hears what leaves, and into which it can put what it has heard. */
class Tap implements DatagramTransport {
  readonly #below: DatagramTransport;
  heard: (datagram: Uint8Array) => void = () => {};
  receive: (datagram: Uint8Array, from: LinkAddress) => void = () => {};

  constructor(below: DatagramTransport) {
    this.#below = below;
  }

  get local(): LinkAddress {
    return this.#below.local;
  }
  get broadcast(): readonly LinkAddress[] {
    return this.#below.broadcast;
  }
  get mtuBytes(): number {
    return this.#below.mtuBytes;
  }

  send(datagram: Uint8Array, to: LinkAddress): void {
    this.heard(datagram);
    this.#below.send(datagram, to);
  }

  onDatagram(receive: (datagram: Uint8Array, from: LinkAddress) => void): void {
    this.receive = receive;
    this.#below.onDatagram(receive);
  }

  close(): Promise<void> {
    return this.#below.close();
  }
}

/** Where a late message falls, seen from the one that is expected: taken already, next, in the midst of what is in flight. */
const AHEAD = [-1, 0, 1, 2, 30, 300];

/** How many messages early the lap is of an acknowledgement that comes back: so far into what is in flight does it reach. */
const EARLY = [1, 2, 30, 100, 250];

/** Messages that come back a lap later, as many in a row as there are places to fall: the first of all, the last of the lap, some between. */
const HELD = [0, 700, 3000, 32_764, LAP - AHEAD.length].flatMap((first) =>
  AHEAD.map((ahead, i) => ({ index: first + i, ahead })),
);

/** Acknowledgements that come back, the same: what had been taken when they left. */
const HELD_ACKS = [1, 700, 3000, 32_764, LAP].flatMap((first) => EARLY.map((early) => ({ first, early })));

/** Message `index` of the stream: short, and like no other. Those that will come back are known by their lengths. */
function messageOf(index: number): Uint8Array {
  const held = HELD.findIndex((one) => one.index === index);
  const bytes = new Uint8Array(held === -1 ? 4 : HELD_BYTES + held);
  new DataView(bytes.buffer).setUint32(0, index);
  return bytes;
}

const HELD_BYTES = 500;

/** Two nodes; some messages are lost, so that an acknowledgement which says too much would tell of one that never came. */
async function twoNodes(engine: "ts" | "wasm") {
  // A round trip of 10 ms at 60 packets a millisecond: some hundreds in flight.
  const loss = { model: "bernoulli", p: 0.005 } as const;
  const { clock, random, segment } = testSegment(SEED, {
    delayMs: 5,
    rateBitsPerSecond: 50e6,
    queuePackets: 2000,
    loss,
  });
  const make = async (number: number, name: string, other: string) => {
    const transport = new Tap(segment.port(name));
    const node = await createOverlay({
      core: await createCore({ engine, poolBytes: 16 << 20 }),
      clock,
      entropy: random.fork(),
      identities: [await testIdentity(number)],
      links: [{ transport, peers: [other] }],
    });
    return { node, transport };
  };
  const [a, b] = [await make(1, "a", "b"), await make(2, "b", "a")];
  clock.runWhile(() => !isReachable(a.node, b.node.identities[0]!), 5000);
  return { clock, random, a, b };
}

const SEED = 1;

/** The stream of COUNT messages from a to b, and what of it comes back. */
class LapTransfer {
  taken = 0;
  wrongCount = 0;
  cameBackCount = 0;
  readonly sender: Driver;
  readonly receiver: Driver;
  readonly #rig: Awaited<ReturnType<typeof twoNodes>>;
  #sent = 0;
  readonly #unheld = [...HELD];
  readonly #unheldAcks = [...HELD_ACKS];
  /** What was held back, by the count of taken messages at which it comes. */
  readonly #late = new Map<number, (() => void)[]>();

  constructor(rig: Awaited<ReturnType<typeof twoNodes>>) {
    this.#rig = rig;
    const { clock, random, a, b } = rig;
    const driverOf = (transport: OverlayNode, onEvent: DriverOptions["onEvent"]) =>
      new Driver({ transport, clock, entropy: random.fork(), config: parseConfig(), onEvent });
    this.sender = driverOf(a.node, ({ type, connection }) => {
      if (type === "writable") this.#fill(connection);
    });
    this.receiver = driverOf(b.node, ({ type, connection }) => {
      if (type === "readable") this.#take(connection);
    });
    a.transport.heard = (datagram) => this.#holdMessage(datagram.slice());
    b.transport.heard = (datagram) => this.#holdAck(datagram.slice());
  }

  /** Returns the sending end. */
  start(): DriverConnection {
    const { a, b } = this.#rig;
    this.receiver.listen({ sid: b.node.identities[0]!, port: 512 });
    const local = { sid: a.node.identities[0]!, port: 0 };
    const connection = this.sender.connect(local, { sid: b.node.identities[0]!, port: 512 });
    this.#fill(connection);
    return connection;
  }

  #fill(connection: DriverConnection): void {
    this.sender.run(() => {
      while (this.#sent < COUNT && connection.send(messageOf(this.#sent))) this.#sent++;
    });
  }

  #take(connection: DriverConnection): void {
    const { core } = this.#rig.b.node;
    this.receiver.run(() => {
      for (; connection.frontLength !== -1; connection.take()) {
        const { frontOffset, frontLength } = connection;
        const bytes = core.bytes.subarray(frontOffset, frontOffset + frontLength);
        const expected = messageOf(this.taken++);
        const isRight = frontLength === expected.length && expected.every((byte, i) => byte === bytes[i]);
        if (!isRight) this.wrongCount++;
        for (const comeBack of this.#late.get(this.taken) ?? []) comeBack();
      }
    });
  }

  /** Only the marked messages are so long; one that is lost leaves again, and is held back then. */
  #holdMessage(datagram: Uint8Array): void {
    const next = this.#unheld[0];
    if (next === undefined || this.#sent <= next.index || datagram.length < HELD_BYTES) return;
    this.#unheld.shift();
    this.#hold(next.index + LAP - next.ahead, this.#rig.b.transport, datagram, "a");
  }

  #holdAck(datagram: Uint8Array): void {
    const next = this.#unheldAcks[0];
    if (next === undefined || this.taken < next.first || datagram.length < ACK_BYTES) return;
    this.#unheldAcks.shift();
    this.#hold(this.taken + LAP - next.early, this.#rig.a.transport, datagram, "b");
  }

  #hold(atTaken: number, to: Tap, datagram: Uint8Array, from: string): void {
    const { clock } = this.#rig;
    const comeBack = () => {
      this.cameBackCount++;
      clock.setTimer(clock.now(), () => to.receive(datagram, from));
    };
    this.#late.set(atTaken, [...(this.#late.get(atTaken) ?? []), comeBack]);
  }
}

/** Shorter packets are link state. */
const ACK_BYTES = 90;

for (const engine of ["ts", "wasm"] as const) {
  describe(`a packet that comes back one lap of sequence numbers later (${engine}, seed ${SEED})`, () => {
    it("delivers no wrong byte, acknowledges nothing that never came, and is counted, wherever it falls", async (test) => {
      const rig = await twoNodes(engine);
      const { clock, a, b } = rig;
      const lap = new LapTransfer(rig);
      const connection = lap.start();
      clock.runWhile(() => lap.taken < COUNT && connection.outcome === undefined, 60_000);
      test.diagnostic?.(
        `${lap.cameBackCount} came back, ${lap.taken} messages in ${Math.round(clock.now())} ms`,
      );
      assert.equal(lap.wrongCount, 0);
      assert.equal(lap.taken, COUNT);
      assert.equal(lap.cameBackCount, HELD.length + HELD_ACKS.length);
      assert.equal(b.node.counters.stale, HELD.length);
      assert.equal(a.node.counters.stale, HELD_ACKS.length);
      for (const driver of [lap.sender, lap.receiver]) driver.close();
      await a.node.close();
      await b.node.close();
    });
  });
}
