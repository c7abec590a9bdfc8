import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { MspError } from "@meshstream/msp";
import { splice } from "../src/forward/splice.ts";
import { listenTcp, type TcpStream } from "../src/shared/runtime.ts";
import { FakeSocket } from "./fake-socket.ts";
import { content } from "./processes.ts";

test("both directions are carried whole and end on their own, in full messages", () =>
  withSplice(async ({ client, peer, done, counts }) => {
    const [up, down] = [content(300_000, 1), content(200_000, 2)];
    client.end(up);
    const atPeer = await drain(peer);
    assert.ok(atPeer.equals(up), "all of it, and then the end");
    assert.ok(counts().messages < 310, `${counts().messages} messages for 300 kB`);
    for (let start = 0; start < down.length; start += 1000)
      await peer.send(down.subarray(start, start + 1000));
    peer.shutdown();
    assert.ok((await all(client)).equals(down));
    await done;
    assert.deepEqual([counts().fromTcpBytes, counts().toTcpBytes], [up.length, down.length]);
  }));

test("a byte does not wait for others", () =>
  withSplice(async ({ client, peer }) => {
    for (const byte of ["a", "b", "c"]) {
      client.write(byte);
      assert.equal(String(await peer.receive()), byte);
    }
  }));

test("the peer's end is an end of file for the client, which can still send", () =>
  withSplice(async ({ client, peer, done }) => {
    peer.shutdown();
    assert.equal((await all(client)).length, 0);
    client.end("after the end");
    assert.equal(String(await peer.receive()), "after the end");
    assert.equal(await peer.receive(), undefined);
    await done;
  }));

test("a message is acknowledged only when TCP took it, and a client that does not read holds the peer back", () =>
  withSplice(async ({ client, peer, socket }) => {
    client.pause();
    const message = Buffer.alloc(1024);
    let sent = 0;
    const sending = (async () => {
      for (; sent < 20_000; sent++) await peer.send(message);
      peer.shutdown();
    })();
    sending.catch(() => undefined);
    await stalled(() => sent);
    assert.ok(sent < 20_000, "the system's buffers take all 20 MB");
    assert.equal(sent - socket.takenCount, LIMIT, "exactly what fits into the window is on the way");
    assert.equal((await all(client)).length, 20_000 * 1024);
    await sending;
  }));

test("a peer that does not take holds the client back", () =>
  withSplice(async ({ client, socket }) => {
    let written = 0;
    const chunk = Buffer.alloc(65_536);
    const more = (error?: Error | null): void => {
      if (error) return;
      written += chunk.length;
      client.write(chunk, more);
    };
    more();
    await stalled(() => written);
    assert.equal(socket.sent.length, LIMIT);
    assert.ok(written < 32 << 20, `${written} bytes went nowhere`);
  }));

test("a client's reset stops the connection, whatever is under way", async () => {
  for (const isBusy of [false, true]) {
    await withSplice(async ({ client, peer, done }) => {
      if (isBusy) client.pause();
      const sending = isBusy ? fill(peer) : Promise.resolve();
      sending.catch(() => undefined);
      if (isBusy) await stalled(() => peer.sent.length);
      client.resetAndDestroy();
      await assert.rejects(done, { name: "TcpError", code: "reset" });
      await assert.rejects(peer.receive(), { code: "stopped" });
    });
  }
});

test("a sudden end of the connection resets the client, after what had arrived is written", async () => {
  for (const error of [new MspError("stopped", "stopped by the peer"), new MspError("timeout", "silence")]) {
    await withSplice(async ({ client, peer, socket, done }) => {
      const failed = once(client, "error");
      let got = "";
      client.on("data", (chunk) => {
        got += chunk;
      });
      for (const word of ["the ", "very ", "last ", "words"]) await peer.send(Buffer.from(word));
      socket.fail(error);
      await assert.rejects(done, error);
      assert.equal((await failed)[0].code, "ECONNRESET");
      assert.equal(got, "the very last words");
    });
  }
});

test("a sudden end reaches a client that does not read within a second or so", () =>
  withSplice(async ({ client, peer, socket, done }) => {
    client.pause();
    fill(peer).catch(() => undefined);
    await stalled(() => peer.sent.length);
    const startedMs = performance.now();
    socket.fail(new MspError("stopped", "stopped by the peer"));
    await assert.rejects(done, { code: "stopped" });
    assert.ok(performance.now() - startedMs < 5000);
  }));

test("a sudden end while the client has ended its direction is none in good order", () =>
  withSplice(async ({ client, peer, socket, done }) => {
    const failed = once(client, "error");
    client.end("all I have");
    await drain(peer);
    socket.fail(new MspError("stopped", "stopped by the peer"));
    await assert.rejects(done, { code: "stopped" });
    assert.equal((await failed)[0].code, "ECONNRESET");
  }));

/** Messages that fit on the way of a {@link FakeSocket}. */
const LIMIT = 8;

interface Rig {
  /** The TCP client at one end. */
  readonly client: Socket;
  /** The MSP peer at the other end. */
  readonly peer: FakeSocket;
  /** The spliced socket. */
  readonly socket: FakeSocket;
  readonly done: Promise<void>;
  counts(): { fromTcpBytes: number; toTcpBytes: number; messages: number };
}

/** A TCP client and an MSP peer, joined. */
async function withSplice(body: (rig: Rig) => Promise<void>): Promise<void> {
  const { a: socket, b: peer } = FakeSocket.pair(LIMIT);
  let accept = (_stream: TcpStream): void => undefined;
  const accepted = new Promise<TcpStream>((resolve) => {
    accept = resolve;
  });
  const listener = await listenTcp({ host: "127.0.0.1", port: 0 }, (stream) => accept(stream));
  const client = connect({
    port: Number(listener.local.split(":")[1]),
    host: "127.0.0.1",
    allowHalfOpen: true,
  });
  client.on("error", () => undefined);
  // Node tells a reset right behind bytes as an end; writing nothing brings it to light.
  client.on("end", () => client.writable && client.write(Buffer.alloc(0)));
  const [tcp] = await Promise.all([accepted, once(client, "connect")]);
  const counts = { toTcpBytes: 0, fromTcpBytes: 0 };
  const done = splice(socket, tcp, counts);
  done.catch(() => undefined);
  try {
    await body({ client, peer, socket, done, counts: () => ({ ...counts, messages: socket.sent.length }) });
  } finally {
    tcp.reset();
    client.destroy();
    listener.close();
  }
}

async function drain(peer: FakeSocket): Promise<Buffer> {
  const messages: Uint8Array[] = [];
  for (let message = await peer.receive(); message !== undefined; message = await peer.receive())
    messages.push(message);
  return Buffer.concat(messages);
}

async function all(client: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  client.on("data", (chunk) => chunks.push(chunk));
  client.resume();
  await once(client, "end");
  return Buffer.concat(chunks);
}

async function fill(peer: FakeSocket): Promise<void> {
  for (;;) await peer.send(Buffer.alloc(1024));
}

/** Resolves when `count` has not grown for 20 turns of the event loop with 2 ms each. */
async function stalled(count: () => number): Promise<void> {
  for (let turns = 0, last = -1; turns < 20; turns++) {
    if (count() !== last) turns = 0;
    last = count();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
