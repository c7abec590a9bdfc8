import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import type { Socket } from "node:net";
import { test } from "node:test";
import { content, lonely, near, Stage } from "./processes.ts";
import { all, closedPort, dial, failure, knock, openTunnel, portOf, sha256, withServer } from "./tunnel.ts";

test("5 MB in each direction at once go through the tunnel byte for byte, and it closes gracefully", () =>
  Stage.run(async (stage) => {
    const [up, down] = [content(5_000_000, 1), content(5_000_000, 2)];
    let atServer: Promise<Buffer> | undefined;
    const serve = (socket: Socket): void => {
      atServer = all(socket);
      socket.end(down);
    };
    await withServer(serve, async (target) => {
      const { listening, connecting, client } = await openTunnel(stage, target);
      const socket = await client();
      socket.end(up);
      assert.equal(sha256(await all(socket)), sha256(down));
      assert.equal(sha256(await atServer!), sha256(up));
      for (const command of [listening, connecting]) {
        const { how, toTcpBytes, fromTcpBytes } = await command.event("forward-closed");
        assert.deepEqual([how, toTcpBytes, fromTcpBytes], ["gracefully", 5_000_000, 5_000_000]);
      }
    });
  }));

test("a client that ends its direction still gets the answer, and one that only reads gets the greeting", () =>
  Stage.run(async (stage) => {
    const serve = (socket: Socket): void => {
      socket.write("hello\n");
      all(socket).then((bytes) => socket.end(`got ${bytes}\n`));
    };
    await withServer(serve, async (target) => {
      const { client } = await openTunnel(stage, target);
      const socket = await client();
      assert.equal(String((await once(socket, "data"))[0]), "hello\n");
      socket.end("question");
      assert.equal(String(await all(socket)), "got question\n");
    });
  }));

test("where the target refuses, the client gets a reset and the listener says why, and goes on", () =>
  Stage.run(async (stage) => {
    const target = await closedPort();
    const { listening, connecting, knock } = await openTunnel(stage, target);
    assert.equal(await knock(), "ECONNRESET");
    const { reason, tcp, sid, count } = await listening.event("refused");
    assert.deepEqual([reason, tcp, count], ["tcp", `127.0.0.1:${target}`, 1]);
    assert.match(sid, /^[0-9A-F]{64}$/);
    assert.equal((await connecting.event("forward-closed")).how, "suddenly");
    assert.equal(await knock(), "ECONNRESET");
  }));

test("a reset of either end reaches the other as a reset", () =>
  Stage.run(async (stage) => {
    const accepted: Socket[] = [];
    const serve = (socket: Socket): void => {
      accepted.push(socket.on("data", () => undefined));
      socket.write("x");
    };
    await withServer(serve, async (target) => {
      const { listening, connecting, client } = await openTunnel(stage, target);
      const first = await client();
      await once(first, "data");
      const atServer = failure(accepted[0]!);
      first.resetAndDestroy();
      assert.equal(await atServer, "ECONNRESET");
      const second = await client();
      await once(second, "data");
      accepted[1]!.resetAndDestroy();
      assert.equal(await failure(second), "ECONNRESET");
      assert.match((await connecting.event("forward-closed")).message, /reset the connection/);
      assert.match((await listening.event("forward-closed")).message, /stopped the connection/);
    });
  }));

test("a server that stops reading stops the client, and loses nothing when it goes on", () =>
  Stage.run(async (stage) => {
    const accepted: Socket[] = [];
    await withServer(
      (socket) => accepted.push(socket.pause()),
      async (target) => {
        const { client } = await openTunnel(stage, target);
        const socket = await client();
        const bytes = content(60_000_000, 3);
        const taken = { bytes: 0 };
        const sending = sendCounted(socket, bytes, taken);
        for (let last = -1; last !== taken.bytes || last === 0; ) {
          last = taken.bytes;
          await new Promise((resolve) => setTimeout(resolve, 500));
        }
        assert.ok(taken.bytes < 30_000_000, `${taken.bytes} bytes went where nobody reads`);
        const got = all(accepted[0]!);
        accepted[0]!.resume();
        await sending;
        assert.equal(sha256(await got), sha256(bytes));
      },
    );
  }));

test("50 connections at once do not mix", () =>
  Stage.run(async (stage) => {
    await withServer(
      (socket) => void all(socket).then((bytes) => socket.end(bytes)),
      async (target) => {
        const { connecting, client } = await openTunnel(stage, target);
        const clients = await Promise.all(Array.from({ length: 50 }, client));
        const answers = await Promise.all(
          clients.map(async (socket, index) => {
            socket.end(content(50_000, index));
            return sha256(await all(socket));
          }),
        );
        assert.deepEqual(
          answers,
          clients.map((_, index) => sha256(content(50_000, index))),
        );
        await connecting.event("forward-closed");
        assert.equal(connecting.events.filter(({ event }) => event === "forward-opened").length, 50);
      },
    );
  }));

test("without --allow there is one warning; with it, others are refused, and its own peer is served", () =>
  Stage.run(async (stage) => {
    const friendHome = stage.home();
    const friend = await stage.identity(friendHome);
    await withServer(
      (socket) => socket.end("welcome"),
      async (target) => {
        const open = await openTunnel(stage, target);
        for (const socket of [await open.client(), await open.client()]) {
          assert.equal(String(await all(socket)), "welcome");
          socket.end();
        }
        const warnings = open.listening.events.filter(({ event }) => event === "warning");
        assert.deepEqual(
          warnings.map(({ reason, forward }) => [reason, forward]),
          [["no-allow", `127.0.0.1:${target}`]],
        );

        const listenWords = ["--allow", friend];
        const stranger = await openTunnel(stage, target, { listenWords });
        assert.equal(await stranger.knock(), "ECONNRESET");
        assert.equal((await stranger.listening.event("refused")).reason, "not-allowed");
        assert.ok(!stranger.listening.err.includes("no-allow"));
        const { sid, bound } = await stranger.listening.event("listening");
        const allowed = stage.start([
          "connect",
          ...near(friendHome, bound),
          "--json",
          "--forward",
          "0",
          sid,
          "80",
        ]);
        const { tcp } = await allowed.event("forwarding");
        assert.equal(String(await all(await dial(Number(tcp.split(":")[1])))), "welcome");
      },
    );
  }));

test("no more connections than --max-connections are open, at either end, and it is said which were refused", () =>
  Stage.run(async (stage) => {
    await withServer(
      (socket) => socket.write("x"),
      async (target) => {
        const near = await openTunnel(stage, target, { connectWords: ["--max-connections", "2"] });
        const far = await openTunnel(stage, target, { listenWords: ["--max-connections", "2"] });
        for (const [tunnel, refuser] of [
          [near, near.connecting],
          [far, far.listening],
        ] as const) {
          const open = [await tunnel.client(), await tunnel.client()];
          await Promise.all(open.map((socket) => once(socket, "data")));
          assert.equal(await tunnel.knock(), "ECONNRESET");
          assert.equal((await refuser.event("refused")).reason, "limit");
          open[0]!.resetAndDestroy();
          await tunnel.listening.event("forward-closed");
          await tunnel.connecting.event("forward-closed");
          const [next] = await once(await tunnel.client(), "data");
          assert.equal(String(next), "x");
        }
      },
    );
  }));

test("HTTP goes through the tunnel: a request with a body, and its answer", () =>
  Stage.run(async (stage) => {
    const body = content(300_000, 4);
    const server = createServer((incoming, response) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk) => chunks.push(chunk));
      incoming.on("end", () => response.end(`${incoming.method} ${sha256(Buffer.concat(chunks))}`));
    });
    try {
      const { port } = await openTunnel(stage, await portOf(server));
      const asking = request({ host: "127.0.0.1", port, method: "POST", path: "/", agent: false });
      asking.end(body);
      const [response] = await once(asking, "response");
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      assert.equal(String(Buffer.concat(chunks)), `POST ${sha256(body)}`);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  }));

test("--once ends both commands with the first connection: 0 if it went well, 1 if it was refused", () =>
  Stage.run(async (stage) => {
    const once = { listenWords: ["--once"], connectWords: ["--once"] };
    await withServer(
      (socket) => socket.end("bye"),
      async (target) => {
        const { listening, connecting, client } = await openTunnel(stage, target, once);
        const socket = await client();
        socket.end();
        assert.equal(String(await all(socket)), "bye");
        assert.deepEqual([(await listening.ended).code, (await connecting.ended).code], [0, 0]);
      },
    );
    const { listening, connecting, knock } = await openTunnel(stage, await closedPort(), once);
    assert.equal(await knock(), "ECONNRESET");
    assert.deepEqual([(await listening.ended).code, (await connecting.ended).code], [1, 1]);
  }));

test("a signal ends both commands, and resets what is open", () =>
  Stage.run(async (stage) => {
    await withServer(
      (socket) => socket.write("x"),
      async (target) => {
        const { listening, connecting, client } = await openTunnel(stage, target);
        const socket = await client();
        await once(socket, "data");
        const failed = failure(socket);
        connecting.child.kill("SIGTERM");
        assert.equal(await failed, "ECONNRESET");
        assert.equal((await connecting.ended).code, 143);
        assert.equal((await listening.event("forward-closed")).how, "suddenly");
        listening.child.kill("SIGINT");
        assert.equal((await listening.ended).code, 130);
      },
    );
  }));

test("when the holder of the home goes, both commands exit 4: at once, or with the next client", () =>
  Stage.run(async (stage) => {
    const home = stage.home();
    const { command: holder, sid } = await stage.startListening(["listen", "512"], { home });
    const attached = ["--home", home, "--json"];
    const listening = stage.start(["listen", ...attached, "--forward", `${await closedPort()}`, "80"]);
    const connecting = stage.start(["connect", ...attached, "--forward", "0", sid, "80"]);
    const { tcp } = await connecting.event("forwarding");
    await listening.event("listening");
    await holder.kill();
    assert.equal((await listening.ended).code, 4, listening.err);
    assert.equal(await knock(Number(tcp.split(":")[1])), "ECONNRESET");
    assert.equal((await connecting.ended).code, 4, connecting.err);
  }));

test("a peer that does not answer is a reset for the client after 10 s, and is told as a time-out", () =>
  Stage.run(async (stage) => {
    const nobody = await stage.identity(stage.home());
    const command = stage.start([
      "connect",
      ...lonely(stage.home()),
      "--forward",
      "0",
      "--json",
      nobody,
      "80",
    ]);
    const { tcp } = await command.event("forwarding");
    assert.equal(await knock(Number(tcp.split(":")[1])), "ECONNRESET");
    const { how, message } = await command.event("forward-closed");
    assert.equal(how, "timed-out");
    assert.match(message, /no answer from [0-9A-F]{64}, port 80 within 10 s/);
  }));

test("a TCP port that is taken exits 3 with a line that says what to do", () =>
  withServer(
    () => undefined,
    (taken) =>
      Stage.run(async (stage) => {
        const words = ["connect", ...lonely(stage.home()), "--quiet", "--forward", `${taken}`];
        const { code, err } = await stage.run([...words, "A".repeat(64), "80"]);
        assert.equal(code, 3, err);
        assert.match(err, /^msp: cannot listen on TCP 127\.0\.0\.1:\d+ \(EADDRINUSE\): [^\n]+\n$/);
      }),
  ));

test("a service is found by its name, for a tunnel and for standard input and output", () =>
  Stage.run(async (stage) => {
    const { command, sid, bound } = await stage.startListening(["listen", "4711", "--service", "notes"]);
    assert.equal((await command.event("listening")).service, "notes");
    const home = stage.home();
    const connecting = stage.start(
      ["connect", ...near(home, bound), sid, "--service", "notes"],
      ["pipe", "pipe", "pipe"],
    );
    connecting.child.stdin!.end("by name");
    const { code, err } = await connecting.ended;
    assert.equal(code, 0, err);
    assert.equal(command.out, "by name");
  }));

/** Send all of it and end, counting what the system has taken. */
async function sendCounted(socket: Socket, bytes: Buffer, taken: { bytes: number }): Promise<void> {
  for (let start = 0; start < bytes.length; start += 65_536) {
    const part = bytes.subarray(start, start + 65_536);
    await new Promise((resolve) => socket.write(part, resolve));
    taken.bytes += part.length;
  }
  socket.end();
}
