import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BIND_ALL, MspError, type SealedTransport, Sid } from "@meshstream/msp";
import { createRandom, type LinkConfig, VirtualClock } from "@meshstream/netem";
import { createCore } from "@meshstream/wasm-core";
import { MemoryNetwork } from "../../src/memory/network.ts";
import { type PingOptions, ping } from "../../src/questions/ping.ts";

const hasCode = (code: string) => (error: unknown) => error instanceof MspError && error.code === code;

/** Answers as an echo service does, each answer changed by `change`; `requests` are what came, with their senders. */
function serveEcho(transport: SealedTransport, change: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes) {
  const requests: { from: Sid; bytes: Uint8Array }[] = [];
  const binding = transport.bind({ sid: BIND_ALL, port: 7 }, (local, remote, remotePort, offset, length) => {
    const bytes = transport.core.bytes.slice(offset, offset + length);
    requests.push({ from: remote, bytes });
    binding.send(local, { sid: remote, port: remotePort }, (core, to) => {
      const answer = change(bytes);
      core.bytes.set(answer, to);
      return answer.length;
    });
  });
  return requests;
}

async function createTwo(link: Partial<LinkConfig> = {}) {
  const clock = new VirtualClock(1000.5);
  const network = new MemoryNetwork({ clock, random: createRandom(3), link });
  const core = () => createCore({ engine: "ts", poolBytes: 1 << 20 });
  const second = Sid.fromBytes(new Uint8Array(32).fill(9));
  const a = network.node(await core(), Sid.fromBytes(new Uint8Array(32).fill(8)), second);
  const b = network.node(await core());
  /** Ping, with time moving on until it has settled. */
  const run = async (options: PingOptions = {}, sid = b.identities[0]!) => {
    let isSettled = false;
    const result = ping(a, clock, sid, options).finally(() => {
      isSettled = true;
    });
    result.catch(() => {});
    await clock.runWhileAsync(
      () => !isSettled,
      1e6,
      () => new Promise((go) => setTimeout(go, 0)),
    );
    return result;
  };
  return { clock, network, a, b, second, run };
}

describe("ping", () => {
  it("measures the time there and back", async () => {
    const { network, a, b, run } = await createTwo({ delayMs: 15 });
    network.link(b, a).configure({ delayMs: 22.5 });
    serveEcho(b);
    assert.deepEqual(await run(), { rttMs: 37.5 });
  });

  it("asks with its sequence number, the time, and zeros up to the length", async () => {
    const { b, run } = await createTwo();
    const requests = serveEcho(b);
    await run({ sequence: 0x01020304 });
    await run({ payloadBytes: 1029 });
    assert.deepEqual([...requests[0]!.bytes], [1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 3, 0xe8]);
    assert.equal(requests[1]!.bytes.length, 1029);
    assert.ok(requests[1]!.bytes.subarray(12).every((byte) => byte === 0));
  });

  it("asks as the primary identity, or as the one that is named", async () => {
    const { a, b, second, run } = await createTwo();
    const requests = serveEcho(b);
    await run();
    await run({ from: second });
    assert.deepEqual(
      requests.map(({ from }) => from.hex),
      [a.identities[0]!.hex, second.hex],
    );
    await assert.rejects(run({ from: b.identities[0]! }), hasCode("address"));
  });

  it("pings an identity of its own node", async () => {
    const { a, second, run } = await createTwo();
    serveEcho(a);
    assert.deepEqual(await run({}, second), { rttMs: 0 });
  });

  it("rejects with timeout when the packet or the answer is lost, or nobody is there", async () => {
    const { clock, network, a, b, run } = await createTwo({ delayMs: 10 });
    serveEcho(b);
    for (const link of [network.link(a, b), network.link(b, a)]) {
      link.configure({ up: false });
      const startMs = clock.now();
      await assert.rejects(run({ timeoutMs: 300 }), hasCode("timeout"));
      assert.equal(clock.now(), startMs + 300);
      link.configure({ up: true });
    }
    const startMs = clock.now();
    await assert.rejects(run({}, Sid.fromBytes(new Uint8Array(32).fill(5))), hasCode("timeout"));
    assert.equal(clock.now(), startMs + 1000);
  });

  it("takes only its own request for an answer: not another one, not another port's, not another node's", async () => {
    const { network, a, b, run } = await createTwo({ delayMs: 10 });
    serveEcho(b, (bytes) => bytes.map((byte, i) => (i === 11 ? byte ^ 1 : byte)));
    await assert.rejects(run(), hasCode("timeout"));
    const strangers = [
      { sid: b.identities[0]!, port: 8 },
      { sid: a.identities[1]!, port: 7 },
    ];
    network.filter(({ from, to, bytes }) => {
      if (to.port === 7) for (const stranger of strangers) network.inject(stranger, from, bytes);
      return to.port === 7 ? undefined : bytes;
    });
    await assert.rejects(run(), hasCode("timeout"));
    assert.equal(network.counters["no-port"], 0);
  });

  it("rejects with aborted and the signal's reason, before, while and only until it waits", async () => {
    const { clock, b, run } = await createTwo({ delayMs: 10 });
    await assert.rejects(
      run({ signal: AbortSignal.abort("no") }),
      (error: unknown) => hasCode("aborted")(error) && (error as Error).cause === "no",
    );
    const startMs = clock.now();
    const controller = new AbortController();
    clock.setTimer(startMs + 50, () => controller.abort());
    await assert.rejects(run({ signal: controller.signal }), hasCode("aborted"));
    assert.equal(clock.now(), startMs + 50);
    serveEcho(b);
    const { signal } = new AbortController();
    const listeners = new Set<unknown>();
    signal.addEventListener = (_type: string, listener: unknown) => listeners.add(listener);
    signal.removeEventListener = (_type: string, listener: unknown) => listeners.delete(listener);
    await run({ signal });
    assert.equal(listeners.size, 0);
  });

  it("frees its port and its timer however it ends", async () => {
    const { clock, network, a, b, run } = await createTwo({ delayMs: 10 });
    const requests = serveEcho(b);
    const ports: number[] = [];
    network.onPacket(({ from, to }) => {
      if (to.port === 7) ports.push(from.port);
    });
    await run();
    assert.equal(clock.pendingCount, 0);
    await run({ timeoutMs: 1 }).catch(() => {});
    await run({ signal: AbortSignal.abort() }).catch(() => {});
    clock.runUntil(clock.now() + 100);
    assert.equal(requests.length, 2);
    assert.equal(clock.pendingCount, 0);
    for (const port of ports) a.bind({ sid: a.identities[0]!, port }, () => {});
  });

  it("refuses options out of range", async () => {
    const { run } = await createTwo();
    for (const options of [
      { sequence: -1 },
      { sequence: 2 ** 32 },
      { sequence: 0.5 },
      { payloadBytes: 11 },
      { payloadBytes: 1030 },
      { timeoutMs: 0 },
      { timeoutMs: Number.NaN },
    ]) {
      await assert.rejects(run(options), hasCode("argument"), JSON.stringify(options));
    }
  });
});
