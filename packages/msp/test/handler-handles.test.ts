import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BIND_PRIMARY } from "../src/address.ts";
import type { MspHandle } from "../src/handler/handle.ts";
import { ENGINES, Pair } from "./support/pair.ts";
import { bytes, Program, runUntil } from "./support/program.ts";

const PORT = 512;

for (const engine of ENGINES) {
  describe(`handles and predicates (${engine})`, () => {
    async function programs() {
      const pair = await Pair.make({ engine });
      const server = new Program(pair, pair.b);
      const client = new Program(pair, pair.a);
      return { pair, server, client, api: client.api, remote: { sid: pair.b.identities[0]!, port: PORT } };
    }

    it("the null socket refers to no socket", async () => {
      const { api, client } = await programs();
      assert.equal(api.isNull(api.SOCKET_NULL), true);
      assert.equal(api.isValid(api.SOCKET_NULL), false);
      assert.equal(api.isNull(client.socket()), false);
      for (const value of [undefined, null, 0, {}]) assert.equal(api.isNull(value), false);
    });

    it("a handle is copied freely and every copy means the same socket", async () => {
      const { api, client, remote } = await programs();
      const socket = client.socket();
      const [copy, other] = [socket, client.socket()];
      api.connect(copy, remote);
      assert.equal(api.isOpen(socket), true);
      assert.equal(copy === socket, true);
      assert.equal(other === socket, false);
      assert.deepEqual(Reflect.ownKeys(socket), []);
      assert.equal(Object.isFrozen(socket), true);
    });

    it("a handle is valid from mspSocket until its last handler call has returned", async () => {
      const { api, client, remote } = await programs();
      const inside: boolean[] = [];
      const socket = client.socket((handle, state) => {
        if (state & api.CLOSED) inside.push(api.isValid(handle), api.isClosed(handle));
      });
      assert.equal(api.isValid(socket), true);
      api.connect(socket, remote);
      client.process();
      assert.equal(api.isValid(socket), true);
      api.stop(socket);
      assert.equal(api.isValid(socket), true);
      client.process();
      assert.deepEqual(inside, [true, true]);
      assert.equal(api.isValid(socket), false);
    });

    it("a socket is initialising, then open, then closed, and never two of them", async () => {
      const { api, client, remote } = await programs();
      const phase = (socket: MspHandle): boolean[] => [
        api.isInitialising(socket),
        api.isOpen(socket),
        api.isClosed(socket),
      ];
      const seen: boolean[][] = [];
      const socket = client.socket((handle) => void seen.push(phase(handle)));
      assert.deepEqual(phase(socket), [true, false, false]);
      api.connect(socket, remote);
      assert.deepEqual(phase(socket), [false, true, false]);
      client.process();
      api.stop(socket);
      assert.deepEqual(phase(socket), [false, false, true]);
      client.process();
      assert.deepEqual(phase(socket), [false, false, true]);
      assert.deepEqual(seen, [
        [false, true, false],
        [false, false, true],
      ]);
    });

    it("an open socket is either listening or data and stays so", async () => {
      const { api, client, server, remote } = await programs();
      const initialising = client.socket();
      assert.deepEqual([api.isListening(initialising), api.isData(initialising)], [false, false]);
      const listener = server.listener(PORT);
      const socket = client.client(remote);
      await runUntil([server, client], () => api.isConnected(socket));
      assert.deepEqual([server.api.isListening(listener), server.api.isData(listener)], [true, false]);
      assert.deepEqual([api.isListening(socket), api.isData(socket)], [false, true]);
      assert.throws(() => server.api.connect(listener, remote), { code: "state" });
      assert.throws(() => api.listen(socket), { code: "state" });
      assert.deepEqual([server.api.isListening(listener), server.api.isData(listener)], [true, false]);
      assert.deepEqual([api.isListening(socket), api.isData(socket)], [false, true]);
    });

    it("every predicate answers on any value, even null and garbage", async () => {
      const { api, server } = await programs();
      const foreign = server.socket();
      const hostile = new Proxy(
        {},
        {
          get: () => {
            throw new Error("touched");
          },
        },
      );
      const values = [
        undefined,
        null,
        0,
        1,
        Number.NaN,
        "",
        "x",
        1n,
        Symbol("x"),
        [],
        {},
        () => {},
        hostile,
        foreign,
      ];
      for (const value of [...values, api.SOCKET_NULL]) {
        for (const predicate of predicates(api)) assert.equal(typeof predicate(value), "boolean");
      }
      assert.equal(api.isValid(foreign), false, "a handle of another API object means nothing here");
    });

    it("isClosed is true of an invalid handle, every other state predicate is false", async () => {
      const { api, client, remote } = await programs();
      const freed = client.client(remote);
      api.stop(freed);
      client.process();
      for (const value of [freed, api.SOCKET_NULL, undefined, {}]) {
        const answers = predicates(api).map((predicate) => predicate(value));
        assert.deepEqual(answers, [
          value === api.SOCKET_NULL,
          false,
          false,
          false,
          true,
          false,
          false,
          false,
          false,
          false,
        ]);
      }
    });

    it("a closed socket is neither listening nor data nor connected nor shut down", async () => {
      const { api, client, server, remote } = await programs();
      const answers: boolean[][] = [];
      const finish = (program: Program) => (socket: MspHandle, state: number) => {
        const { api } = program;
        api.shutdown(socket);
        if (state & api.CLOSED)
          answers.push(
            predicates(api)
              .slice(5)
              .map((predicate) => predicate(socket)),
          );
      };
      const listener = server.listener(PORT, (socket) =>
        server.api.setHandler(socket, server.handler(finish(server))),
      );
      const socket = client.client(remote, finish(client));
      await runUntil([server, client], () => answers.length === 2);
      server.api.stop(listener);
      assert.deepEqual(
        predicates(server.api)
          .slice(5)
          .map((predicate) => predicate(listener)),
        Array(5).fill(false),
      );
      assert.deepEqual(answers, [Array(5).fill(false), Array(5).fill(false)]);
      assert.equal(api.isValid(socket), false);
    });

    it("every primitive refuses an invalid handle", async () => {
      const { api, client, remote } = await programs();
      const freed = client.client(remote);
      api.stop(freed);
      client.process();
      for (const handle of [freed, api.SOCKET_NULL, undefined as unknown as MspHandle, {} as MspHandle]) {
        const calls = [
          () => api.setLocal(handle, { sid: BIND_PRIMARY, port: 1 }),
          () => api.connect(handle, remote),
          () => api.listen(handle),
          () => api.setHandler(handle, () => 0),
          () => api.getMdpSocket(handle),
          () => api.getLocal(handle),
          () => api.getRemote(handle),
          () => api.getState(handle),
          () => api.send(handle, bytes("x")),
          () => api.shutdown(handle),
          () => api.stop(handle),
        ];
        for (const call of calls) assert.throws(call, { name: "MspError", code: "state" });
      }
    });

    it("misuse throws a typed error at the call and changes nothing", async () => {
      const { api, client, server, remote } = await programs();
      const listener = server.listener(PORT);
      const socket = client.socket();
      assert.throws(() => api.send(socket, bytes("early")), { code: "state" });
      assert.throws(() => api.shutdown(socket), { code: "state" });
      assert.throws(() => api.getRemote(socket), { code: "state" });
      assert.throws(() => api.connect(socket, { ...remote, port: 0 }), { code: "address" });
      assert.throws(() => api.processing(Number.NaN), { code: "argument" });
      assert.throws(() => api.setHandler(socket, undefined as never), { code: "argument" });
      assert.throws(() => api.counters(99), { code: "argument" });
      assert.throws(() => api.mdpClose(99), { code: "argument" });
      assert.throws(() => api.closeAll(99), { code: "argument" });
      assert.equal(api.isInitialising(socket), true);
      api.connect(socket, remote);
      assert.throws(() => api.connect(socket, remote), { code: "state" });
      for (const message of ["text", [1, 2], undefined, new ArrayBuffer(3)]) {
        assert.throws(() => api.send(socket, message as unknown as Uint8Array), { code: "argument" });
      }
      assert.equal(api.send(socket, bytes("in time")), 7);
      const data = () => server.accepted(listener).flatMap((accepted) => server.textsOf(accepted));
      await runUntil([server, client], () => data().length > 0);
      assert.deepEqual(data(), ["in time"]);
    });

    it("a closed socket cannot be used again", async () => {
      const { api, client, remote } = await programs();
      const socket = client.client(remote);
      client.process();
      api.stop(socket);
      for (const after of [() => {}, () => client.process()]) {
        after();
        assert.throws(() => api.connect(socket, remote), { code: "state" });
        assert.throws(() => api.listen(socket), { code: "state" });
        assert.throws(() => api.setLocal(socket, { sid: BIND_PRIMARY, port: 9 }), { code: "state" });
        assert.throws(() => api.send(socket, bytes("late")), { code: "state" });
      }
    });

    it("two API objects share nothing", async () => {
      const { api, server, client } = await programs();
      assert.equal(api.mspSocket(client.api.mdpSocket(), 1), api.SOCKET_NULL);
      assert.equal(api.lastError()?.code, "argument");
      assert.equal(server.api.lastError(), undefined);
      assert.throws(() => server.api.getState(client.socket()), { code: "state" });
    });

    it("mdpSocket answers -1 when it cannot give one", async () => {
      const { api, pair } = await programs();
      for (let count = 0; count < 1024; count += 1) assert.ok(api.mdpSocket() > 0);
      assert.equal(api.mdpSocket(), -1);
      assert.equal(api.lastError()?.code, "again");
      api.mdpClose(1);
      assert.ok(api.mdpSocket() > 0);
      pair.a.lose();
      api.mdpClose(2);
      assert.equal(api.mdpSocket(), -1);
      assert.equal(api.lastError()?.code, "transport-lost");
    });

    it("mdpClose refuses an MDP socket that is in use", async () => {
      const { api, client } = await programs();
      const socket = client.socket();
      const mdp = api.getMdpSocket(socket);
      assert.throws(() => api.mdpClose(mdp), { code: "state" });
      assert.equal(api.isInitialising(socket), true);
      api.stop(socket);
      assert.throws(() => api.mdpClose(mdp), { code: "state" });
      client.process();
      api.mdpClose(mdp);
      assert.throws(() => api.mdpClose(mdp), { code: "argument" });
    });

    it("mspSocket needs an MDP socket of its own", async () => {
      const { api } = await programs();
      const mdp = api.mdpSocket();
      assert.equal(api.isInitialising(api.mspSocket(mdp, 0)), true);
      for (const number of [mdp, mdp + 1, 0, -1, Number.NaN]) {
        assert.equal(api.mspSocket(number, 0), api.SOCKET_NULL);
        assert.equal(api.lastError()?.code, "argument");
      }
    });

    it("mspSocket refuses every flag with the null socket", async () => {
      const { api } = await programs();
      const mdp = api.mdpSocket();
      for (let bit = 0; bit < 32; bit += 1) {
        assert.equal(api.isNull(api.mspSocket(mdp, 2 ** bit)), true);
        assert.equal(api.lastError()?.code, "argument");
      }
      assert.equal(api.isNull(api.mspSocket(mdp, 0)), false, "the MDP socket is still unused");
    });
  });
}

/** All predicates; the fifth is isClosed. */
function predicates(api: Program["api"]): ((socket: unknown) => boolean)[] {
  return [
    api.isNull,
    api.isValid,
    api.isInitialising,
    api.isOpen,
    api.isClosed,
    api.isListening,
    api.isData,
    api.isConnected,
    api.isShutdownLocal,
    api.isShutdownRemote,
  ];
}
