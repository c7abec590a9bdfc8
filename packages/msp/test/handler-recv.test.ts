import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { INBOX_PACKETS } from "../src/handler/inbox.ts";
import { ENGINES, Pair, turn } from "./support/pair.ts";
import { bytes, flags, Program, runFor, runUntil } from "./support/program.ts";

const PORT = 512;

for (const engine of ENGINES) {
  describe(`recv (${engine})`, () => {
    async function connected(config = {}) {
      const pair = await Pair.make({ engine });
      const server = new Program(pair, pair.b, config);
      const client = new Program(pair, pair.a, config);
      const listener = server.listener(PORT);
      const remote = { sid: pair.b.identities[0]!, port: PORT };
      const socket = client.client(remote);
      await runUntil([server, client], () => client.api.isConnected(socket));
      await runFor([server, client], 100);
      const [accepted] = server.accepted(listener);
      return { pair, server, client, listener, remote, socket, accepted: accepted!, mdp: server.mdps[0]! };
    }

    it("recv takes one packet and queues it for processing, which alone changes a socket", async () => {
      const { pair, server, client, socket, accepted, mdp } = await connected();
      for (const message of ["one", "two"]) client.api.send(socket, bytes(message));
      client.process();
      pair.clock.runUntil(pair.clock.now() + 10);
      server.process();
      assert.deepEqual(server.textsOf(accepted), [], "nobody took the packets yet");
      assert.equal(await server.api.recv(mdp), true);
      assert.deepEqual(server.textsOf(accepted), []);
      server.process();
      assert.deepEqual(server.textsOf(accepted), ["one"]);
      assert.equal(await server.api.recv(mdp), true);
      server.process();
      assert.deepEqual(server.textsOf(accepted), ["one", "two"]);
      assert.equal(await server.api.recv(mdp, { timeoutMs: 0 }), false);
    });

    it("recv is false when nothing came in the time given", async () => {
      const { pair, server, mdp } = await connected();
      const startMs = pair.clock.now();
      assert.equal(await server.api.recv(mdp, { timeoutMs: 0 }), false);
      assert.equal(server.api.lastError()?.code, "again");
      const waiting = server.api.recv(mdp, { timeoutMs: 250 });
      assert.equal(await pair.settle(waiting), false);
      assert.equal(pair.clock.now(), startMs + 250);
      assert.equal(server.api.lastError()?.code, "again");
      for (const timeoutMs of [-1, Number.NaN]) {
        assert.throws(() => server.api.recv(mdp, { timeoutMs }), { code: "argument" });
      }
    });

    it("recv without a time waits for the next packet", async () => {
      const { pair, server, client, socket, accepted, mdp } = await connected();
      const timers = pair.clock.pendingCount;
      let isTaken = false;
      const waiting = server.api.recv(mdp).then((queued) => {
        isTaken = queued;
      });
      assert.equal(pair.clock.pendingCount, timers);
      await pair.pass(5000);
      assert.equal(isTaken, false);
      client.api.send(socket, bytes("at last"));
      client.process();
      await pair.settle(waiting);
      assert.equal(isTaken, true);
      assert.equal(server.api.isOpen(accepted), true);
    });

    it("a packet wakes every recv that waits on its MDP socket", async () => {
      const { pair, server, client, socket, accepted, mdp } = await connected();
      const waiting = [server.api.recv(mdp), server.api.recv(mdp, { timeoutMs: 500 }), server.api.recv(mdp)];
      client.api.send(socket, bytes("one"));
      client.process();
      const timers = pair.clock.pendingCount;
      assert.deepEqual(await pair.settle(Promise.all(waiting)), [true, true, true]);
      assert.equal(pair.clock.pendingCount, timers - 2, "the packet has come and the time limit is gone");
      assert.equal(await server.api.recv(mdp, { timeoutMs: 0 }), false, "it was one packet");
      server.process();
      assert.deepEqual(server.textsOf(accepted), ["one"]);
    });

    it("recv refuses a number that is no MDP socket", async () => {
      const { server } = await connected();
      for (const number of [0, -1, 99, Number.NaN]) {
        assert.throws(() => server.api.recv(number, { timeoutMs: 0 }), {
          name: "MspError",
          code: "argument",
        });
      }
    });

    it("a bad packet is a counted drop and sets no error on any socket", async () => {
      const { pair, server, client, socket, accepted, mdp } = await connected();
      const bad = [
        new Uint8Array(0),
        Uint8Array.of(0x02),
        new Uint8Array(5 + 1196),
        Uint8Array.of(0xff, 0, 0, 9),
      ];
      for (const packet of bad) {
        pair.a.filter = () => packet;
        client.api.send(socket, bytes("x"));
        client.process();
        pair.clock.runUntil(pair.clock.now() + 10);
        assert.equal(await server.api.recv(mdp, { timeoutMs: 0 }), true);
        server.process();
        pair.a.filter = () => undefined;
      }
      const counters = server.api.counters(mdp);
      assert.deepEqual([counters["msp.empty"], counters["msp.nothing"], counters["msp.oversize"]], [1, 1, 1]);
      for (const handle of [accepted, server.calls[0]!.socket]) {
        assert.equal(server.api.getState(handle) & server.api.ERROR, 0);
        assert.equal(server.api.isOpen(handle), true);
      }
      pair.a.filter = (packet) => packet;
      await runUntil([server, client], () => server.textsOf(accepted).length === 4);
    });

    it("packets that nobody takes are dropped beyond a limit, and counted", async () => {
      const { server, client, socket, accepted, remote, mdp } = await connected();
      for (let count = 0; count < 250; count += 1) client.api.send(socket, bytes(`message ${count}`));
      // Nobody answers: each sends a first flight and no more.
      for (let count = 0; count < 20; count += 1) {
        const other = client.client(remote);
        for (let i = 0; i < 16; i += 1) client.api.send(other, bytes(`other ${i}`));
      }
      await runFor([client], 5000);
      await turn();
      assert.ok(server.api.counters(mdp)["handler.inbox-full"]! > 0);
      let taken = 0;
      while (await server.api.recv(mdp, { timeoutMs: 0 })) taken += 1;
      assert.equal(taken, INBOX_PACKETS);
      server.process();
      await runUntil([server, client], () => server.textsOf(accepted).length === 250);
    });

    it("the loss of the transport ends every socket with ERROR and CLOSED", async () => {
      const { pair, server, listener, accepted, mdp } = await connected();
      const waiting = server.api.recv(mdp);
      server.calls.length = 0;
      pair.b.lose();
      assert.equal(await waiting, false, "whoever waits is sent on to processing()");
      assert.equal(server.api.lastError()?.code, "transport-lost");
      assert.deepEqual([server.api.isOpen(listener), server.api.isOpen(accepted)], [true, true]);
      const codes: unknown[] = [];
      server.api.setHandler(accepted, (_, state) => {
        codes.push(flags(state), server.api.lastError()?.code);
        return 0;
      });
      server.process();
      assert.deepEqual(codes, ["CLOSED|ERROR", "transport-lost"]);
      assert.deepEqual(
        server.callsOf(listener).map(({ state }) => flags(state)),
        ["CLOSED|ERROR"],
      );
      assert.equal(await server.api.recv(mdp), false, "there is nothing to wait for any more");
    });

    it("send, shutdown and stop from elsewhere end the wait of a loop, so that processing can act", async () => {
      const { client, socket } = await connected();
      const { api } = client;
      const mdp = api.getMdpSocket(socket);
      for (const act of [
        () => api.send(socket, bytes("x")),
        () => api.shutdown(socket),
        () => api.stop(socket),
      ]) {
        const waiting = api.recv(mdp);
        act();
        assert.equal(await waiting, false);
      }
      client.process();
      assert.equal(api.isValid(socket), false);
    });

    it("recv does not wait on an MDP socket that is done with", async () => {
      const { pair, server, client, socket, mdp } = await connected();
      for (const message of ["taken in", "never taken in"]) client.api.send(socket, bytes(message));
      client.process();
      pair.clock.runUntil(pair.clock.now() + 10);
      assert.equal(await server.api.recv(mdp), true);
      server.api.closeAll(mdp);
      assert.equal(await server.api.recv(mdp), false);
      const unused = server.api.mdpSocket();
      const waiting = server.api.recv(unused);
      server.api.mdpClose(unused);
      assert.equal(await waiting, false);
      server.api.mdpClose(mdp);
      assert.throws(() => server.api.recv(mdp), { code: "argument" });
    });
  });
}
