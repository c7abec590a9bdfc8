import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BIND_ALL, BIND_PRIMARY, type BindAddress, Sid } from "../src/address.ts";
import { MspError } from "../src/errors.ts";
import type { MspHandle } from "../src/handler/handle.ts";
import type { SealedTransport } from "../src/stream/transport.ts";
import { ENGINES, Pair, sidOf } from "./support/pair.ts";
import { bytes, flags, Program, runFor, runUntil } from "./support/program.ts";

const PORT = 512;

for (const engine of ENGINES) {
  describe(`opening sockets (${engine})`, () => {
    async function programs() {
      const pair = await Pair.make({ engine });
      const server = new Program(pair, pair.b);
      const client = new Program(pair, pair.a);
      return { pair, server, client, api: client.api, remote: { sid: pair.b.identities[0]!, port: PORT } };
    }

    it("setLocal, connect and listen refuse a socket that is not initialising", async () => {
      const { api, client, remote } = await programs();
      const listener = client.listener();
      const data = client.client(remote);
      const stopped = client.client(remote);
      api.stop(stopped);
      for (const socket of [listener, data, stopped]) {
        assert.throws(() => api.setLocal(socket, { sid: BIND_PRIMARY, port: 77 }), { code: "state" });
        assert.throws(() => api.connect(socket, remote), { code: "state" });
        assert.throws(() => api.listen(socket), { code: "state" });
      }
      assert.deepEqual(
        [api.isListening(listener), api.isData(data), api.isClosed(stopped)],
        [true, true, true],
      );
    });

    it("the local address is the default, then what was set, then what was resolved", async () => {
      const { api, client, pair, remote } = await programs();
      const own = pair.a.identities[0]!;
      for (const open of [
        (socket: MspHandle) => api.connect(socket, remote),
        (socket: MspHandle) => api.listen(socket),
      ]) {
        const socket = client.socket();
        assert.deepEqual(api.getLocal(socket), { sid: BIND_PRIMARY, port: 0 });
        api.setLocal(socket, { sid: BIND_ALL, port: 600 });
        assert.deepEqual(api.getLocal(socket), { sid: BIND_ALL, port: 600 });
        api.setLocal(socket, { sid: BIND_PRIMARY, port: 601 });
        open(socket);
        assert.deepEqual(api.getLocal(socket), { sid: own, port: 601 });
        api.closeAll(api.getMdpSocket(socket));
      }
    });

    it("BIND_PRIMARY and port zero resolve to a real SID and port that do not change", async () => {
      const { api, client, server, pair, remote } = await programs();
      const listener = server.listener();
      const ports = new Set<number>();
      for (const sid of [undefined, BIND_PRIMARY, BIND_ALL] as const) {
        const socket = client.socket();
        if (sid !== undefined) api.setLocal(socket, { sid, port: 0 });
        api.connect(socket, remote);
        const local = api.getLocal(socket);
        assert.equal(local.sid, pair.a.identities[0]);
        assert.ok(local.port > 256 && local.port < 2 ** 31);
        await runUntil([server, client], () => api.isConnected(socket));
        assert.deepEqual(api.getLocal(socket), local);
        ports.add(local.port);
      }
      assert.equal(ports.size, 3);
      assert.equal(server.api.getLocal(listener).port, PORT);
    });

    it("a client may choose its own SID and port", async () => {
      const { api, client, server, pair, remote } = await programs();
      const listener = server.listener();
      const socket = client.socket();
      const local = { sid: pair.a.identities[1]!, port: 4000 };
      api.setLocal(socket, local);
      api.connect(socket, remote);
      assert.deepEqual(api.getLocal(socket), local);
      await runUntil([server, client], () => api.isConnected(socket));
      assert.deepEqual(server.api.getRemote(server.accepted(listener)[0]!), local);
    });

    it("setLocal refuses a SID of another node and a port that is none", async () => {
      const { api, client } = await programs();
      const socket = client.socket();
      const bad: unknown[] = [
        { sid: sidOf(0xcc), port: 1 },
        { sid: undefined, port: 1 },
        { sid: "aa".repeat(32), port: 1 },
        { sid: Symbol("x"), port: 1 },
        { sid: BIND_PRIMARY, port: -1 },
        { sid: BIND_PRIMARY, port: 2 ** 32 },
        { sid: BIND_PRIMARY, port: 1.5 },
        { sid: BIND_PRIMARY, port: Number.NaN },
      ];
      for (const local of bad) {
        assert.throws(() => api.setLocal(socket, local as BindAddress), {
          name: "MspError",
          code: "address",
        });
      }
      assert.deepEqual(api.getLocal(socket), { sid: BIND_PRIMARY, port: 0 });
    });

    it("a listener on BIND_ALL is reached under every identity", async () => {
      const { api, client, server, pair } = await programs();
      const listener = server.socket();
      server.api.setLocal(listener, { sid: BIND_ALL, port: PORT });
      assert.equal(server.api.listen(listener), 0);
      assert.deepEqual(server.api.getLocal(listener), { sid: pair.b.identities[0], port: PORT });
      const sockets = pair.b.identities.map((sid) => client.client({ sid, port: PORT }));
      await runUntil([server, client], () => sockets.every((socket) => api.isConnected(socket)));
      const called = server.accepted(listener).map((socket) => server.api.getLocal(socket).sid);
      assert.deepEqual(new Set(called), new Set(pair.b.identities));
    });

    it("connect refuses BIND_PRIMARY, BIND_ALL, the special SIDs and port zero", async () => {
      const { api, client, remote } = await programs();
      const socket = client.socket();
      const internal = Sid.fromHex(`${"00".repeat(31)}07`);
      const bad: unknown[] = [
        BIND_PRIMARY,
        BIND_ALL,
        sidOf(0),
        sidOf(0xff),
        internal,
        undefined,
        remote.sid.hex,
      ];
      for (const sid of bad) {
        assert.throws(() => api.connect(socket, { sid: sid as Sid, port: PORT }), { code: "address" });
      }
      for (const port of [0, -1, 2 ** 32, 1.5, Number.NaN]) {
        assert.throws(() => api.connect(socket, { ...remote, port }), { code: "address" });
      }
      assert.equal(api.isInitialising(socket), true);
    });

    it("connect throws when its local port is taken, and the socket stays initialising", async () => {
      const { api, client, remote } = await programs();
      client.listener(700);
      const socket = client.socket();
      api.setLocal(socket, { sid: BIND_PRIMARY, port: 700 });
      assert.throws(() => api.connect(socket, remote), { code: "port-in-use" });
      assert.equal(api.isInitialising(socket), true);
      api.setLocal(socket, { sid: BIND_PRIMARY, port: 701 });
      api.connect(socket, remote);
      assert.equal(api.isData(socket), true);
    });

    it("getRemote gives the address that was passed to connect", async () => {
      const { api, client, remote } = await programs();
      const socket = client.client(remote);
      assert.deepEqual(api.getRemote(socket), remote);
      client.process();
      assert.deepEqual(api.getRemote(socket), remote);
    });

    it("getRemote refuses a socket that is not open data", async () => {
      const { api, client } = await programs();
      assert.throws(() => api.getRemote(client.socket()), { code: "state" });
      assert.throws(() => api.getRemote(client.listener()), { code: "state" });
    });

    it("connect does no input or output", async () => {
      const { api, client, server, pair, remote } = await programs();
      server.listener();
      let sent = 0;
      pair.a.filter = (packet) => {
        sent += 1;
        return packet;
      };
      const socket = client.client(remote);
      await runFor([server], 5000);
      assert.equal(sent, 0);
      assert.equal(api.isConnected(socket), false);
      client.process();
      assert.equal(sent, 1);
    });

    it("a socket is connected once processing has handled the first packet of its peer", async () => {
      const { api, client, server, pair, remote } = await programs();
      server.listener();
      const socket = client.client(remote);
      client.process();
      await runFor([server], 5);
      assert.equal(api.isConnected(socket), false, "the answer is there, but nobody took it");
      assert.equal(await api.recv(client.mdps[0]!, { timeoutMs: 0 }), true);
      assert.equal(api.isConnected(socket), false, "taken, but not handled");
      client.process();
      assert.equal(api.isConnected(socket), true);
      assert.ok(pair.clock.now() < 10);
    });

    it("listen needs a port that was set", async () => {
      const { api, client } = await programs();
      const socket = client.socket();
      assert.throws(() => api.listen(socket), { code: "state" });
      api.setLocal(socket, { sid: BIND_ALL, port: 0 });
      assert.throws(() => api.listen(socket), { code: "state" });
      api.setLocal(socket, { sid: BIND_ALL, port: 9 });
      assert.equal(api.listen(socket), 0);
    });

    it("listen answers -1 when the port is taken", async () => {
      const { api, client } = await programs();
      const first = client.listener(PORT);
      const socket = client.socket();
      api.setLocal(socket, { sid: BIND_PRIMARY, port: PORT });
      assert.equal(api.listen(socket), -1);
      assert.equal(api.lastError()?.code, "port-in-use");
      assert.equal(api.isInitialising(socket), true);
      api.setLocal(socket, { sid: BIND_PRIMARY, port: PORT + 1 });
      assert.equal(api.listen(socket), 0);
      assert.equal(api.isListening(first), true);
    });

    it("a refusal of the port that comes later arrives as ERROR and CLOSED", async () => {
      const { pair, remote } = await programs();
      const refusing = refuseLater(pair.a, new MspError("port-in-use", "the holder says no"));
      const program = new Program(pair, refusing.transport);
      const { api } = program;
      const codes: (string | undefined)[] = [];
      const note = (): void => void codes.push(api.lastError()?.code);
      const listener = program.listener(PORT, note);
      const data = program.client(remote, note);
      const waiting = [listener, data].map((socket) => api.recv(api.getMdpSocket(socket)));
      refusing.refuse();
      assert.deepEqual(
        await Promise.all(waiting),
        [false, false],
        "whoever waits is sent on to processing()",
      );
      assert.deepEqual([api.isOpen(listener), api.isOpen(data)], [true, true]);
      program.process();
      assert.deepEqual(
        program.callsOf(listener).map(({ state }) => flags(state)),
        ["CLOSED|ERROR"],
      );
      assert.deepEqual(
        program.callsOf(data).map(({ state }) => flags(state)),
        ["CLOSED|ERROR"],
      );
      assert.deepEqual(codes, ["port-in-use", "port-in-use"]);
    });

    it("getMdpSocket gives the number that the socket was made with", async () => {
      const { api } = await programs();
      const numbers = [api.mdpSocket(), api.mdpSocket(), api.mdpSocket()];
      const sockets = numbers.map((number) => api.mspSocket(number, 0));
      assert.deepEqual(
        sockets.map((socket) => api.getMdpSocket(socket)),
        numbers,
      );
    });

    it("a data socket made by a listener has resolved addresses and the listener's MDP socket", async () => {
      const { api, client, server, remote } = await programs();
      const listener = server.listener();
      const socket = client.client(remote);
      await runUntil([server, client], () => api.isConnected(socket));
      const [accepted] = server.accepted(listener);
      assert.equal(server.api.isConnected(accepted), true);
      assert.deepEqual(server.api.getLocal(accepted!), remote);
      assert.deepEqual(server.api.getRemote(accepted!), api.getLocal(socket));
      assert.equal(server.api.getMdpSocket(accepted!), server.api.getMdpSocket(listener));
    });

    it("one program listens and connects at once", async () => {
      const { client, server, pair, remote } = await programs();
      const sends = (program: Program, message: string) => (socket: MspHandle, state: number) => {
        if (program.textsOf(socket).length === 0 && state & program.api.DATA_OUT && !sent.has(socket)) {
          sent.add(socket);
          program.api.send(socket, bytes(message));
        }
      };
      const sent = new Set<MspHandle>();
      const serverSide = server.listener(PORT);
      const clientSide = client.listener(PORT);
      client.client(remote, sends(client, "from a"));
      server.client({ sid: pair.a.identities[0]!, port: PORT }, sends(server, "from b"));
      const texts = (program: Program, listener: MspHandle) =>
        program.accepted(listener).flatMap((socket) => program.textsOf(socket));
      await runUntil(
        [server, client],
        () => texts(server, serverSide).length + texts(client, clientSide).length === 2,
      );
      assert.deepEqual(texts(server, serverSide), ["from a"]);
      assert.deepEqual(texts(client, clientSide), ["from b"]);
    });
  });
}

/** A transport that binds at once, as one does that must ask a holder, and then learns that it may not. */
function refuseLater(below: Pair["a"], error: MspError) {
  let refuse = (): void => {};
  const refused = new Promise<void>((_, reject) => {
    refuse = () => reject(error);
  });
  const transport: SealedTransport = {
    core: below.core,
    identities: below.identities,
    bind: (local, receive) => {
      const { send, close, local: bound } = below.bind(local, receive);
      return { send, close, local: bound, ready: refused };
    },
    onLost: (handle) => below.onLost(handle),
    close: () => below.close(),
  };
  return { transport, refuse };
}
