import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PacketFlag } from "@meshstream/wasm-core";
import type { MspHandle } from "../src/handler/handle.ts";
import { ENGINES, Pair } from "./support/pair.ts";
import { bytes, flags, Program, runFor, runUntil } from "./support/program.ts";

const PORT = 512;

for (const engine of ENGINES) {
  describe(`closing sockets (${engine})`, () => {
    async function connected(config = {}) {
      const pair = await Pair.make({ engine });
      const server = new Program(pair, pair.b, config);
      const client = new Program(pair, pair.a, config);
      const listener = server.listener(PORT);
      const remote = { sid: pair.b.identities[0]!, port: PORT };
      const socket = client.client(remote);
      await runUntil([server, client], () => client.api.isConnected(socket));
      await runFor([server, client], 100);
      const accepted = server.accepted(listener)[0]!;
      server.calls.length = 0;
      client.calls.length = 0;
      /** The flag bytes of the packets that have left the client since. */
      const sent: number[] = [];
      pair.a.filter = (packet) => {
        sent.push(packet[0]!);
        return packet;
      };
      return { pair, server, client, api: client.api, listener, remote, socket, accepted, sent };
    }

    /** The bits of a socket's calls, but DATA_OUT, without repetitions. */
    function story(program: Program, socket: MspHandle): string[] {
      const states = program.callsOf(socket).map(({ state }) => flags(state & ~program.api.DATA_OUT));
      return states.filter((state, index) => state !== states[index - 1]);
    }

    it("a shutdown leaves with the next processing, not before", async () => {
      const { pair, client, api, socket, sent } = await connected();
      api.shutdown(socket);
      pair.clock.runUntil(pair.clock.now() + 1000);
      assert.deepEqual(sent, []);
      client.process();
      assert.deepEqual(
        sent.map((flagByte) => flagByte & PacketFlag.SHUTDOWN),
        [PacketFlag.SHUTDOWN],
      );
    });

    it("what was queued before shutdown still arrives, and nothing after it", async () => {
      const { server, client, api, socket, accepted } = await connected();
      const messages = Array.from({ length: 100 }, (_, index) => `message ${index}`);
      for (const message of messages) api.send(socket, bytes(message));
      api.shutdown(socket);
      assert.throws(() => api.send(socket, bytes("too late")), { code: "state" });
      await runUntil([server, client], () => server.api.isShutdownRemote(accepted));
      assert.deepEqual(server.textsOf(accepted), messages);
      await runFor([server, client], 5000);
      assert.deepEqual(server.textsOf(accepted), messages);
      assert.equal(server.api.isOpen(accepted), true);
    });

    it("after shutdown messages still come in", async () => {
      const { server, client, api, socket, accepted } = await connected();
      api.shutdown(socket);
      await runUntil([server, client], () => server.api.isShutdownRemote(accepted));
      server.api.send(accepted, bytes("still here"));
      await runUntil([server, client], () => client.textsOf(socket).length === 1);
      assert.equal(api.isOpen(socket), true);
      assert.equal(flags(client.callsOf(socket).find(({ text }) => text !== "")!.state), "SHUTDOWN_LOCAL");
    });

    it("after the peer's shutdown messages still go out", async () => {
      const { server, client, api, socket, accepted } = await connected();
      server.api.shutdown(accepted);
      await runUntil([server, client], () => api.isShutdownRemote(socket));
      assert.equal(flags(api.getState(socket)), "DATA_OUT|SHUTDOWN_REMOTE");
      api.send(socket, bytes("one more"));
      await runUntil([server, client], () => server.textsOf(accepted).length === 1);
      assert.equal(api.isOpen(socket), true);
    });

    it("an open data socket stays open while nobody closes it", async () => {
      const { server, client, api, socket, accepted } = await connected();
      api.shutdown(socket);
      await runFor([server, client], 120_000);
      assert.deepEqual([api.isOpen(socket), server.api.isOpen(accepted)], [true, true]);
    });

    it("a data socket closes by itself once both sides are shut down and everything was delivered", async () => {
      const { server, client, api, socket, accepted } = await connected();
      api.send(socket, bytes("to b"));
      server.api.send(accepted, bytes("to a"));
      api.shutdown(socket);
      server.api.shutdown(accepted);
      await runUntil([server, client], () => !api.isValid(socket) && !server.api.isValid(accepted));
      const end = "SHUTDOWN_LOCAL|SHUTDOWN_REMOTE|CLOSED";
      for (const [program, handle] of [
        [client, socket],
        [server, accepted],
      ] as const) {
        assert.equal(story(program, handle).at(-1), end);
        assert.equal(program.textsOf(handle).length, 1);
      }
    });

    it("isShutdownLocal is true from the call on, the flag once nothing is left to send", async () => {
      const { server, client, pair, api, socket } = await connected();
      pair.a.filter = () => undefined;
      api.send(socket, bytes("x"));
      assert.equal(api.isShutdownLocal(socket), false);
      api.shutdown(socket);
      assert.equal(api.isShutdownLocal(socket), true);
      await runFor([server, client], 500);
      assert.equal(api.getState(socket) & api.SHUTDOWN_LOCAL, 0, "the message may have to be sent again");
      pair.a.filter = (packet) => packet;
      await runUntil([server, client], () => (api.getState(socket) & api.SHUTDOWN_LOCAL) !== 0);
      assert.deepEqual(story(client, socket), ["SHUTDOWN_LOCAL"]);
    });

    it("isShutdownRemote is true once the last message was passed on", async () => {
      const { server, client, api, socket, accepted } = await connected();
      const answers: boolean[] = [];
      let appetite = 0;
      server.api.setHandler(accepted, (handle, _, payload) => {
        if (payload.length > 0) answers.push(server.api.isShutdownRemote(handle));
        return Math.min(appetite, payload.length);
      });
      api.send(socket, bytes("last"));
      api.shutdown(socket);
      await runFor([server, client], 100);
      assert.equal(server.api.isShutdownRemote(accepted), false);
      appetite = 4;
      server.process();
      assert.equal(server.api.isShutdownRemote(accepted), true);
      assert.deepEqual(new Set(answers), new Set([false]));
    });

    it("a socket can close with neither side shut down", async () => {
      const { client, api, socket } = await connected();
      api.stop(socket);
      client.process();
      assert.deepEqual(story(client, socket), ["CLOSED|STOPPED"]);
      assert.equal(api.isShutdownLocal(socket) || api.isShutdownRemote(socket), false);
    });

    it("shutdown twice, or on a closed socket, does nothing", async () => {
      const { server, client, api, socket, accepted, sent } = await connected();
      const handler = client.handler((handle, state) => {
        if (state & api.CLOSED) {
          api.shutdown(handle);
          api.stop(handle);
        }
      });
      api.setHandler(socket, handler);
      api.send(socket, bytes("x"));
      api.shutdown(socket);
      api.shutdown(socket);
      client.process();
      api.shutdown(socket);
      client.process();
      assert.equal(sent.filter((flagByte) => flagByte & PacketFlag.SHUTDOWN).length, 1);
      server.api.shutdown(accepted);
      await runUntil([server, client], () => !api.isValid(socket));
      assert.equal(story(client, socket).at(-1), "SHUTDOWN_LOCAL|SHUTDOWN_REMOTE|CLOSED");
    });

    it("shutdown refuses a listening socket", async () => {
      const { server, client, listener, api } = await connected();
      assert.throws(() => server.api.shutdown(listener), { code: "state" });
      assert.equal(server.api.isListening(listener), true);
      assert.throws(() => api.shutdown(client.socket()), { code: "state" });
    });

    it("shutdown in a handler takes effect when the handler returns", async () => {
      const { server, client, api, socket, accepted, sent } = await connected();
      let sentInside = -1;
      api.setHandler(socket, (handle, state) => {
        if (!api.isShutdownLocal(handle) && state & api.DATA_OUT) {
          api.send(handle, bytes("last words"));
          api.shutdown(handle);
          sentInside = sent.length;
        }
        return 0;
      });
      client.process();
      assert.equal(sentInside, 0);
      assert.deepEqual(
        sent.map((flagByte) => flagByte & PacketFlag.SHUTDOWN),
        [PacketFlag.SHUTDOWN],
      );
      await runUntil([server, client], () => server.api.isShutdownRemote(accepted));
      assert.deepEqual(server.textsOf(accepted), ["last words"]);
    });

    it("stop closes at once and the next processing calls back with CLOSED and STOPPED", async () => {
      const { client, api, socket, sent } = await connected();
      api.stop(socket);
      assert.deepEqual([api.isClosed(socket), api.isOpen(socket), api.isValid(socket)], [true, false, true]);
      assert.deepEqual([client.calls.length, sent.length], [0, 0]);
      api.stop(socket);
      client.process();
      assert.deepEqual(
        client.callsOf(socket).map(({ state, text }) => [flags(state), text]),
        [["CLOSED|STOPPED", ""]],
      );
      assert.deepEqual(sent, [PacketFlag.STOP]);
      assert.equal(api.isValid(socket), false);
    });

    it("stop discards what is queued and the peer learns of it", async () => {
      const { pair, server, client, api, socket, accepted, sent } = await connected();
      let unread = 0;
      for (const [program, handle] of [
        [client, socket],
        [server, accepted],
      ] as const) {
        program.api.setHandler(
          handle,
          program.handler(() => 0),
        );
      }
      for (let count = 0; count < 10; count += 1) {
        server.api.send(accepted, bytes("unread"));
        api.send(socket, bytes("unread"));
      }
      await runFor([server, client], 100);
      for (let count = 0; count < 10; count += 1) api.send(socket, bytes("unsent"));
      client.calls.length = 0;
      sent.length = 0;
      api.stop(socket);
      const codes: unknown[] = [];
      server.api.setHandler(accepted, (_, state, payload) => {
        if (state & server.api.CLOSED) codes.push(flags(state), server.api.lastError()?.code);
        unread += payload.length;
        return payload.length;
      });
      client.process();
      assert.deepEqual(
        client.callsOf(socket).map(({ state, text }) => [flags(state), text]),
        [["CLOSED|STOPPED", ""]],
      );
      assert.deepEqual(sent, [PacketFlag.STOP], "none of the ten messages");
      pair.clock.runUntil(pair.clock.now() + 10);
      while (await server.api.recv(server.mdps[0]!, { timeoutMs: 0 }));
      server.process();
      assert.deepEqual(codes, ["CLOSED|ERROR|STOPPED", "stopped"]);
      assert.equal(unread, 0);
    });

    it("stop in a handler takes effect when the handler returns", async () => {
      const { client, api, socket, remote, sent } = await connected();
      const other = client.client(remote);
      const inside: boolean[] = [];
      api.setHandler(
        socket,
        client.handler((handle, state) => {
          if (state & api.CLOSED) return;
          api.stop(handle);
          api.stop(other);
          inside.push(api.isOpen(handle), api.isOpen(other), !sent.includes(PacketFlag.STOP));
        }),
      );
      client.process();
      assert.deepEqual(inside, [true, true, true]);
      assert.deepEqual(story(client, socket), ["", "CLOSED|STOPPED"]);
      assert.deepEqual(story(client, other), ["CLOSED|STOPPED"]);
      assert.equal(sent.filter((flagByte) => flagByte === PacketFlag.STOP).length, 2);
      assert.equal(api.isValid(socket) || api.isValid(other), false);
    });

    it("a lost STOP is made good when the peer speaks again", async () => {
      const { pair, server, client, api, socket, accepted } = await connected();
      pair.a.filter = () => undefined;
      api.stop(socket);
      client.process();
      const stoppedAtMs = pair.clock.now();
      const answered: number[] = [];
      pair.a.filter = (packet) => {
        answered.push(packet[0]!);
        return packet;
      };
      await runUntil([server, client], () => !server.api.isValid(accepted));
      assert.deepEqual(answered, [PacketFlag.STOP]);
      assert.equal(flags(server.callsOf(accepted).at(-1)!.state), "CLOSED|ERROR|STOPPED");
      assert.ok(
        pair.clock.now() - stoppedAtMs < 2000,
        "with its next keep-alive, long before its patience ends",
      );
    });

    it("only stop closes a listening socket", async () => {
      const { server, client, api, listener, socket, accepted } = await connected();
      api.shutdown(socket);
      server.api.shutdown(accepted);
      await runUntil([server, client], () => !api.isValid(socket));
      await runFor([server, client], 60_000);
      assert.equal(server.api.isListening(listener), true);
      server.api.stop(listener);
      assert.equal(server.api.isListening(listener), false);
      server.process();
      assert.deepEqual(story(server, listener), ["CLOSED|STOPPED"]);
    });

    it("a stopped listener accepts no more and leaves its connections alone", async () => {
      const { server, client, api, listener, socket, accepted, remote } = await connected();
      server.api.stop(listener);
      server.process();
      const late = client.client(remote);
      api.send(socket, bytes("still on"));
      await runUntil([server, client], () => server.textsOf(accepted).length === 1 && !api.isValid(late));
      assert.equal(story(client, late).at(-1), "CLOSED|ERROR|STOPPED");
      assert.deepEqual([api.isOpen(socket), server.api.isOpen(accepted)], [true, true]);
    });

    it("closeAll frees the sockets of its MDP socket, calls nobody and tells nobody", async () => {
      const { pair, server, client, api, listener, accepted, socket, remote } = await connected();
      const other = client.client(remote);
      await runUntil([server, client], () => api.isConnected(other));
      const mdp = server.api.getMdpSocket(listener);
      const elsewhere = server.listener(PORT + 1);
      api.send(socket, bytes("unread"));
      server.api.send(accepted, bytes("unsent"));
      client.process();
      pair.clock.runUntil(pair.clock.now() + 10);
      let said = 0;
      pair.b.filter = (packet) => {
        said += 1;
        return packet;
      };
      const calls = server.calls.length;
      const slots = pair.b.core.freeSlotCount;
      server.api.closeAll(mdp);
      assert.deepEqual([server.api.isValid(listener), server.api.isValid(accepted)], [false, false]);
      assert.deepEqual([said, server.calls.length], [0, calls]);
      assert.ok(pair.b.core.freeSlotCount > slots, "their memory is free again");
      server.process();
      assert.deepEqual([said, server.calls.length], [0, calls]);
      assert.equal(server.api.isListening(elsewhere), true);
      server.api.mdpClose(mdp);
      server.mdps.shift();
      const reborn = server.listener(PORT);
      assert.equal(server.api.isListening(reborn), true, "the port is free, too");
    });

    it("after closeAll the peer finds out by its time-out", async () => {
      const { pair, server, client, api, listener, socket } = await connected();
      const lastHeardMs = pair.clock.now() - 100;
      server.api.closeAll(server.api.getMdpSocket(listener));
      await runUntil([server, client], () => !api.isValid(socket));
      assert.equal(flags(client.callsOf(socket).at(-1)!.state), "CLOSED|ERROR");
      assert.equal(api.lastError()?.code === "timeout" || api.lastError()?.code === "again", true);
      assert.ok(pair.clock.now() - lastHeardMs >= 9000);
    });

    it("closeAll and processing refuse to be called from a handler", async () => {
      const { client, api, socket } = await connected();
      const codes: unknown[] = [];
      api.setHandler(socket, () => {
        for (const call of [() => api.closeAll(client.mdps[0]!), () => api.processing(api.nowMs())]) {
          try {
            call();
          } catch (error) {
            codes.push((error as { code: string }).code);
          }
        }
        return 0;
      });
      client.process();
      assert.deepEqual(codes, ["state", "state"]);
      assert.equal(api.isOpen(socket), true);
    });

    it("a repeat of what came before the end is still answered until mdpClose", async () => {
      const { pair, server, client, api, socket, accepted } = await connected();
      server.api.shutdown(accepted);
      await runUntil([server, client], () => api.isShutdownRemote(socket));
      api.shutdown(socket);
      pair.b.filter = () => undefined; // the server's last acknowledgement is lost
      await runUntil([server], () => true);
      client.process();
      await runUntil([server], () => !server.api.isValid(accepted));
      pair.b.filter = (packet) => packet;
      await runUntil([server, client], () => !api.isValid(socket));
      assert.equal(story(client, socket).at(-1), "SHUTDOWN_LOCAL|SHUTDOWN_REMOTE|CLOSED");
      assert.equal(server.api.counters(server.mdps[0]!)["msp.repeat-after-close"], 1);
    });

    it("a hundred connections in turn leave the pool as it was", async () => {
      const { pair, server, client, api, remote } = await connected();
      await runFor([server, client], 1000);
      const free = [pair.a.core.freeSlotCount, pair.b.core.freeSlotCount];
      const ways: ((socket: MspHandle) => void)[] = [
        (socket) => api.stop(socket),
        (socket) => api.closeAll(api.getMdpSocket(socket)),
      ];
      for (let count = 0; count < 100; count += 1) {
        const socket = client.client(remote);
        await runUntil([server, client], () => api.isConnected(socket));
        api.send(socket, bytes("x"));
        ways[count % 2]!(socket);
        client.process();
        api.mdpClose(client.mdps.pop()!);
      }
      await runFor([server, client], 20_000);
      assert.deepEqual([pair.a.core.freeSlotCount, pair.b.core.freeSlotCount], free);
    });
  });
}
