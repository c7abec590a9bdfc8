import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MspHandler } from "../src/handler/api.ts";
import type { MspHandle } from "../src/handler/handle.ts";
import { ENGINES, Pair, pattern } from "./support/pair.ts";
import { type Act, bytes, flags, Program, runFor, runUntil } from "./support/program.ts";

const PORT = 512;

for (const engine of ENGINES) {
  describe(`the handler function (${engine})`, () => {
    async function programs(config = {}) {
      const pair = await Pair.make({ engine });
      const server = new Program(pair, pair.b, config);
      const client = new Program(pair, pair.a, config);
      return { pair, server, client, api: client.api, remote: { sid: pair.b.identities[0]!, port: PORT } };
    }

    /** A connection between a client's socket and the socket that the server's listener made for it. */
    async function connected(clientAct?: Act, serverAct?: Act, config = {}) {
      const made = await programs(config);
      const { server, client, remote } = made;
      const listener = server.listener(PORT, serverAct);
      const socket = client.client(remote, clientAct);
      await runUntil([server, client], () => client.api.isConnected(socket));
      const accepted = server.accepted(listener)[0]!;
      server.calls.length = 0;
      client.calls.length = 0;
      return { ...made, listener, socket, accepted };
    }

    it("the handler is called only from processing", async () => {
      const { server, client, api, socket } = await connected();
      for (const program of [server, client]) {
        const { processing } = program.api;
        const before = program.calls.length;
        api.send(socket, bytes("x"));
        assert.equal(program.calls.length, before);
        processing(program.api.nowMs());
        assert.equal(program.calls.length, before + 1);
      }
      const before = server.calls.length;
      server.pair.clock.runUntil(server.pair.clock.now() + 100);
      for (const mdp of server.mdps) await server.api.recv(mdp, { timeoutMs: 0 });
      assert.equal(server.calls.length, before, "neither the packet nor recv() calls it");
      server.process();
      assert.ok(server.calls.length > before);
    });

    it("a handler may open sockets", async () => {
      const { server, client, remote, api } = await programs();
      const listener = server.listener();
      let opened: MspHandle | undefined;
      client.client(remote, () => {
        if (opened !== undefined) return;
        const mdp = api.mdpSocket();
        client.mdps.push(mdp);
        opened = api.mspSocket(mdp, 0);
        api.connect(opened, remote);
      });
      client.process();
      assert.equal(api.isData(opened), true);
      assert.throws(() => client.process(), { code: "state" }, "it has no handler yet");
      api.setHandler(opened!, client.handler());
      await runUntil([server, client], () => server.accepted(listener).length === 2);
    });

    it("one handler serves many sockets, told apart by socket and context", async () => {
      const { server, client, remote } = await programs();
      server.listener();
      const seen = new Map<MspHandle, unknown>();
      const handler: MspHandler = (socket, _, payload, context) => {
        seen.set(socket, context);
        return payload.length;
      };
      const contexts = [{ name: "first" }, { name: "second" }, undefined];
      const sockets = contexts.map((context) => {
        const socket = client.client(remote);
        client.api.setHandler(socket, handler, context);
        return socket;
      });
      client.process();
      assert.deepEqual([...seen.keys()], sockets);
      for (const [index, socket] of sockets.entries()) assert.equal(seen.get(socket), contexts[index]);
    });

    it("setHandler between calls changes the handler", async () => {
      const { client, api, socket } = await connected();
      const seen: string[] = [];
      for (const name of ["first", "second"]) {
        api.setHandler(socket, () => {
          seen.push(name);
          return 0;
        });
        client.process();
      }
      assert.deepEqual(seen, ["first", "second"]);
      assert.deepEqual(client.calls, []);
    });

    it("setHandler refuses what is no function", async () => {
      const { api, socket } = await connected();
      for (const handler of [undefined, null, {}, "f"]) {
        assert.throws(() => api.setHandler(socket, handler as never), { code: "argument" });
      }
    });

    it("processing refuses an open socket without a handler", async () => {
      const { client, api, remote, pair } = await programs();
      let sent = 0;
      pair.a.filter = (packet) => {
        sent += 1;
        return packet;
      };
      const initialising = api.mspSocket(api.mdpSocket(), 0);
      client.process();
      const socket = api.mspSocket(api.mdpSocket(), 0);
      api.connect(socket, remote);
      assert.throws(() => api.processing(api.nowMs()), { code: "state" });
      assert.equal(sent, 0);
      api.setHandler(socket, () => 0);
      api.processing(api.nowMs());
      assert.equal(sent, 1);
      assert.equal(api.isInitialising(initialising), true);
    });

    it("getState gives the bits that the handler got, inside and outside of it", async () => {
      const { server, client, api, remote } = await programs();
      const inside: [number, number][] = [];
      const note: (program: Program) => Act = (program) => (socket, state) => {
        inside.push([state, program.api.getState(socket)]);
        program.api.shutdown(socket);
      };
      server.listener(PORT, note(server));
      const socket = client.socket(note(client));
      assert.equal(api.getState(socket), 0);
      api.connect(socket, remote);
      assert.equal(api.getState(socket), api.DATA_OUT);
      api.send(socket, bytes("x"));
      await runUntil([server, client], () => !api.isValid(socket));
      assert.ok(inside.length > 4);
      for (const [given, asked] of inside) assert.equal(flags(asked), flags(given));
    });

    it("a message comes whole in one call, and one call brings one message", async () => {
      const { server, client, api, socket, accepted } = await connected();
      const messages = ["a", "bc".repeat(512), "d", "e".repeat(700)];
      for (const message of messages) api.send(socket, bytes(message));
      await runUntil([server, client], () => server.textsOf(accepted).length === messages.length);
      assert.deepEqual(server.textsOf(accepted), messages);
    });

    it("bytes not consumed come again with the next processing, and nothing of the next message with them", async () => {
      let step = 3;
      const { server, client, api, socket, accepted } = await connected(undefined, (_, __, payload) =>
        Math.min(step, payload.length),
      );
      for (const message of ["abcdefgh", "ijk", "lmnop"]) api.send(socket, bytes(message));
      client.process();
      server.pair.clock.runUntil(server.pair.clock.now() + 10);
      for (const mdp of server.mdps) while (await server.api.recv(mdp, { timeoutMs: 0 }));
      const process = () => {
        server.calls.length = 0;
        server.process();
        return server.textsOf(accepted);
      };
      assert.deepEqual(process(), ["abcdefgh"]);
      assert.ok(server.nextMs <= server.api.nowMs(), "it got on with it, so it is asked again at once");
      assert.deepEqual(process(), ["defgh"]);
      step = 0;
      assert.deepEqual(process(), ["gh"]);
      assert.ok(server.nextMs > server.api.nowMs(), "it did not, so it is not");
      step = 2;
      assert.deepEqual(process(), ["gh", "ijk"]);
      step = 9;
      assert.deepEqual(process(), ["k", "lmnop"]);
      assert.deepEqual(process(), []);
    });

    it("a handler that returns more than it was given is refused", async () => {
      const { server, client, api, socket, accepted } = await connected();
      const bad: unknown[] = [6, -1, 0.5, Number.NaN, undefined, "5"];
      server.api.setHandler(accepted, (_, __, payload) => (payload.length > 0 ? (bad[0] as number) : 0));
      api.send(socket, bytes("hello"));
      client.process();
      server.pair.clock.runUntil(server.pair.clock.now() + 10);
      for (const mdp of server.mdps) await server.api.recv(mdp, { timeoutMs: 0 });
      for (; bad.length > 0; bad.shift())
        assert.throws(() => server.process(), { name: "MspError", code: "argument" });
      server.api.setHandler(accepted, server.handler());
      server.process();
      assert.deepEqual(server.textsOf(accepted), ["hello"], "nothing of the message was lost");
    });

    it("CLOSED comes exactly once, last and without a payload", async () => {
      const endings: Record<string, (made: Awaited<ReturnType<typeof connected>>) => void> = {
        "by both sides": ({ api, socket, server, accepted }) => {
          api.shutdown(socket);
          server.api.shutdown(accepted);
        },
        "by stop here": ({ api, socket }) => api.stop(socket),
        "by stop there": ({ server, accepted }) => server.api.stop(accepted),
        "by silence": ({ pair }) => {
          pair.a.filter = pair.b.filter = () => undefined;
        },
        "by loss of the transport": ({ pair }) => pair.a.lose(),
      };
      for (const [name, end] of Object.entries(endings)) {
        const made = await connected();
        const { server, client, api, socket } = made;
        api.send(socket, bytes("x"));
        end(made);
        client.process();
        server.process();
        await runUntil([server, client], () => !api.isValid(socket));
        await runFor([server, client], 20_000);
        const calls = client.callsOf(socket);
        const closed = calls.filter(({ state }) => (state & api.CLOSED) !== 0);
        assert.equal(closed.length, 1, name);
        assert.equal(calls.at(-1), closed[0], name);
        assert.equal(closed[0]!.text, "", name);
      }
    });

    it("what had arrived before the end is consumed before CLOSED comes", async () => {
      let appetite = 0;
      const { server, client, pair, api, socket, accepted } = await connected(undefined, (_, __, payload) =>
        Math.min(appetite, payload.length),
      );
      api.send(socket, bytes("abc"));
      api.send(socket, bytes("def"));
      await runFor([server, client], 50);
      pair.a.filter = pair.b.filter = () => undefined;
      await runFor([server, client], 12_000);
      assert.equal(server.api.isOpen(accepted), true);
      assert.equal(flags(server.api.getState(accepted)), "ERROR");
      server.calls.length = 0;
      appetite = 2;
      for (let count = 0; count < 4; count += 1) server.process();
      assert.deepEqual(
        server.callsOf(accepted).map(({ state, text }) => [flags(state), text]),
        [
          ["ERROR", "abc"],
          ["ERROR", "c"],
          ["ERROR", "def"],
          ["ERROR", "f"],
          ["CLOSED|ERROR", ""],
        ],
      );
    });

    it("SHUTDOWN_REMOTE comes with the last message or after it, never before", async () => {
      for (const withLast of [true, false]) {
        const { server, client, api, socket, accepted } = await connected();
        for (const message of ["one", "two", "three"]) api.send(socket, bytes(message));
        if (!withLast) {
          client.process(); // the last message has left: SHUTDOWN needs a packet of its own
          server.pair.clock.runUntil(server.pair.clock.now() + 10);
        }
        api.shutdown(socket);
        await runUntil([server, client], () => server.api.isShutdownRemote(accepted));
        const seen = server
          .callsOf(accepted)
          .filter(({ text, state }) => text !== "" || (state & api.SHUTDOWN_REMOTE) !== 0)
          .map(({ text, state }) => [text, (state & api.SHUTDOWN_REMOTE) !== 0]);
        const expected = [
          ["one", false],
          ["two", false],
          ["three", withLast],
        ];
        assert.deepEqual(seen.slice(0, 3), expected);
        assert.equal(seen.at(-1)![1], true);
        assert.equal(seen.length, withLast ? 3 : 4);
      }
    });

    it("SHUTDOWN_REMOTE comes with the last message too where an empty one behind it has told of it", async () => {
      const { server, client, api, socket, accepted } = await connected();
      api.send(socket, bytes("last"));
      client.process();
      api.shutdown(socket);
      client.process();
      server.pair.clock.runUntil(server.pair.clock.now() + 10);
      for (const mdp of server.mdps) while (await server.api.recv(mdp, { timeoutMs: 0 }));
      server.process();
      const last = server.callsOf(accepted).find(({ text }) => text === "last");
      assert.equal(flags(last!.state & ~api.DATA_OUT), "SHUTDOWN_REMOTE");
    });

    it("DATA_OUT means that send succeeds, and it comes again as long as there is room", async () => {
      const { client, api, remote } = await programs({ sendQueueMessages: 64 });
      let wanted = 100;
      const results: number[] = [];
      const socket = client.socket((handle, state) => {
        if (wanted === 0 || (state & api.DATA_OUT) === 0) return;
        wanted -= 1;
        results.push(api.send(handle, bytes("one at a time")));
      });
      api.connect(socket, remote);
      client.process();
      assert.deepEqual(results, Array(64).fill(13));
      assert.equal(api.getState(socket) & api.DATA_OUT, 0);
      assert.equal(api.send(socket, bytes("more")), -1);
    });

    it("a handler that has nothing to send is asked once in each processing", async () => {
      const { client, socket } = await connected();
      for (let count = 1; count <= 3; count += 1) {
        client.process();
        assert.deepEqual(
          client.callsOf(socket).map(({ state }) => flags(state)),
          Array(count).fill("DATA_OUT"),
        );
      }
    });

    it("stop in the ERROR call is allowed and brings no second CLOSED", async () => {
      for (const hasUnread of [false, true]) {
        const { client, server, pair, api, socket, accepted } = await connected();
        const handler = client.handler((handle, state) => {
          if (state & api.ERROR) api.stop(handle);
          return 0;
        });
        api.setHandler(socket, handler);
        if (hasUnread) server.api.send(accepted, bytes("unread"));
        await runFor([server, client], 10);
        client.calls.length = 0;
        pair.a.lose();
        client.process();
        client.process();
        const calls = client.callsOf(socket).map(({ state }) => flags(state));
        assert.deepEqual(calls, hasUnread ? ["ERROR", "CLOSED|ERROR|STOPPED"] : ["CLOSED|ERROR"]);
        assert.equal(api.isValid(socket), false);
      }
    });

    it("what handlers throw comes out of processing when all is done", async () => {
      const { server, client, remote, api } = await programs();
      const listener = server.listener();
      const failing = client.client(remote);
      const also = client.client(remote);
      const fine = client.client(remote);
      const failure = new Error("mine");
      let isBroken = true;
      api.setHandler(failing, (_, __, payload) => {
        if (isBroken) throw failure;
        return payload.length;
      });
      api.send(fine, bytes("through"));
      assert.throws(() => client.process(), failure);
      assert.equal(client.callsOf(fine).length, 1, "the others have had their calls");
      server.pair.clock.runUntil(10);
      await runUntil([server], () => server.accepted(listener).length === 3);
      assert.ok(
        server.calls.some(({ text }) => text === "through"),
        "packets were sent",
      );
      api.setHandler(also, () => {
        throw "a string";
      });
      assert.throws(() => client.process(), { name: "AggregateError", errors: [failure, "a string"] });
      let calls = 0;
      api.setHandler(also, (handle) => {
        calls += 1;
        api.send(handle, bytes("sent, then broken"));
        throw failure;
      });
      isBroken = false;
      assert.throws(() => client.process(), failure);
      assert.equal(calls, 1, "it is not asked again before the next processing");
      api.setHandler(also, client.handler());
      await runUntil([server, client], () =>
        [failing, also, fine].every((socket) => api.isConnected(socket)),
      );
    });

    it("a handler that throws keeps its message, and its CLOSED call stays the only one", async () => {
      const { server, client, api, socket, accepted } = await connected();
      let isBroken = true;
      const calls: string[] = [];
      server.api.setHandler(accepted, (_, state, payload) => {
        calls.push(`${flags(state & ~server.api.DATA_OUT)}${String.fromCharCode(...payload)}`);
        if (isBroken) throw new Error("broken");
        return payload.length;
      });
      api.send(socket, bytes("x"));
      client.process();
      server.pair.clock.runUntil(server.pair.clock.now() + 10);
      for (const mdp of server.mdps) while (await server.api.recv(mdp, { timeoutMs: 0 }));
      assert.throws(() => server.process(), /broken/);
      isBroken = false;
      server.process();
      isBroken = true;
      server.api.stop(accepted);
      assert.throws(() => server.process(), /broken/);
      server.process();
      assert.deepEqual(
        calls.filter((call) => call !== ""),
        ["x", "x", "CLOSED|STOPPED"],
      );
      assert.equal(server.api.isValid(accepted), false);
    });

    for (const extension of [false, true]) {
      const how = extension ? "never sent more than it has room for" : "whose queue overflows";
      describe(how, () => {
        it("a slow reader loses nothing", async () => {
          const config = { extension, receiveWindowMessages: 8, sendQueueMessages: 200 };
          let processed = 0;
          const { server, client, api, socket, accepted } = await connected(
            undefined,
            (_, __, payload) => {
              processed += 1;
              return processed % 40 === 0 ? payload.length : 0;
            },
            config,
          );
          const messages = Array.from({ length: 100 }, (_, index) => pattern(100, index));
          for (const message of messages) api.send(socket, message);
          const consumed: number[] = [];
          server.api.setHandler(accepted, (_, __, payload) => {
            processed += 1;
            if (payload.length === 0 || processed % 5 !== 0) return 0;
            assert.deepEqual(Buffer.from(payload), Buffer.from(messages[consumed.length]!));
            consumed.push(payload.length);
            return payload.length;
          });
          await runUntil([server, client], () => consumed.length === messages.length, 600_000);
          const overflows = server.api.counters(server.mdps[0]!)["msp.data-ahead"] ?? 0;
          assert.equal(overflows > 0, !extension);
        });
      });
    }
  });
}
