import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MspSocket } from "../src/stream/socket.ts";
import { HandPeer } from "./support/hand-peer.ts";
import { ENGINES, Pair, pattern, sidOf } from "./support/pair.ts";
import {
  connectPair,
  numbered,
  numberOf,
  PORT,
  receiveAll,
  sendAll,
  stateOf,
  withCode,
} from "./support/streams.ts";
import { ackPacket, dataPacket, EXTENSION, FIRST, type Packet, SHUTDOWN, watch } from "./support/wire.ts";

const FROM_A = [0, 1, 2];
const FROM_B = [3, 4];

/** Who shuts down first: the other does when it has received everything, or both at once. */
const ORDERS = ["a first", "b first", "both at once"] as const;
type Order = (typeof ORDERS)[number];

type Engine = (typeof ENGINES)[number];

/** How one end came out. */
interface End {
  readonly messages: number[];
  readonly outcome: string;
}

async function endOf(socket: MspSocket, send: readonly number[], waits: boolean): Promise<End> {
  const messages: number[] = [];
  const reading = (async () => {
    for await (const message of socket) messages.push(numberOf(message));
  })();
  for (const i of send) await socket.send(numbered(i));
  if (waits) await reading;
  socket.shutdown();
  const outcome = await socket.closed.catch((error) => error.code);
  await reading.catch(() => {});
  return { messages, outcome };
}

/** One whole connection in which the packets at the places in `lost` are lost; places count the packets of both ends. */
async function converse(engine: Engine, order: Order, lost: (place: number) => boolean, leave: boolean) {
  const pair = await Pair.make({ engine, link: { delayMs: 5 } });
  let place = 0;
  const packets = watch(pair, () => {
    place += 1;
    return lost(place - 1);
  });
  const { a, b } = pair.meshes();
  const listener = await b.listen(PORT);
  const atA = (async () => {
    const socket = await a.connect(pair.b.identities[0]!, PORT);
    const end = await endOf(socket, FROM_A, order === "b first");
    if (leave) await a.close();
    return end;
  })();
  const atB = (async () => {
    const socket = (await listener.accept())!;
    const end = await endOf(socket, FROM_B, order === "a first");
    if (leave) await b.close();
    return end;
  })();
  const [endA, endB] = await pair.settle(Promise.all([atA, atB]), 30_000);
  return { endA, endB, packets, endMs: pair.clock.now() };
}

/** The 64 ways of losing some of the last six packets that there are if none is lost. */
async function* losses(engine: Engine, order: Order, leave: boolean) {
  const { packets } = await converse(engine, order, () => false, leave);
  const from = packets.length - 6;
  for (let lost = 0; lost < 64; lost += 1) {
    const run = await converse(engine, order, (place) => ((lost << from) & (1 << place)) !== 0, leave);
    yield { ...run, which: `${order}, losses ${lost.toString(2).padStart(6, "0")}` };
  }
}

for (const engine of ENGINES) {
  describe(`the last six packets of a connection (${engine})`, () => {
    for (const order of ORDERS) {
      it(`may be lost in any of 64 ways, ${order}: both ends are clean, with everything`, async () => {
        for await (const { endA, endB, endMs, which } of losses(engine, order, false)) {
          assert.deepEqual(endA, { messages: FROM_B, outcome: "clean" }, which);
          assert.deepEqual(endB, { messages: FROM_A, outcome: "clean" }, which);
          assert.ok(endMs < 5000, `${which}: ${endMs} ms`);
        }
      });

      it(`may be lost in any of 64 ways, ${order}, where each end leaves when it is done`, async () => {
        for await (const { endA, endB, endMs, which } of losses(engine, order, true)) {
          assert.deepEqual([endA.messages, endB.messages], [FROM_B, FROM_A], which);
          for (const { outcome } of [endA, endB]) {
            assert.equal(outcome, "clean", which);
          }
          assert.ok(endMs < 30_000, `${which}: ${endMs} ms`);
        }
      });
    }
  });

  describe(`a connection whose end is not heard (${engine})`, () => {
    it("repeats its SHUTDOWN, and the peer's memory answers for 15 s", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      socket.shutdown();
      await pair.settle(peer.receive());
      // b's SHUTDOWN arrives, a's last acknowledgement does not: a is done, b is not.
      let isDeaf = true;
      const packets = watch(pair, ({ from }) => isDeaf && from === "a");
      peer.shutdown();
      assert.equal(await pair.settle(socket.closed), "clean");
      const closed = stateOf(peer.closed);
      await pair.pass(6000);
      assert.equal(closed.now, "pending");
      const repeats = packets.filter(({ from, isShutdown }) => from === "b" && isShutdown);
      assert.ok(repeats.length >= 4, `${repeats.length} repeats in 6 s`);
      isDeaf = false;
      assert.equal(await pair.settle(peer.closed), "clean");
      const answer = packets.filter(({ from }) => from === "a").at(-1)!;
      assert.deepEqual([...answer.bytes], [...ackPacket(repeats[0]!.sequence, EXTENSION)]);
    });

    it("answers repeats for 15 s after it closed, and as a stranger from then on", async () => {
      const pair = await Pair.make({ engine });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(peer.local.sid, PORT);
      const last = dataPacket(0, new Uint8Array(0), { flags: SHUTDOWN, ack: 0 });
      peer.react = ({ isShutdown }) => {
        if (isShutdown) peer.send(last);
      };
      socket.shutdown();
      await pair.settle(socket.closed);
      const closedAtMs = pair.clock.now();
      const ask = async () => {
        peer.send(last);
        await pair.pass(2);
        return [...peer.last!.bytes];
      };
      await pair.pass(closedAtMs + 14_998 - pair.clock.now());
      assert.deepEqual(await ask(), [...ackPacket(0, EXTENSION)]);
      await pair.pass(closedAtMs + 15_000 - pair.clock.now());
      assert.deepEqual(await ask(), [0x08], "STOP");
    });

    it("waits with its own last acknowledgement while it has no route, and sends it as soon as there is one", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      socket.shutdown();
      await pair.settle(peer.receive());
      await pair.pass(10);
      pair.a.hasRoute = false;
      await peer.send(numbered(0));
      await pair.settle(socket.receive());
      socket.acknowledge(); // meets no route: everything is held for 50 ms
      await pair.pass(3);
      peer.shutdown();
      await pair.pass(3);
      assert.equal(stateOf(socket.closed).now, "pending");
      pair.a.hasRoute = true;
      await pair.settle(Promise.all([socket.receive(), socket.closed, peer.closed]));
      assert.ok(pair.clock.now() < 80, `b heard at ${pair.clock.now()} ms`);
    });

    it("ends unconfirmed after 10 s if only its bare SHUTDOWN is not acknowledged", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      await sendAll(socket, [numbered(1)]);
      assert.equal((await pair.settle(receiveAll(peer))).length, 1);
      await pair.pass(10);
      watch(pair, ({ from }) => from === "a");
      const startMs = pair.clock.now();
      peer.shutdown();
      assert.equal(await pair.settle(socket.closed), "clean");
      assert.equal(await pair.settle(peer.closed), "unconfirmed");
      assert.ok(pair.clock.now() - startMs <= 10_000);
      assert.equal(await pair.settle(peer.receive()), undefined);
    });

    it("ends unconfirmed also where close() waits for it", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      const closing = peer.close();
      await pair.pass(0.5);
      // a shuts down, but its acknowledgement of b's SHUTDOWN never comes: a leaves too early.
      watch(pair, ({ from, isShutdown }) => from === "a" && !isShutdown);
      socket.shutdown();
      await pair.settle(closing);
      assert.equal(await pair.settle(peer.closed), "unconfirmed");
    });

    it("ends unconfirmed at once if the peer no longer knows of it", async () => {
      const pair = await Pair.make({ engine });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(peer.local.sid, PORT);
      await socket.send(numbered(1));
      await pair.pass(5);
      peer.send(dataPacket(0, new Uint8Array(0), { flags: SHUTDOWN, ack: 0 }));
      assert.equal(await pair.settle(socket.receive()), undefined);
      socket.shutdown();
      await pair.pass(5);
      assert.ok(peer.last!.isShutdown);
      peer.send(Uint8Array.of(0x08));
      assert.equal(await pair.settle(socket.closed), "unconfirmed");
    });

    it("is an error if a message is not acknowledged, if SHUTDOWN rides on one, or if the peer's SHUTDOWN did not come", async () => {
      const cases: Record<string, (peer: HandPeer, packet: Packet) => Uint8Array | undefined> = {
        "a message": (_, { sequence }) =>
          sequence === 1 ? dataPacket(0, new Uint8Array(0), { flags: SHUTDOWN, ack: 0 }) : undefined,
        "no SHUTDOWN of the peer": (_, { sequence }) => (sequence === 1 ? ackPacket(1) : undefined),
      };
      for (const [what, answer] of Object.entries(cases)) {
        for (const end of ["timeout", "stopped"] as const) {
          const pair = await Pair.make({ engine });
          const peer = new HandPeer(pair, PORT);
          const { a } = pair.meshes();
          const socket = await a.connect(peer.local.sid, PORT);
          await pair.pass(5);
          let said = 0;
          peer.react = (packet) => {
            const bytes = answer(peer, packet);
            if (bytes !== undefined && said++ === 0) peer.send(bytes);
          };
          await sendAll(socket, [numbered(0), numbered(1)]);
          await pair.pass(100);
          if (end === "stopped") peer.send(Uint8Array.of(0x08));
          await assert.rejects(pair.settle(socket.closed), withCode(end), what);
        }
      }
    });
  });

  describe(`a late first packet of a closed connection (${engine})`, () => {
    for (const [what, bytes] of Object.entries({
      "of 3 bytes": ackPacket(undefined, FIRST),
      "with data": dataPacket(0, numbered(0), { flags: FIRST }),
    })) {
      it(`${what} opens nothing and delivers nothing`, async () => {
        const pair = await Pair.make({ engine });
        const { meshes, listener, socket, peer } = await connectPair(pair);
        await sendAll(socket, [numbered(0)]);
        await pair.settle(receiveAll(peer));
        peer.shutdown();
        await pair.settle(Promise.all([socket.closed, peer.closed]));
        const accepting = listener.accept();
        const accepted = stateOf(accepting);
        const packets = watch(pair);
        for (const waitMs of [0, 5000, 9000]) {
          await pair.pass(waitMs);
          pair.b.take({ from: socket.local, to: peer.local, bytes });
          await pair.pass(10);
          assert.equal(accepted.now, "pending");
        }
        assert.equal(meshes.b.counters["msp.repeat-after-close"], 3);
        assert.ok(packets.every(({ isStop, isData }) => !isStop && !isData));
        // The same from another port is a new connection.
        const other = { sid: socket.local.sid, port: socket.local.port + 1 };
        pair.b.take({ from: other, to: peer.local, bytes });
        assert.deepEqual((await pair.settle(accepting))!.remote, other);
      });
    }

    it("after a stop() is answered with STOP", async () => {
      const pair = await Pair.make({ engine });
      const { listener, socket, peer } = await connectPair(pair);
      peer.stop();
      await assert.rejects(pair.settle(socket.closed), withCode("stopped"));
      const accepted = stateOf(listener.accept());
      const packets = watch(pair);
      pair.b.take({ from: socket.local, to: peer.local, bytes: dataPacket(0, pattern(5), { flags: FIRST }) });
      await pair.pass(10);
      assert.equal(accepted.now, "pending");
      assert.deepEqual(
        packets.map(({ from, isStop }) => [from, isStop]),
        [["b", true]],
      );
    });

    it("of an older connection does not disturb the one that is open between the same ports", async () => {
      const pair = await Pair.make({ engine });
      const { listener, socket, peer } = await connectPair(pair);
      await socket.send(numbered(0));
      assert.equal(numberOf((await pair.settle(peer.receive()))!), 0);
      const accepted = stateOf(listener.accept());
      pair.b.take({ from: socket.local, to: peer.local, bytes: ackPacket(undefined, FIRST) });
      pair.b.take({
        from: socket.local,
        to: peer.local,
        bytes: dataPacket(0, numbered(9), { flags: FIRST }),
      });
      await socket.send(numbered(1));
      assert.equal(numberOf((await pair.settle(peer.receive()))!), 1);
      assert.equal(accepted.now, "pending");
    });
  });

  it(`a connection of another identity between the same ports is another connection (${engine})`, async () => {
    const pair = await Pair.make({ engine });
    const { listener, socket, peer } = await connectPair(pair);
    const other = { sid: sidOf(0xa1), port: socket.local.port };
    pair.b.take({ from: other, to: peer.local, bytes: dataPacket(0, numbered(7), { flags: FIRST }) });
    const second = (await pair.settle(listener.accept()))!;
    assert.deepEqual(second.remote, other);
    assert.equal(numberOf((await pair.settle(second.receive()))!), 7);
  });
}
