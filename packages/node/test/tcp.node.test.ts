import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { test } from "node:test";
import { MspError } from "@meshstream/msp";
import { connectTcp, listenTcp } from "../src/tcp.ts";
import { formatTcpAddress, isLoopback, parseTcpAddress } from "../src/tcp-address.ts";
import type { TcpStream } from "../src/tcp-stream.ts";

test("an address is a port of this machine, or a host and a port; what is none is named", () => {
  const good: readonly [string, string][] = [
    ["8080", "127.0.0.1:8080"],
    ["192.0.2.7:80", "192.0.2.7:80"],
    ["localhost:80", "localhost:80"],
    ["web-1.example_x.org:65535", "web-1.example_x.org:65535"],
    ["[::1]:22", "[::1]:22"],
  ];
  for (const [text, expected] of good) assert.equal(formatTcpAddress(parseTcpAddress(text, 1)), expected);
  for (const [text, why] of [
    ["", /neither PORT nor HOST:PORT/],
    ["0", /1 to 65535/],
    ["65536", /1 to 65535/],
    ["8080x", /neither PORT/],
    ["-1", /neither PORT/],
    [":80", /"" is neither/],
    ["127.0.0.256:80", /127\.0\.0\.256/],
    ["a b:80", /"a b"/],
    ["-a:80", /"-a"/],
    ["[localhost]:80", /"localhost"/],
    ["::1", /brackets/],
  ] as const) {
    assert.throws(
      () => parseTcpAddress(text, 1),
      (error) => error instanceof MspError && error.code === "address" && why.test(error.message),
      text,
    );
  }
  assert.equal(parseTcpAddress("0", 0).port, 0);
  const isOurs = (text: string): boolean => isLoopback(parseTcpAddress(text, 1));
  assert.deepEqual(["1", "127.9.9.9:1", "[::1]:1", "localhost:1"].map(isOurs), [true, true, true, true]);
  assert.deepEqual(["0.0.0.0:1", "[::]:1", "192.0.2.7:1", "127.org:1"].map(isOurs), Array(4).fill(false));
});

test("each direction ends on its own, and a connection whose both ends are told closes", () =>
  withPair(async (stream, socket) => {
    socket.end("question");
    assert.equal(String(await stream.read()), "question");
    assert.equal(await stream.read(), undefined);
    assert.equal(await stream.read(), undefined);
    await stream.write(Buffer.from("answer"));
    stream.shutdown();
    const [chunk] = (await once(socket, "data")) as [Buffer];
    assert.equal(String(chunk), "answer");
    await stream.closed;
  }));

test("a write waits for the system, and a read holds no more than a buffer", () =>
  withPair(async (stream, socket) => {
    socket.pause();
    let written = 0;
    const chunk = Buffer.alloc(65_536);
    const writing = (async () => {
      for (;;) {
        await stream.write(chunk);
        written += chunk.length;
      }
    })();
    writing.catch(() => undefined);
    await stalled(() => written);
    assert.ok(written < 64 << 20, `${written} bytes went nowhere`);

    let accepted = 0;
    const more = (error?: Error | null): void => {
      if (error) return;
      accepted += chunk.length;
      socket.write(chunk, more);
    };
    more();
    await stalled(() => accepted);
    const held = (await stream.read())!.length;
    assert.ok(held <= 131_072, `${held} bytes at once`);
    stream.reset();
    await assert.rejects(writing, { code: "aborted" });
    socket.destroy();
  }));

test("a reset of the other end rejects what is under way, in words that name it", () =>
  withPair(async (stream, socket) => {
    const reading = stream.read();
    socket.resetAndDestroy();
    await assert.rejects(reading, { code: "reset", message: `${stream.remote} reset the connection` });
    await assert.rejects(stream.closed, { code: "reset" });
    await assert.rejects(stream.write(Buffer.from("x")), { code: "reset" });
    stream.reset();
    stream.shutdown();
  }));

test("a reset right behind bytes is not taken for their end", () =>
  withPair(async (stream, socket) => {
    await new Promise((resolve) => socket.write("half of a", resolve));
    socket.resetAndDestroy();
    assert.equal(String(await stream.read()), "half of a");
    await assert.rejects(stream.read(), { code: "reset" });
  }));

test("reset() reaches the other end as such, not as an end of file", () =>
  withPair(async (stream, socket) => {
    const failed = once(socket, "error");
    stream.reset();
    const [error] = await failed;
    assert.equal(error.code, "ECONNRESET");
    await assert.rejects(stream.read(), { code: "aborted" });
  }));

test("a port where nobody listens, and a signal, reject the call", async () => {
  const server = await listening(createServer());
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  await assert.rejects(connectTcp({ host: "127.0.0.1", port }), {
    code: "refused",
    message: /^127\.0\.0\.1:\d+ refuses connections/,
  });
  const controller = new AbortController();
  const connecting = connectTcp({ host: "127.0.0.1", port }, { signal: controller.signal });
  controller.abort();
  await assert.rejects(connecting, { code: "aborted" });
});

test("a listener gives every connection out, frees its port, and says what to do if that is taken", async () => {
  const accepted: TcpStream[] = [];
  const listener = await listenTcp({ host: "127.0.0.1", port: 0 }, (stream) => accepted.push(stream));
  const { port } = parseTcpAddress(listener.local, 1);
  await assert.rejects(
    listenTcp({ host: "127.0.0.1", port }, () => undefined),
    { code: "transport-start", message: /another program has that port/ },
  );
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  while (accepted.length === 0) await new Promise(setImmediate);
  listener.close();
  await listener.closed;
  await accepted[0]!.write(Buffer.from("still here"));
  assert.equal(String((await once(socket, "data"))[0]), "still here");
  socket.destroy();
  accepted[0]!.reset();
  await assert.rejects(connectTcp({ host: "127.0.0.1", port }), { code: "refused" });
});

/** A stream of ours, and Node's socket at the other end. */
async function withPair(body: (stream: TcpStream, socket: Socket) => Promise<void>): Promise<void> {
  const server = await listening(createServer({ allowHalfOpen: true }));
  const accepted = once(server, "connection");
  const { port } = server.address() as { port: number };
  const stream = await connectTcp({ host: "127.0.0.1", port });
  const [socket] = (await accepted) as [Socket];
  socket.on("error", () => undefined);
  try {
    await body(stream, socket);
  } finally {
    stream.reset();
    socket.destroy();
    server.close();
  }
}

async function listening(server: Server): Promise<Server> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

/** Resolves when `count` has not grown for 20 turns of the event loop with 2 ms each. */
async function stalled(count: () => number): Promise<void> {
  for (let turns = 0, last = -1; turns < 20; turns++) {
    if (count() !== last) turns = 0;
    last = count();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
