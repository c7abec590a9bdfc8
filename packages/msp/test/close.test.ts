import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HandPeer } from "./support/hand-peer.ts";
import { ENGINES, Pair, pattern } from "./support/pair.ts";
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
import { ackPacket, dataPacket, EXTENSION, FIRST, SHUTDOWN, watch } from "./support/wire.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

for (const engine of ENGINES) {
  describe(`shutting down one direction (${engine})`, () => {
    for (const first of ["connecting", "accepting"] as const) {
      it(`leaves the other open: the ${first} side is done at once, the other sends on`, async () => {
        const pair = await Pair.make({ engine });
        const { socket, peer } = await connectPair(pair);
        const [quiet, busy] = first === "connecting" ? [socket, peer] : [peer, socket];
        quiet.shutdown();
        assert.equal(await pair.settle(busy.receive()), undefined);
        const sending = (async () => {
          for (const i of numbers(50)) {
            await busy.send(numbered(i));
            await pair.pass(500);
          }
          busy.shutdown();
        })();
        const received = receiveAll(quiet);
        await sending;
        assert.deepEqual((await pair.settle(received)).map(numberOf), numbers(50));
        assert.deepEqual(await pair.settle(Promise.all([quiet.closed, busy.closed])), ["clean", "clean"]);
        await assert.rejects(quiet.send(pattern(1)), withCode("state"));
      });
    }

    it("rides on the last message if that has not left yet", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair, { windowPackets: 1 });
      const packets = watch(pair);
      await sendAll(socket, numbers(3).map(numbered));
      await pair.settle(receiveAll(peer));
      const data = packets.filter(({ isData, from }) => isData && from === "a");
      assert.deepEqual(
        data.map(({ sequence, isShutdown, message }) => [sequence, isShutdown, message.length]),
        [
          [0, false, 4],
          [1, false, 4],
          [2, true, 4],
        ],
      );
    });

    it("goes on an empty message with the next number if everything has left", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      const packets = watch(pair);
      await sendAll(socket, numbers(3).map(numbered));
      await pair.settle(receiveAll(peer));
      const last = packets.filter(({ isData, from }) => isData && from === "a").at(-1)!;
      assert.deepEqual([last.sequence, last.isShutdown, last.message.length], [3, true, 0]);
      assert.equal(packets.filter(({ isShutdown }) => isShutdown).length, 1);
    });

    it("can be the first thing that is said", async () => {
      const pair = await Pair.make({ engine });
      const packets = watch(pair);
      const { a, b } = pair.meshes();
      const listener = await b.listen(PORT);
      const socket = await a.connect(pair.b.identities[0]!, PORT);
      socket.shutdown();
      const peer = (await pair.settle(listener.accept()))!;
      assert.deepEqual([...packets[0]!.bytes], [EXTENSION | FIRST | SHUTDOWN, 0xff, 0xff, 0, 0]);
      assert.equal(await pair.settle(peer.receive()), undefined);
      peer.shutdown();
      assert.equal(await pair.settle(socket.receive()), undefined);
      assert.deepEqual(await pair.settle(Promise.all([socket.closed, peer.closed])), ["clean", "clean"]);
    });

    it("twice is once", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      const packets = watch(pair);
      await socket.send(numbered(0));
      socket.shutdown();
      socket.shutdown();
      await pair.settle(receiveAll(peer));
      socket.shutdown();
      await pair.pass(100);
      peer.shutdown();
      await pair.settle(socket.receive());
      await pair.settle(socket.closed);
      socket.shutdown();
      await pair.pass(100);
      const shutdowns = packets.filter(({ isShutdown, from }) => isShutdown && from === "a");
      assert.deepEqual(
        shutdowns.map(({ sequence }) => sequence),
        [1],
      );
    });

    it("makes a later send() a state error, also while earlier ones wait for room", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair, { windowPackets: 4, sendQueueMessages: 4 });
      const sends = numbers(20).map((i) => socket.send(numbered(i)));
      socket.shutdown();
      const late = assert.rejects(socket.send(numbered(99)), withCode("state"));
      await late;
      const messages = await pair.settle(receiveAll(peer));
      await Promise.all(sends);
      assert.deepEqual(messages.map(numberOf), numbers(20), "those before it go first, in order");
      await assert.rejects(socket.send(numbered(99)), withCode("state"));
    });
  });

  describe(`closing (${engine})`, () => {
    it("by both at the same time ends clean on both sides", async () => {
      for (const delayMs of [0, 1, 10]) {
        const pair = await Pair.make({ engine, link: { delayMs } });
        const { socket, peer } = await connectPair(pair);
        await socket.send(numbered(1));
        await peer.send(numbered(2));
        const both = Promise.all([socket.close(), peer.close()]);
        await pair.settle(both);
        assert.deepEqual(await pair.settle(Promise.all([socket.closed, peer.closed])), ["clean", "clean"]);
      }
    });

    it("by both, at every offset of half a millisecond, ends clean with everything delivered", async () => {
      for (let offset = 0; offset < 40; offset += 1) {
        const pair = await Pair.make({ engine, link: { delayMs: 5 } });
        const { socket, peer } = await connectPair(pair);
        const received = Promise.all([receiveAll(socket), receiveAll(peer)]);
        await sendAll(socket, numbers(3).map(numbered));
        await pair.pass(offset / 2);
        await sendAll(peer, numbers(2).map(numbered));
        const [atSocket, atPeer] = await pair.settle(received);
        assert.deepEqual([atSocket.map(numberOf), atPeer.map(numberOf)], [numbers(2), numbers(3)]);
        const startMs = pair.clock.now();
        assert.deepEqual(await pair.settle(Promise.all([socket.closed, peer.closed])), ["clean", "clean"]);
        assert.ok(
          pair.clock.now() - startMs < 50,
          `offset ${offset / 2} ms: ${pair.clock.now() - startMs} ms`,
        );
      }
    });

    it("resolves only when the peer's application has taken everything", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      await socket.send(numbered(0));
      await socket.send(numbered(1));
      peer.shutdown();
      const closing = socket.close();
      const state = stateOf(closing);
      await pair.pass(60_000);
      assert.equal(state.now, "pending", "arrived, but not taken");
      await pair.settle(peer.receive());
      await pair.settle(peer.receive());
      await pair.pass(1000);
      assert.equal(state.now, "pending", "the last one is still in use");
      assert.equal(await pair.settle(peer.receive()), undefined);
      await pair.settle(closing);
      assert.equal(await pair.settle(peer.closed), "clean");
    });

    it("waits for the peer to shut down too, and drops what it still sends", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      await peer.send(numbered(0));
      await pair.pass(5);
      const closing = socket.close();
      const state = stateOf(closing);
      for (const i of numbers(300)) await pair.settle(peer.send(numbered(i)));
      await pair.pass(1000);
      assert.equal(state.now, "pending");
      peer.shutdown();
      await pair.settle(closing);
      assert.equal(await pair.settle(peer.closed), "clean");
    });

    it("sends first what waits for room", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair, { windowPackets: 2, sendQueueMessages: 2 });
      const sends = Promise.all(numbers(30).map((i) => socket.send(numbered(i))));
      const closing = socket.close();
      const messages = await pair.settle(receiveAll(peer));
      assert.deepEqual(messages.map(numberOf), numbers(30));
      await sends;
      await pair.settle(Promise.all([closing, peer.close()]));
    });

    it("while a receive() waits gives that call the next message and still comes to its end", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      const receiving = socket.receive();
      const closing = socket.close();
      await pair.pass(5);
      for (const i of numbers(10)) await peer.send(numbered(i));
      peer.shutdown();
      assert.deepEqual(await pair.settle(receiving), numbered(0));
      assert.equal(await pair.settle(peer.receive()), undefined);
      await pair.settle(closing);
    });

    it("while a loop reads never shows it a gap: it gets everything, or an error after the last in order", async () => {
      for (const count of [0, 1, 5, 40]) {
        const pair = await Pair.make({ engine });
        const { socket, peer } = await connectPair(pair);
        const received: number[] = [];
        const reading = (async () => {
          for await (const message of socket) {
            received.push(numberOf(message));
            await new Promise<void>((resolve) => pair.clock.setTimer(pair.clock.now() + 3, resolve));
          }
          return "complete";
        })().catch((error) => error.code);
        await pair.pass(5);
        const closing = socket.close();
        for (const i of numbers(count)) {
          await peer.send(numbered(i));
          await pair.pass(1);
        }
        await pair.settle(Promise.all([peer.close(), closing]));
        const end = await pair.settle(reading);
        assert.deepEqual(received, numbers(received.length), `${count} messages`);
        assert.equal(end, received.length === count ? "complete" : "aborted", `${count} messages`);
      }
    });

    it("stops a peer that has taken everything and does not end its own direction within the patience", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      const startMs = pair.clock.now();
      await socket.send(numbered(1));
      const closing = socket.close();
      assert.deepEqual((await pair.settle(receiveAll(peer))).map(numberOf), [1]);
      await pair.settle(closing);
      assert.equal(pair.clock.now() - startMs, 10_000);
      await assert.rejects(socket.closed, withCode("aborted"));
      await assert.rejects(pair.settle(peer.closed), withCode("stopped"));
    });

    it("waits, however long, for a peer that still takes what was sent", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      for (const i of numbers(20)) await socket.send(numbered(i));
      const closing = socket.close();
      for (const i of numbers(20)) {
        assert.deepEqual(await pair.settle(peer.receive()), numbered(i));
        await pair.pass(3000);
      }
      assert.equal(await pair.settle(peer.receive()), undefined);
      await pair.settle(Promise.all([peer.close(), closing]));
      assert.equal(await socket.closed, "clean");
    });

    it("twice waits for the same end, and works after the end", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      const closing = Promise.all([socket.close(), socket.close(), peer.close()]);
      await pair.settle(closing);
      await socket.close();
      assert.equal(await pair.settle(socket.receive()), undefined);
    });

    it("rejects with what ended the connection otherwise", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      const closing = socket.close();
      await pair.pass(5);
      peer.stop();
      await assert.rejects(pair.settle(closing), withCode("stopped"));
      await assert.rejects(socket.close(), withCode("stopped"));
      await assert.rejects(peer.close(), withCode("aborted"));
    });

    it("of a connection that nobody answers is a timeout", async () => {
      const pair = await Pair.make({ engine });
      const { a } = pair.meshes();
      const socket = await a.connect(pair.b.identities[0]!, PORT);
      await socket.send(numbered(0));
      await assert.rejects(pair.settle(socket.close()), withCode("timeout"));
      assert.equal(pair.clock.now(), 10_000);
    });

    it("by `await using` is close()", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      await socket.send(numbered(5));
      const disposed = Promise.all([socket[Symbol.asyncDispose](), receiveAll(peer)]);
      peer.shutdown();
      const [, messages] = await pair.settle(disposed);
      assert.deepEqual(messages.map(numberOf), [5]);
      assert.equal(await pair.settle(socket.closed), "clean");
    });

    it("is followed by silence: nothing is sent any more, even if packets are duplicated or late", async () => {
      const pair = await Pair.make({
        engine,
        seed: 3,
        link: { duplicate: 0.5, reorder: 0.3, reorderMs: 500 },
      });
      const { socket, peer } = await connectPair(pair);
      const received = Promise.all([receiveAll(socket), receiveAll(peer)]);
      await sendAll(socket, numbers(20).map(numbered));
      await sendAll(peer, numbers(20).map(numbered));
      await pair.settle(received);
      await pair.settle(Promise.all([socket.closed, peer.closed]));
      pair.link.configure({ duplicate: 0 }); // or a fault would multiply without end instead of failing
      await pair.pass(1500);
      const packets = watch(pair);
      await pair.pass(20_000);
      assert.equal(packets.length, 0);
    });

    it("leaves a memory that does not answer an acknowledgement, or two would answer each other", async () => {
      const pair = await Pair.make({ engine });
      const peer = new HandPeer(pair, PORT);
      const { a } = pair.meshes();
      const socket = await a.connect(peer.local.sid, PORT);
      socket.shutdown();
      peer.react = ({ isShutdown, sequence }) => {
        if (isShutdown) peer.send(dataPacket(0, new Uint8Array(0), { flags: SHUTDOWN, ack: sequence! }));
      };
      await pair.settle(socket.receive());
      await pair.settle(socket.closed);
      await pair.pass(5);
      const before = peer.received.length;
      for (const packet of [ackPacket(0), ackPacket(undefined), ackPacket(5), ackPacket(undefined, FIRST)])
        peer.send(packet);
      await pair.pass(5);
      assert.equal(peer.received.length, before);
      peer.send(dataPacket(0, new Uint8Array(0), { flags: SHUTDOWN, ack: 0 }));
      await pair.pass(5);
      assert.deepEqual(
        peer.received.slice(before).map(({ bytes }) => [...bytes]),
        [[...ackPacket(0, EXTENSION)]],
      );
    });
  });
}
