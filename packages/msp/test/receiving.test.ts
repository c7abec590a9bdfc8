import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ENGINES, Pair } from "./support/pair.ts";
import {
  connectPair,
  numbered,
  numberOf,
  receiveAll,
  sendAll,
  stateOf,
  withCode,
} from "./support/streams.ts";
import { watch } from "./support/wire.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

for (const engine of ENGINES) {
  describe(`sending without waiting (${engine})`, () => {
    it("keeps the order of the calls, with shutdown() behind all of them", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      const order: number[] = [];
      const sends = numbers(1000).map((i) => socket.send(numbered(i)).then(() => order.push(i)));
      socket.shutdown();
      const messages = await pair.settle(receiveAll(peer));
      await Promise.all(sends);
      assert.deepEqual(messages.map(numberOf), numbers(1000));
      assert.deepEqual(order, numbers(1000), "they resolve in order, too");
    });

    it("resolves as many as the queue holds, then one for each message that is acknowledged", async () => {
      const pair = await Pair.make({ engine });
      const config = { windowPackets: 4, sendQueueMessages: 8, ackEveryMessages: 1 };
      const { socket, peer } = await connectPair(pair, config);
      const sends = numbers(20).map((i) => stateOf(socket.send(numbered(i))));
      const resolved = () => sends.filter(({ now }) => now === "resolved").length;
      await pair.pass(100);
      assert.equal(resolved(), 8);
      for (const taken of numbers(12)) {
        await pair.settle(peer.receive());
        await pair.pass(10);
        assert.equal(resolved(), 8 + taken, `${taken} taken`);
      }
    });

    it("takes an awaited send() and one that was not in the order of the calls", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair, { windowPackets: 2, sendQueueMessages: 2 });
      const received = receiveAll(peer);
      const sending = (async () => {
        for (let i = 0; i < 60; i += 3) {
          const first = socket.send(numbered(i));
          const second = socket.send(numbered(i + 1));
          await socket.send(numbered(i + 2));
          await Promise.all([first, second]);
        }
        socket.shutdown();
      })();
      await pair.settle(sending);
      assert.deepEqual((await pair.settle(received)).map(numberOf), numbers(60));
    });
  });

  describe(`receiving (${engine})`, () => {
    it("is one call at a time: a second is a state error, the first goes on", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      const first = peer.receive();
      await assert.rejects(peer.receive(), withCode("state"));
      await assert.rejects(receiveAll(peer), withCode("state"));
      await socket.send(numbered(1));
      assert.equal(numberOf((await pair.settle(first))!), 1);
      await socket.send(numbered(2));
      assert.equal(numberOf((await pair.settle(peer.receive()))!), 2);
    });

    it("in a loop that is left early leaves the connection open, and goes on where it was", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      const packets = watch(pair);
      await sendAll(socket, numbers(6).map(numbered));
      const firstTwo = (async () => {
        for await (const message of peer) if (numberOf(message) === 1) break;
      })();
      await pair.settle(firstTwo);
      await pair.pass(100);
      assert.equal(packets.at(-1)!.ack, 0, "number 1 is not done with");
      assert.equal(stateOf(peer.closed).now, "pending");
      const thrown = (async () => {
        for await (const message of peer) if (numberOf(message) === 3) throw new Error("own trouble");
      })();
      await assert.rejects(pair.settle(thrown), { message: "own trouble" });
      assert.deepEqual((await pair.settle(receiveAll(peer))).map(numberOf), [4, 5]);
      assert.deepEqual(await pair.settle(receiveAll(peer)), [], "the end stays the end");
    });

    it("after the end gives undefined, again and again, also once the connection is closed", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      socket.shutdown();
      for (const _ of numbers(3)) assert.equal(await pair.settle(peer.receive()), undefined);
      peer.shutdown();
      await pair.settle(peer.closed);
      for (const _ of numbers(3)) assert.equal(await pair.settle(peer.receive()), undefined);
    });

    it("gives the messages that came before the end even after both ends have shut down", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      peer.shutdown();
      await sendAll(socket, numbers(5).map(numbered));
      await pair.pass(1000);
      assert.deepEqual((await pair.settle(receiveAll(peer))).map(numberOf), numbers(5));
      assert.deepEqual(await pair.settle(Promise.all([socket.closed, peer.closed])), ["clean", "clean"]);
    });

    it("echoes: a loop that sends back what it gets, with small queues on both sides", async () => {
      const pair = await Pair.make({
        engine,
        seed: 9,
        link: { delayMs: 3, loss: { model: "bernoulli", p: 0.05 } },
      });
      const { socket, peer } = await connectPair(pair, { windowPackets: 4, sendQueueMessages: 4 });
      const echo = (async () => {
        for await (const message of peer) await peer.send(message);
        await peer.close();
      })();
      const [received] = await pair.settle(
        Promise.all([receiveAll(socket), sendAll(socket, numbers(300).map(numbered)), echo]),
      );
      assert.deepEqual(received.map(numberOf), numbers(300));
      assert.equal(await pair.settle(socket.closed), "clean");
    });
  });

  describe(`a failure that nobody waits for (${engine})`, () => {
    it("is no unhandled rejection", async () => {
      // Every runtime ends a test program on an unhandled rejection: it is enough to let things fail and look away.
      for (const fail of [
        (pair: Pair) => pair.link.configure({ up: false }),
        (pair: Pair) => pair.b.lose(),
      ]) {
        const pair = await Pair.make({ engine });
        const { meshes } = await connectPair(pair);
        await meshes.a.connect(pair.b.identities[0]!, PORT_WITHOUT_LISTENER);
        fail(pair);
        await pair.pass(20_000);
      }
      const pair = await Pair.make({ engine });
      const { socket } = await connectPair(pair);
      socket.stop();
      await pair.pass(100);
      await new Promise((resolve) => setTimeout(resolve, 0));
    });
  });
}

const PORT_WITHOUT_LISTENER = 513;
