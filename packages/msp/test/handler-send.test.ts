import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MspHandle } from "../src/handler/handle.ts";
import { ENGINES, Pair, pattern } from "./support/pair.ts";
import { bytes, Program, runFor, runUntil } from "./support/program.ts";

const PORT = 512;

for (const engine of ENGINES) {
  describe(`send (${engine})`, () => {
    async function programs(config = {}) {
      const pair = await Pair.make({ engine });
      const server = new Program(pair, pair.b, config);
      const client = new Program(pair, pair.a, config);
      const received: Uint8Array[] = [];
      const listener = server.listener(PORT, (_, __, payload) => {
        if (payload.length > 0) received.push(payload.slice());
      });
      const remote = { sid: pair.b.identities[0]!, port: PORT };
      return {
        pair,
        server,
        client,
        api: client.api,
        listener,
        received,
        remote,
        socket: client.client(remote),
      };
    }

    it("a queued message leaves with the next processing, not before", async () => {
      const { pair, server, client, api, socket } = await programs();
      await runUntil([server, client], () => api.isConnected(socket));
      const sent: number[] = [];
      pair.a.filter = (packet) => {
        sent.push(packet.length);
        return packet;
      };
      assert.equal(api.send(socket, pattern(100)), 100);
      pair.clock.runUntil(pair.clock.now() + 1000);
      assert.deepEqual(sent, []);
      client.process();
      assert.deepEqual(sent, [105]);
    });

    it("messages queued before the peer has answered arrive", async () => {
      const { pair, server, client, api, socket, received } = await programs();
      const messages = Array.from({ length: 5 }, (_, index) => pattern(50, index));
      for (const message of messages) api.send(socket, message);
      let sentBeforeAnswer = 0;
      pair.a.filter = (packet) => {
        if (!api.isConnected(socket) && packet.length > 5) sentBeforeAnswer += 1;
        return packet;
      };
      await runUntil([server, client], () => received.length === messages.length);
      assert.deepEqual(received, messages);
      assert.equal(sentBeforeAnswer, messages.length);
    });

    it("one send makes one receive of the same bytes", async () => {
      const { server, client, api, socket, received } = await programs();
      const lengths = [1, 2, 1023, 1024, 1, 500, 1024, 3];
      const messages = lengths.map((length, index) => pattern(length, index));
      for (const message of messages) assert.equal(api.send(socket, message), message.length);
      await runUntil([server, client], () => received.length >= messages.length);
      await runFor([server, client], 5000);
      assert.deepEqual(received, messages);
    });

    it("a message is copied when it is queued", async () => {
      const { server, client, api, socket, received } = await programs();
      const buffer = pattern(200);
      api.send(socket, buffer);
      buffer.fill(0);
      await runUntil([server, client], () => received.length === 1);
      assert.deepEqual(received, [pattern(200)]);
    });

    it("a message of no bytes is not carried and is no error", async () => {
      const { server, client, api, socket, received } = await programs();
      assert.equal(api.send(socket, new Uint8Array(0)), 0);
      assert.equal(api.send(socket, bytes("x")), 1);
      assert.equal(api.send(socket, new Uint8Array(0)), 0);
      await runUntil([server, client], () => received.length === 1);
      await runFor([server, client], 5000);
      assert.deepEqual(received, [bytes("x")]);
      assert.equal(api.lastError()?.code, "again", "from recv, which found nothing: not from send");
    });

    it("a message longer than MESSAGE_SIZE is refused with -1 and message-size", async () => {
      const { server, client, api, socket, received } = await programs();
      assert.equal(api.MESSAGE_SIZE, 1024);
      for (const length of [1025, 1200, 70_000]) {
        assert.equal(api.send(socket, new Uint8Array(length)), -1);
        assert.equal(api.lastError()?.code, "message-size");
      }
      assert.equal(api.send(socket, pattern(api.MESSAGE_SIZE)), 1024);
      await runUntil([server, client], () => received.length === 1);
      assert.deepEqual(received, [pattern(1024)]);
    });

    it("a full queue is -1 and again, and DATA_OUT says when to try once more", async () => {
      const { pair, server, client, api, socket, received } = await programs({ sendQueueMessages: 64 });
      await runUntil([server, client], () => api.isConnected(socket));
      let queued = 0;
      while (api.send(socket, bytes(`message ${queued}`)) !== -1) queued += 1;
      assert.equal(queued, 64);
      assert.equal(api.lastError()?.code, "again");
      assert.equal(api.getState(socket) & api.DATA_OUT, 0);
      const results: number[] = [];
      api.setHandler(socket, (handle, state) => {
        if (state & api.DATA_OUT && results.length === 0) results.push(api.send(handle, bytes("once more")));
        return 0;
      });
      client.process();
      assert.deepEqual(results, []);
      await runUntil([server, client], () => received.length === 65);
      assert.deepEqual(results, [9]);
      assert.ok(pair.clock.now() < 1000);
    });

    it("send refuses a socket that is not open data, or is shut down", async () => {
      const { server, client, api, listener, socket } = await programs();
      assert.throws(() => server.api.send(listener, bytes("x")), { code: "state" });
      assert.throws(() => api.send(client.socket(), bytes("x")), { code: "state" });
      api.shutdown(socket);
      assert.throws(() => api.send(socket, bytes("x")), { code: "state" });
      assert.throws(() => api.send(socket, bytes("")), { code: "state" });
      await runUntil([server, client], () => server.accepted(listener).length === 1);
      const accepted = server.accepted(listener)[0] as MspHandle;
      server.api.stop(accepted);
      assert.throws(() => server.api.send(accepted, bytes("x")), { code: "state" });
    });

    it("send answers -1 when the connection has ended and the handler is about to learn of it", async () => {
      const { server, client, api, listener, socket } = await programs();
      await runUntil([server, client], () => server.accepted(listener).length === 1);
      const answers: [number, string | undefined][] = [];
      api.setHandler(socket, (handle, state) => {
        if ((state & api.CLOSED) === 0 && (state & api.ERROR) !== 0) {
          answers.push([api.send(handle, bytes("x")), api.lastError()?.code]);
        }
        return 0;
      });
      server.api.send(server.accepted(listener)[0]!, bytes("unread"));
      await runFor([server, client], 10);
      client.pair.a.lose();
      client.process();
      assert.deepEqual(answers, [[-1, "transport-lost"]]);
    });
  });
}
