import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ENGINES, Pair, pattern } from "./support/pair.ts";
import { connectPair, numbered, numberOf, PORT, receiveAll, stateOf, withCode } from "./support/streams.ts";
import { watch } from "./support/wire.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

/** A controller whose signal counts who listens to it. */
class CountingController extends AbortController {
  readonly #listening = new Set<unknown>();

  constructor() {
    super();
    const { signal } = this;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = ((type: string, listener: () => void, options: AddEventListenerOptions) => {
      this.#listening.add(listener);
      add(type, listener, options);
    }) as typeof signal.addEventListener;
    signal.removeEventListener = ((type: string, listener: () => void) => {
      this.#listening.delete(listener);
      remove(type, listener);
    }) as typeof signal.removeEventListener;
  }

  get listenerCount(): number {
    return this.#listening.size;
  }
}

/** For assert.rejects: given up by a signal that was aborted for this reason. */
const abortedFor = (reason: unknown) => (error: { code?: string; cause?: unknown }) =>
  error.code === "aborted" && error.cause === reason;

for (const engine of ENGINES) {
  describe(`a signal (${engine})`, () => {
    it("that was aborted before gives up every call before it does anything", async () => {
      const pair = await Pair.make({ engine });
      const { meshes, listener, socket, peer } = await connectPair(pair);
      const free = pair.a.core.freeSlotCount;
      const reason = new Error("no time");
      const signal = AbortSignal.abort(reason);
      const sid = pair.b.identities[0]!;
      const local = { sid: pair.a.identities[0]!, port: 600 };
      await assert.rejects(socket.send(pattern(1), { signal }), abortedFor(reason));
      await assert.rejects(socket.receive({ signal }), abortedFor(reason));
      await assert.rejects(listener.accept({ signal }), abortedFor(reason));
      await assert.rejects(meshes.a.listen(600, { signal }), abortedFor(reason));
      await assert.rejects(meshes.a.connect(sid, PORT, { signal, local }), abortedFor(reason));
      await pair.pass(5);
      assert.equal(pair.a.core.freeSlotCount, free);
      await meshes.a.listen(600); // the port is free
      await socket.send(numbered(1));
      assert.equal(numberOf((await pair.settle(peer.receive()))!), 1);
    });

    it("gives up a send() that waits: that message is not sent, the others are, in order", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair, { windowPackets: 4, sendQueueMessages: 4 });
      const reason = new Error("enough");
      const controllers = numbers(20).map(() => new AbortController());
      const sends = controllers.map(({ signal }, i) => socket.send(numbered(i), { signal }));
      for (const i of [7, 4, 19]) controllers[i]!.abort(reason);
      for (const i of [7, 4, 19]) await assert.rejects(sends[i]!, abortedFor(reason));
      socket.shutdown();
      const messages = await pair.settle(receiveAll(peer));
      assert.deepEqual(
        messages.map(numberOf),
        numbers(20).filter((i) => ![7, 4, 19].includes(i)),
      );
      await Promise.all(sends.filter((_, i) => ![7, 4, 19].includes(i)));
    });

    it("that gives up the last waiting send() does not take the shutdown() behind it along", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair, { windowPackets: 2, sendQueueMessages: 2 });
      const controllers = numbers(5).map(() => new AbortController());
      const sends = controllers.map(({ signal }, i) => socket.send(numbered(i), { signal }));
      socket.shutdown();
      for (const i of [4, 2, 3]) {
        controllers[i]!.abort();
        await assert.rejects(sends[i]!, withCode("aborted"));
      }
      assert.deepEqual((await pair.settle(receiveAll(peer))).map(numberOf), [0, 1]);
    });

    it("has no power over a send() that has resolved", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      const controller = new AbortController();
      await socket.send(numbered(1), controller);
      controller.abort();
      assert.equal(numberOf((await pair.settle(peer.receive()))!), 1);
    });

    it("gives up a receive() that waits: no message is lost, the next call gets it", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      const controller = new AbortController();
      const receiving = peer.receive(controller);
      await socket.send(numbered(1));
      const reason = new Error("too late");
      controller.abort(reason);
      await assert.rejects(receiving, abortedFor(reason));
      await pair.pass(5);
      await socket.send(numbered(2));
      assert.equal(numberOf((await pair.settle(peer.receive()))!), 1);
      assert.equal(numberOf((await pair.settle(peer.receive()))!), 2);
    });

    it("that is aborted in the very turn in which a message comes loses nothing either", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      for (const order of ["before", "after"] as const) {
        const controller = new AbortController();
        const receiving = peer.receive(controller).catch(() => undefined);
        await socket.send(numbered(1));
        if (order === "before") pair.clock.setTimer(pair.clock.now() + 1, () => controller.abort());
        const before = pair.b.filter;
        pair.b.filter = (bytes) => {
          controller.abort(); // while the packet that came is still being answered
          return before(bytes);
        };
        await pair.pass(5);
        pair.b.filter = before;
        const message = (await receiving) ?? (await pair.settle(peer.receive()));
        assert.equal(numberOf(message!), 1);
      }
    });

    it("gives up an accept() that waits: the next one gets the connection", async () => {
      const pair = await Pair.make({ engine });
      const { a, b } = pair.meshes();
      const listener = await b.listen(PORT);
      const controllers = numbers(3).map(() => new AbortController());
      const accepting = controllers.map((controller) => listener.accept(controller));
      const last = listener.accept();
      const reason = new Error("closing time");
      for (const controller of controllers) controller.abort(reason);
      for (const promise of accepting) await assert.rejects(promise, abortedFor(reason));
      const socket = await a.connect(pair.b.identities[0]!, PORT);
      assert.deepEqual((await pair.settle(last))!.remote, socket.local);
    });

    it("closes a listener, whose accept() and iteration then end", async () => {
      const pair = await Pair.make({ engine });
      const { a, b } = pair.meshes();
      const controller = new AbortController();
      const listener = await b.listen(PORT, controller);
      const iterating = (async () => {
        for await (const _ of listener);
        return "ended";
      })();
      await pair.pass(5);
      controller.abort();
      assert.equal(await pair.settle(iterating), "ended");
      assert.equal(await listener.accept(), undefined);
      await b.listen(PORT); // the port is free
      await a.close();
    });

    it("of connect() stops the connection, for as long as it lives", async () => {
      const pair = await Pair.make({ engine });
      const { a, b } = pair.meshes();
      const listener = await b.listen(PORT);
      for (const afterMs of [0, 0.5, 100]) {
        const controller = new AbortController();
        const socket = await a.connect(pair.b.identities[0]!, PORT, controller);
        await socket.send(numbered(0));
        await pair.pass(afterMs);
        controller.abort();
        await assert.rejects(pair.settle(socket.closed), withCode("aborted"));
        const peer = (await pair.settle(listener.accept()))!;
        await assert.rejects(pair.settle(peer.closed), withCode("stopped"));
      }
    });

    it("is let go by every call that has ended, however it ended", async () => {
      const pair = await Pair.make({ engine });
      const controller = new CountingController();
      const { signal } = controller;
      const { a, b } = pair.meshes({ windowPackets: 2, sendQueueMessages: 2 });
      const listener = await b.listen(PORT, { signal });
      const accepting = listener.accept({ signal });
      const socket = await a.connect(pair.b.identities[0]!, PORT, { signal });
      const peer = (await pair.settle(accepting))!;
      const sends = numbers(10).map((i) => socket.send(numbered(i), { signal }));
      for (const _ of numbers(10)) await pair.settle(peer.receive({ signal }));
      await pair.settle(Promise.all(sends));
      const waiting = peer.receive({ signal });
      const failing = numbers(5).map((i) =>
        assert.rejects(peer.send(numbered(i), { signal })).catch(() => {}),
      );
      socket.stop();
      await assert.rejects(pair.settle(waiting), withCode("stopped"));
      await Promise.all(failing);
      const unaccepted = listener.accept({ signal });
      listener.close();
      await unaccepted;
      await pair.pass(5);
      assert.equal(controller.listenerCount, 0);
      const second = await b.listen(PORT + 1, { signal });
      const lost = second.accept({ signal });
      pair.b.lose();
      await assert.rejects(lost, withCode("transport-lost"));
      second.close();
      assert.equal(controller.listenerCount, 0);
    });

    it("that gives up a call sends nothing", async () => {
      const pair = await Pair.make({ engine });
      const { socket, peer } = await connectPair(pair);
      await pair.pass(5);
      const controller = new AbortController();
      const receiving = stateOf(peer.receive(controller));
      const packets = watch(pair);
      controller.abort();
      await pair.pass(5);
      assert.equal(receiving.now, "rejected");
      assert.equal(packets.length, 0);
      assert.deepEqual([stateOf(socket.closed).now, stateOf(peer.closed).now], ["pending", "pending"]);
    });
  });
}
