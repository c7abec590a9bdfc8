import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ENGINES, Pair } from "./support/pair.ts";
import { bytes, flags, Program, runFor, runUntil, text } from "./support/program.ts";

const PORT = 512;

for (const engine of ENGINES) {
  describe(`the handler of a listener (${engine})`, () => {
    async function programs() {
      const pair = await Pair.make({ engine });
      const server = new Program(pair, pair.b);
      const client = new Program(pair, pair.a);
      return { pair, server, client, api: client.api, remote: { sid: pair.b.identities[0]!, port: PORT } };
    }

    it("a listener's handler gets the new data socket, open and connected", async () => {
      const { server, client, remote } = await programs();
      const states: boolean[][] = [];
      const listener = server.listener(PORT, (socket) => {
        states.push([server.api.isOpen(socket), server.api.isData(socket), server.api.isConnected(socket)]);
      });
      for (let count = 0; count < 3; count += 1) client.client(remote);
      await runUntil([server, client], () => server.accepted(listener).length === 3);
      assert.equal(server.callsOf(listener).length, 0);
      for (const state of states) assert.deepEqual(state, [true, true, true]);
    });

    it("a data socket keeps its listener's handler and context until another is set", async () => {
      const { server, client, remote, api } = await programs();
      const { setHandler } = server.api;
      const later = server.handler();
      server.listener(
        PORT,
        (socket, _, payload) => {
          if (text(payload) === "two") setHandler(socket, later, "of the connection");
        },
        "of the listener",
      );
      const socket = client.client(remote);
      const seen = () => server.calls.filter(({ text }) => text !== "").map(({ context }) => context);
      api.send(socket, bytes("one"));
      await runUntil([server, client], () => seen().length === 1);
      api.send(socket, bytes("two"));
      await runUntil([server, client], () => seen().length === 2);
      api.send(socket, bytes("three"));
      await runUntil([server, client], () => seen().length === 3);
      assert.deepEqual(seen(), ["of the listener", "of the listener", "of the connection"]);
    });

    it("the first call for a new socket brings its first message, or none", async () => {
      for (const first of ["hello", ""]) {
        const { server, client, remote, api } = await programs();
        const io = server.handler();
        const listener = server.listener(PORT, (socket, _, payload) => {
          server.api.setHandler(socket, io);
          return payload.length === 0 ? 0 : 2; // what it leaves goes to the handler that it has set
        });
        const socket = client.client(remote);
        if (first !== "") api.send(socket, bytes(first));
        await runUntil([server, client], () => server.accepted(listener).length === 1);
        const [accepted] = server.accepted(listener);
        assert.equal(server.callsOf(accepted!)[0]!.text, first);
        await runFor([server, client], 100);
        assert.deepEqual(server.textsOf(accepted!), first === "" ? [] : ["hello", "llo"]);
      }
    });

    it("a connection that ended before it was announced is announced to nobody", async () => {
      const { server, client, remote, api } = await programs();
      const listener = server.listener();
      const socket = client.client(remote);
      client.process();
      api.stop(socket);
      client.process();
      server.pair.clock.runUntil(10);
      for (const mdp of server.mdps) while (await server.api.recv(mdp, { timeoutMs: 0 }));
      server.process();
      assert.deepEqual(server.calls, []);
      assert.equal(server.api.isListening(listener), true);
    });

    it("the call that announces a data socket never has ERROR, which would mean the listener", async () => {
      const { server, client, remote, api } = await programs();
      const listener = server.listener();
      api.send(client.client(remote), bytes("x"));
      client.process();
      server.pair.clock.runUntil(10);
      for (const mdp of server.mdps) while (await server.api.recv(mdp, { timeoutMs: 0 }));
      server.pair.b.lose();
      server.process();
      const ofData = server.calls.filter(({ socket }) => socket !== listener);
      const seen = ofData.map(({ state, text }) => [flags(state), text]);
      assert.deepEqual(seen, [
        ["", "x"],
        ["CLOSED|ERROR", ""],
      ]);
    });

    it("a listener's handler gets the listener itself with CLOSED", async () => {
      const { server, client, remote } = await programs();
      const listener = server.listener();
      client.client(remote);
      await runUntil([server, client], () => server.accepted(listener).length === 1);
      const [accepted] = server.accepted(listener);
      server.api.stop(listener);
      server.process();
      const calls = server.callsOf(listener);
      assert.deepEqual(
        calls.map(({ state, text }) => [flags(state), text]),
        [["CLOSED|STOPPED", ""]],
      );
      assert.equal(server.api.isOpen(accepted), true);
    });
  });
}
