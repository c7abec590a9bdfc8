import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BIND_ALL, type Sid } from "../src/address.ts";
import { MspError } from "../src/errors.ts";
import type { MspSocket } from "../src/stream/socket.ts";
import { ENGINES, Pair } from "./support/pair.ts";
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
import { watch } from "./support/wire.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

for (const engine of ENGINES) {
  describe(`a listener (${engine})`, () => {
    it("keeps 64 connections waiting in the order in which they came, and stops the ones beyond", async () => {
      const pair = await Pair.make({ engine });
      const { a, b } = pair.meshes();
      const listener = await b.listen(PORT);
      const sockets: MspSocket[] = [];
      for (const i of numbers(70)) {
        const socket = await a.connect(pair.b.identities[0]!, PORT);
        await socket.send(numbered(i));
        sockets.push(socket);
        await pair.pass(1);
      }
      for (const socket of sockets.slice(64)) {
        await assert.rejects(pair.settle(socket.closed), withCode("stopped"));
      }
      for (const i of numbers(64)) {
        const peer = (await pair.settle(listener.accept()))!;
        assert.equal(numberOf((await pair.settle(peer.receive()))!), i);
      }
      const late = await a.connect(pair.b.identities[0]!, PORT);
      const peer = (await pair.settle(listener.accept()))!;
      assert.deepEqual(peer.remote, late.local, "there is room again");
    });

    it("serves several waiting accept() calls in turn", async () => {
      const pair = await Pair.make({ engine });
      const { a, b } = pair.meshes();
      const listener = await b.listen(PORT);
      const accepting = numbers(3).map(() => listener.accept());
      const sockets: MspSocket[] = [];
      for (const _ of numbers(3)) sockets.push(await a.connect(pair.b.identities[0]!, PORT));
      const peers = await pair.settle(Promise.all(accepting));
      assert.deepEqual(
        peers.map((peer) => peer!.remote.port).sort(),
        sockets.map(({ local }) => local.port).sort(),
      );
    });

    it("that closes ends accept() and iteration, stops who waits, and leaves who was accepted", async () => {
      const pair = await Pair.make({ engine });
      const { a, b } = pair.meshes();
      const listener = await b.listen(PORT);
      const accepted = await a.connect(pair.b.identities[0]!, PORT);
      const peer = (await pair.settle(listener.accept()))!;
      const waiting = await a.connect(pair.b.identities[0]!, PORT);
      await pair.settle(waiting.connected);
      listener.close();
      listener.close();
      await assert.rejects(pair.settle(waiting.closed), withCode("stopped"));
      assert.equal(await listener.accept(), undefined);
      for await (const _ of listener) assert.fail("nobody comes any more");
      await sendAll(accepted, [numbered(5)]);
      assert.deepEqual((await pair.settle(receiveAll(peer))).map(numberOf), [5]);
      const late = await a.connect(pair.b.identities[0]!, PORT);
      await assert.rejects(pair.settle(late.closed), withCode("stopped"));
    });

    it("is iterated until it is closed, also with `await using`", async () => {
      const pair = await Pair.make({ engine });
      const { a, b } = pair.meshes();
      const listener = await b.listen(PORT);
      const served: number[] = [];
      const serving = (async () => {
        for await (const socket of listener) {
          served.push(numberOf((await socket.receive())!));
          if (served.length === 3) await listener[Symbol.asyncDispose]();
          await socket.close();
        }
      })();
      const asking = (async () => {
        for (const i of numbers(3)) {
          const socket = await a.connect(pair.b.identities[0]!, PORT);
          await socket.send(numbered(i));
          await socket.close();
        }
      })();
      await pair.settle(Promise.all([serving, asking]));
      assert.deepEqual(served, [0, 1, 2]);
    });

    it("alone holds its port: a second is refused, also one for another identity or for all", async () => {
      const pair = await Pair.make({ engine });
      const { b } = pair.meshes();
      const listener = await b.listen(PORT);
      await assert.rejects(b.listen(PORT), withCode("port-in-use"));
      await assert.rejects(b.listen(PORT, { sid: BIND_ALL }), withCode("port-in-use"));
      listener.close();
      const second = await b.listen(PORT);
      assert.deepEqual(second.local, { sid: pair.b.identities[0]!, port: PORT });
    });

    it("can be opened anew once the connections of the one before it are forgotten, 15 s after they closed", async () => {
      const pair = await Pair.make({ engine });
      const { meshes, listener, socket, peer } = await connectPair(pair);
      await pair.settle(Promise.all([socket.close(), peer.close()]));
      listener.close();
      await pair.pass(14_990);
      await assert.rejects(meshes.b.listen(PORT), withCode("port-in-use"), "repeats may still come");
      await pair.pass(20);
      await meshes.b.listen(PORT);
    });

    it("is refused later where a holder or a daemon has the last word: listen() rejects, and all is as before", async () => {
      const pair = await Pair.make({ engine });
      const free = pair.b.core.freeSlotCount;
      const { a, b } = pair.meshes();
      const refusal = new MspError("port-in-use", "the daemon says no");
      pair.b.ready = () =>
        new Promise((_, reject) => void pair.clock.setTimer(pair.clock.now() + 20, () => reject(refusal)));
      const listening = b.listen(PORT);
      const socket = await a.connect(pair.b.identities[0]!, PORT); // comes while that is open
      await assert.rejects(pair.settle(listening), refusal);
      await assert.rejects(pair.settle(socket.closed), withCode("stopped"));
      assert.equal(pair.b.core.freeSlotCount, free);
      pair.b.ready = () => Promise.resolve();
      await pair.pass(15_000);
      await b.listen(PORT);
    });

    it("on BIND_ALL takes connections to each identity, and each answers in its own name", async () => {
      const pair = await Pair.make({ engine });
      const { a, b } = pair.meshes();
      const listener = await b.listen(PORT, { sid: BIND_ALL });
      assert.deepEqual(listener.local, { sid: pair.b.identities[0]!, port: PORT });
      for (const sid of pair.b.identities) {
        const socket = await a.connect(sid, PORT);
        const peer = (await pair.settle(listener.accept()))!;
        assert.deepEqual(peer.local, { sid, port: PORT });
        await sendAll(peer, [numbered(1)]);
        assert.deepEqual((await pair.settle(receiveAll(socket))).map(numberOf), [1]);
        await pair.settle(Promise.all([socket.close(), peer.close()]));
      }
    });

    it("for one identity takes no connections to another", async () => {
      const pair = await Pair.make({ engine });
      const { a, b } = pair.meshes();
      const [first, second] = pair.b.identities as [Sid, Sid];
      const listener = await b.listen(PORT, { sid: second });
      assert.deepEqual(listener.local.sid, second);
      const accepted = stateOf(listener.accept());
      const wrong = await a.connect(first, PORT);
      await assert.rejects(pair.settle(wrong.closed), withCode("stopped"));
      assert.equal(accepted.now, "pending");
      const right = await a.connect(second, PORT);
      await pair.settle(right.connected);
      assert.equal(accepted.now, "resolved");
    });

    it("needs a port from 1 to 4294967295", async () => {
      const pair = await Pair.make({ engine });
      const { b } = pair.meshes();
      for (const port of [0, -1, 1.5, Number.NaN, 4_294_967_296, "512" as unknown as number]) {
        await assert.rejects(b.listen(port), withCode("address"), String(port));
      }
      const highest = await b.listen(4_294_967_295);
      assert.equal(highest.local.port, 4_294_967_295);
    });
  });

  describe(`the local address of a connection (${engine})`, () => {
    it("can be given: the peer sees it", async () => {
      const pair = await Pair.make({ engine });
      const { a, b } = pair.meshes();
      const listener = await b.listen(PORT);
      const local = { sid: pair.a.identities[1]!, port: 4_000_000_000 };
      const socket = await a.connect(pair.b.identities[0]!, PORT, { local });
      const peer = (await pair.settle(listener.accept()))!;
      assert.deepEqual([socket.local, peer.remote], [local, local]);
      await assert.rejects(a.connect(pair.b.identities[0]!, PORT, { local }), withCode("port-in-use"));
      await assert.rejects(a.connect(pair.b.identities[0]!, 99, { local }), withCode("port-in-use"));
      await sendAll(peer, [numbered(1)]);
      assert.deepEqual((await pair.settle(receiveAll(socket))).map(numberOf), [1]);
    });

    it("may be refused later, too: the connection then fails with what the refusal says", async () => {
      const pair = await Pair.make({ engine });
      const { a } = pair.meshes();
      pair.a.ready = () => Promise.reject(new MspError("port-in-use", "the daemon says no"));
      const socket = await a.connect(pair.b.identities[0]!, PORT);
      await assert.rejects(pair.settle(socket.closed), withCode("port-in-use"));
      await assert.rejects(socket.connected, withCode("port-in-use"));
      assert.equal(pair.clock.now(), 0);
    });

    it("is free again 15 s after the connection closed, whatever ended it", async () => {
      for (const end of ["close", "stop", "timeout"] as const) {
        const pair = await Pair.make({ engine });
        const { a, b } = pair.meshes();
        const listener = await b.listen(PORT);
        const local = { sid: pair.a.identities[0]!, port: 600 };
        const socket = await a.connect(pair.b.identities[0]!, PORT, { local });
        const peer = (await pair.settle(listener.accept()))!;
        if (end === "close") await pair.settle(Promise.all([socket.close(), peer.close()]));
        if (end === "stop") socket.stop();
        if (end === "timeout") {
          pair.link.configure({ up: false });
          await assert.rejects(pair.settle(socket.closed), withCode("timeout"));
          pair.link.configure({ up: true });
        }
        await assert.rejects(a.connect(pair.b.identities[0]!, PORT, { local }), withCode("port-in-use"), end);
        await pair.pass(15_001);
        const again = await a.connect(pair.b.identities[0]!, PORT, { local });
        await pair.settle(again.connected);
      }
    });

    it("is the primary identity and a random port from 257 to 2147483647 otherwise", async () => {
      const pair = await Pair.make({ engine });
      const { a } = pair.meshes();
      const ports = new Set<number>();
      for (const _ of numbers(100)) {
        const { local } = await a.connect(pair.b.identities[0]!, PORT);
        assert.equal(local.sid, pair.a.identities[0]);
        assert.ok(local.port >= 257 && local.port <= 0x7fff_ffff, String(local.port));
        ports.add(local.port);
      }
      assert.equal(ports.size, 100);
      assert.ok(Math.max(...ports) > 0x4000_0000 && Math.min(...ports) < 0x1000_0000, "from the whole range");
    });

    it("is drawn again while it is a service's, in use by a connection or a listener, or remembered", async () => {
      const pair = await Pair.make({ engine });
      const drawn = [0, 256, 0x8000_0100, 300, 300, 400, 300, 500, 300, 400, 500, 600, 600, 700];
      pair.entropy.fill = (bytes) => {
        new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, drawn.shift()!, true);
      };
      const { a, b } = pair.meshes();
      await b.listen(PORT);
      await a.listen(600);
      const connect = () => a.connect(pair.b.identities[0]!, PORT);
      const first = await connect();
      assert.equal(first.local.port, 300, "0, 256 and 256 again, but for the top bit, are a service's");
      const second = await connect();
      assert.equal(second.local.port, 400, "300 is in use");
      second.stop();
      await pair.pass(5);
      const third = await connect();
      assert.equal(third.local.port, 500, "300 is in use");
      const fourth = await connect();
      assert.equal(fourth.local.port, 700, "400 is remembered, 600 is listened on");
    });

    it("and the remote one must be addresses", async () => {
      const pair = await Pair.make({ engine });
      const { a } = pair.meshes();
      const sid = pair.b.identities[0]!;
      for (const port of [0, -1, 0.5, 4_294_967_296]) {
        await assert.rejects(a.connect(sid, port), withCode("address"), String(port));
        if (port === 0) continue;
        const local = { sid: pair.a.identities[0]!, port };
        await assert.rejects(a.connect(sid, PORT, { local }), withCode("address"), `local ${port}`);
      }
      for (const text of ["", "12", `${sid.hex}0`, `${sid.hex.slice(1)}g`]) {
        await assert.rejects(a.connect(text, PORT), withCode("address"), text);
      }
      const packets = watch(pair);
      const socket = await a.connect(sid.hex.toLowerCase(), PORT);
      assert.equal(socket.remote.sid.hex, sid.hex);
      await pair.pass(5);
      assert.equal(packets.length, 1);
    });
  });
}
