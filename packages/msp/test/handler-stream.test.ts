import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom } from "@meshstream/netem";
import type { MspHandle } from "../src/handler/handle.ts";
import { ENGINES, Pair, pattern } from "./support/pair.ts";
import { type Act, bytes, flags, Program, runUntil } from "./support/program.ts";

const PORT = 512;
const BAD_LINK = {
  delayMs: 10,
  jitterMs: 15,
  loss: { model: "bernoulli", p: 0.1 },
  duplicate: 0.02,
} as const;

for (const engine of ENGINES) {
  describe(`the stream of messages (${engine})`, () => {
    it("messages arrive in order, whole and once, both ways, over a link that loses every tenth packet", async () => {
      for (const seed of [1, 2, 3, 4, 5]) {
        const pair = await Pair.make({ engine, seed, link: BAD_LINK });
        const server = new Program(pair, pair.b);
        const client = new Program(pair, pair.a);
        const ends: string[] = [];
        const lengths = createRandom(seed);
        const messages = Array.from({ length: 400 }, (_, index) => pattern(1 + lengths.below(1024), index));
        const received = { a: [] as Uint8Array[], b: [] as Uint8Array[] };
        const exchange = (program: Program, into: Uint8Array[]): Act => {
          let sent = 0;
          return (socket, state, payload) => {
            const { api } = program;
            if (payload.length > 0) into.push(payload.slice());
            if (sent === messages.length) api.shutdown(socket);
            else if (state & api.DATA_OUT) {
              api.send(socket, messages[sent]!);
              sent += 1;
            }
            if (state & api.CLOSED) ends.push(flags(state));
          };
        };
        server.listener(PORT, exchange(server, received.b));
        client.client({ sid: pair.b.identities[0]!, port: PORT }, exchange(client, received.a));
        await runUntil([server, client], () => ends.length === 2);
        assert.deepEqual(ends, Array(2).fill("SHUTDOWN_LOCAL|SHUTDOWN_REMOTE|CLOSED"), `seed ${seed}`);
        for (const messagesThere of [received.a, received.b]) {
          assert.equal(messagesThere.length, messages.length, `seed ${seed}`);
          for (const [index, message] of messagesThere.entries()) {
            assert.equal(Buffer.compare(message, messages[index]!), 0, `seed ${seed}, message ${index}`);
          }
        }
        assert.ok(pair.link.aToB.stats.droppedLoss > 20, `seed ${seed}: the link did lose packets`);
      }
    });

    it("a reader that ignores boundaries gets the same stream of bytes", async () => {
      const pair = await Pair.make({ engine, seed: 7, link: BAD_LINK });
      const server = new Program(pair, pair.b);
      const client = new Program(pair, pair.a);
      const random = createRandom(7);
      const read: number[] = [];
      let isOver = false;
      server.listener(PORT, (_, state, payload) => {
        const count = Math.min(payload.length, 1 + random.below(700));
        read.push(...payload.subarray(0, count));
        if (count === payload.length && state & server.api.SHUTDOWN_REMOTE) isOver = true;
        return count;
      });
      const data = pattern(50_000);
      let at = 0;
      client.client({ sid: pair.b.identities[0]!, port: PORT }, (socket, state) => {
        if (at === data.length) client.api.shutdown(socket);
        else if (state & client.api.DATA_OUT)
          at += client.api.send(socket, data.subarray(at, at + 1 + random.below(1024)));
      });
      await runUntil([server, client], () => isOver);
      assert.deepEqual(Buffer.from(read), Buffer.from(data));
    });

    it("one listener serves many connections at once", async () => {
      const pair = await Pair.make({ engine, poolBytes: 8 << 20 });
      const server = new Program(pair, pair.b);
      const client = new Program(pair, pair.a);
      const listener = server.listener(PORT, (socket, state, payload) => {
        const { api } = server;
        if (payload.length > 0) api.send(socket, payload);
        if (state & api.SHUTDOWN_REMOTE) api.shutdown(socket);
      });
      const sockets = new Map<MspHandle, string>();
      for (let count = 0; count < 200; count += 1) {
        const socket = client.client({ sid: pair.b.identities[0]!, port: PORT });
        sockets.set(socket, `connection ${count}`);
        client.api.send(socket, bytes(sockets.get(socket)!));
        client.api.shutdown(socket);
      }
      await runUntil([server, client], () =>
        [...sockets.keys()].every((socket) => !client.api.isValid(socket)),
      );
      for (const [socket, message] of sockets) assert.deepEqual(client.textsOf(socket), [message]);
      assert.equal(server.api.isListening(listener), true);
    });
  });
}
