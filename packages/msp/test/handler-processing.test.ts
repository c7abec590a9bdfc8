import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ENGINES, Pair } from "./support/pair.ts";
import { bytes, flags, Program, runFor, runUntil } from "./support/program.ts";

const PORT = 512;

for (const engine of ENGINES) {
  describe(`processing (${engine})`, () => {
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
      return { pair, server, client, api: client.api, listener, remote, socket, accepted: accepted! };
    }

    it("nothing happens between calls: no timer is set and nothing is sent", async () => {
      const { pair, client, api, socket, remote } = await connected();
      const other = client.client(remote);
      api.send(socket, bytes("x"));
      api.shutdown(socket);
      api.stop(other);
      let sent = 0;
      pair.a.filter = pair.b.filter = (packet) => {
        sent += 1;
        return packet;
      };
      assert.equal(pair.clock.pendingCount, 0);
      pair.clock.runUntil(pair.clock.now() + 60_000);
      assert.equal(sent, 0);
      assert.equal(api.isOpen(socket), true, "even patience ends in processing() only");
    });

    it("NEVER_HAS is before every time, so that a loop begins with processing", async () => {
      const { api } = await connected();
      for (const now of [Number.MIN_SAFE_INTEGER, -1, 0, api.nowMs()])
        assert.equal(now < api.NEVER_HAS, false);
    });

    it("processing gives the latest time of its next call", async () => {
      const pair = await Pair.make({ engine });
      const program = new Program(pair, pair.a);
      program.process();
      assert.equal(program.nextMs, Number.POSITIVE_INFINITY, "nothing is open");
      program.listener();
      program.process();
      assert.equal(program.nextMs, Number.POSITIVE_INFINITY, "a listener waits for packets only");
      const { server, client, api, socket } = await connected();
      await runFor([server, client], 1400);
      client.process();
      const sentAt: number[] = [];
      client.pair.a.filter = (packet) => {
        sentAt.push(client.pair.clock.now());
        return packet;
      };
      const { nextMs } = client;
      assert.ok(Number.isFinite(nextMs) && nextMs > api.nowMs());
      client.pair.clock.runUntil(nextMs - 0.5);
      client.process();
      assert.deepEqual(sentAt, [], "half a millisecond before it there was nothing to do");
      assert.equal(client.nextMs, nextMs);
      client.pair.clock.runUntil(nextMs);
      client.process();
      assert.deepEqual(sentAt, [nextMs]);
      assert.equal(api.isOpen(socket), true);
    });

    it("calls before their time change nothing", async () => {
      const { pair, server, client, api, socket, accepted } = await connected();
      let sent = 0;
      pair.a.filter = (packet) => {
        sent += 1;
        return packet;
      };
      for (let count = 0; count < 50; count += 1) client.process();
      assert.equal(sent, 0);
      api.send(socket, bytes("x"));
      for (let count = 0; count < 50; count += 1) client.process();
      assert.equal(sent, 1);
      await runUntil([server, client], () => server.textsOf(accepted).length === 1);
    });

    it("a lost message is sent again by a later call of processing", async () => {
      const { pair, server, client, api, socket, accepted } = await connected();
      let lost = 0;
      pair.a.filter = (packet) => {
        lost += 1;
        return lost <= 2 ? undefined : packet;
      };
      const startMs = pair.clock.now();
      api.send(socket, bytes("stubborn"));
      await runUntil([server, client], () => server.textsOf(accepted).length === 1);
      assert.ok(lost >= 3);
      assert.ok(pair.clock.now() - startMs > 200, "by its timer, not by chance");
    });

    it("a silent peer ends the connection with ERROR after 10 seconds", async () => {
      const { pair, remote } = await connected();
      const lonely = new Program(pair, pair.a);
      const startMs = pair.clock.now();
      const codes: unknown[] = [];
      const nobody = lonely.client({ ...remote, port: 9 }, (_, state) => {
        if (state & lonely.api.ERROR) codes.push(flags(state), lonely.api.lastError()?.code);
      });
      await runUntil([lonely], () => !lonely.api.isValid(nobody));
      assert.equal(pair.clock.now() - startMs, 10_000);
      assert.deepEqual(codes, ["CLOSED|ERROR", "timeout"]);

      const { server, client, api, socket, accepted } = await connected();
      client.pair.a.filter = client.pair.b.filter = () => undefined;
      await runUntil([server, client], () => !api.isValid(socket) && !server.api.isValid(accepted));
      assert.equal(flags(client.callsOf(socket).at(-1)!.state), "CLOSED|ERROR");
      assert.equal(flags(server.callsOf(accepted).at(-1)!.state), "CLOSED|ERROR");
    });

    it("an idle connection lives on if processing is called when it asks to be", async () => {
      const { server, client, api, socket, accepted } = await connected();
      let calls = 0;
      api.setHandler(socket, () => {
        calls += 1;
        return 0;
      });
      await runFor([server, client], 600_000);
      assert.deepEqual([api.isOpen(socket), server.api.isOpen(accepted)], [true, true]);
      assert.ok(calls < 2000, `${calls} calls in 600 s`);
    });

    it("a caller that comes late gets a closed connection at worst, never an exception", async () => {
      for (const lateMs of [2000, 9000, 11_000, 3_600_000]) {
        const { pair, server, client, api, socket, remote } = await connected();
        pair.clock.runUntil(pair.clock.now() + lateMs);
        await runFor([server, client], 1000);
        if (lateMs < 5000) assert.equal(api.isOpen(socket), true);
        if (lateMs > 10_000) assert.equal(flags(client.callsOf(socket).at(-1)!.state), "CLOSED|ERROR");
        const again = client.client(remote);
        await runUntil([server, client], () => api.isConnected(again));
      }
    });

    it("processing acts at the time that it is given, and takes no step back", async () => {
      const { pair, client, api, socket } = await connected();
      const sent: number[] = [];
      pair.a.filter = (packet) => {
        sent.push(packet.length);
        return packet;
      };
      const { nextMs } = client;
      pair.clock.runUntil(nextMs + 100);
      assert.equal(api.processing(nextMs - 1), nextMs);
      assert.deepEqual(sent, [], "at that time nothing was due");
      api.processing(nextMs);
      assert.deepEqual(sent, [22], "a keep-alive");
      api.send(socket, bytes("x"));
      assert.ok(api.processing(0) > nextMs, "an earlier time is taken for the latest one");
      assert.deepEqual(sent, [22, 6]);
      assert.equal(api.isOpen(socket), true);
    });
  });
}
