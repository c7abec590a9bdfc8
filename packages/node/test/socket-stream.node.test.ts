import assert from "node:assert/strict";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { socketStream } from "../src/socket-stream.ts";
import { temporaryHome } from "./temporary-home.ts";

describe("a socket as the stream of an attached program", () => {
  it("carries all bytes in order, those too that came before anyone asked for them", async () => {
    const [near, far] = await pair();
    const stream = socketStream(near);
    for (let i = 0; i < 1000; i++) stream.write(new Uint8Array(300).fill(i));
    await delay(20);
    const received: number[] = [];
    socketStream(far).onData((chunk) => received.push(...chunk));
    while (received.length < 300_000) await delay(1);
    assert.ok(received.every((byte, at) => byte === Math.floor(at / 300) % 256));
    assert.equal(stream.pendingBytes, 0);
  });

  it("hands what is written in one turn of the event loop to the system at once", async () => {
    const [near] = await pair();
    let calls = 0;
    for (const name of ["_write", "_writev"] as const) {
      const original = near[name] as (...args: unknown[]) => void;
      near[name] = (...args: unknown[]) => {
        calls++;
        original.apply(near, args);
      };
    }
    const stream = socketStream(near);
    for (let i = 0; i < 20; i++) stream.write(new Uint8Array(100));
    assert.equal(stream.pendingBytes, 2000);
    while (stream.pendingBytes > 0) await delay(1);
    assert.equal(calls, 1);
  });

  it("says how much waits for a side that does not read", async () => {
    const [near] = await pair();
    const stream = socketStream(near);
    for (let i = 0; i < 100; i++) stream.write(new Uint8Array(10_000));
    await delay(20);
    assert.ok(stream.pendingBytes > 500_000, String(stream.pendingBytes));
  });

  it("sends what was written before it is closed, then ends on both sides, once", async () => {
    const [near, far] = await pair();
    const ends: string[] = [];
    const received: number[] = [];
    const [a, b] = [socketStream(near), socketStream(far)];
    a.onClose(() => ends.push("near"));
    b.onClose(() => ends.push("far"));
    b.onData((chunk) => received.push(...chunk));
    a.write(Uint8Array.of(1, 2, 3));
    a.close();
    a.close();
    a.write(Uint8Array.of(4));
    assert.deepEqual(ends, [], "never from within the call");
    while (ends.length < 2) await delay(1);
    await delay(10);
    assert.deepEqual(ends.sort(), ["far", "near"]);
    assert.deepEqual(received, [1, 2, 3]);
    b.write(Uint8Array.of(5));
    b.close();
    const late = new Promise<void>((resolve) => b.onClose(resolve));
    await late;
  });

  it("closes within some two seconds if the other side does not read", async () => {
    const [near] = await pair();
    const stream = socketStream(near);
    stream.write(new Uint8Array(5_000_000));
    const closed = new Promise<void>((resolve) => stream.onClose(resolve));
    stream.close();
    const timer = setTimeout(() => near.destroy(new Error("too late")), 3000);
    await closed;
    clearTimeout(timer);
    assert.equal(near.errored, null);
  });

  it("leaves no timer behind that would keep the process", async () => {
    const [near, far] = await pair();
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    far.resume();
    const stream = socketStream(near);
    const closed = new Promise<void>((resolve) => stream.onClose(resolve));
    stream.close();
    await closed;
    stream.close();
    socketStream(near).close();
    assert.equal(timers(), before);
  });
});

/** Two ends of a Unix socket. */
async function pair(): Promise<[Socket, Socket]> {
  const path = join(temporaryHome(), "socket");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const near = connect(path);
  const far = await accepted;
  server.close();
  for (const socket of [near, far]) {
    socket.on("error", () => {});
    after(() => socket.destroy());
  }
  return [near, far];
}
