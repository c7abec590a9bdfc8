import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  MspError,
  type PacketReceiver,
  type SealedBinding,
  type SealedTransport,
  Sid,
} from "@meshstream/msp";
import { createRandom, VirtualClock } from "@meshstream/netem";
import { createCore } from "@meshstream/wasm-core";
import { describeConformance } from "../src/conformance.ts";
import { MemoryNetwork } from "../src/memory/network.ts";

/** What to break of a sound transport: its binding, or what reaches its receivers. */
interface Fault {
  readonly transport?: (sound: SealedTransport) => Partial<SealedTransport>;
  readonly binding?: (
    sound: SealedBinding,
    clock: VirtualClock,
    core: SealedTransport["core"],
  ) => Partial<SealedBinding>;
  readonly receiver?: (
    sound: PacketReceiver,
    core: SealedTransport["core"],
    clock: VirtualClock,
  ) => PacketReceiver;
}

/** Faults, each with a promise of the suite that must notice it. */
const FAULTS: Readonly<Record<string, [Fault, RegExp]>> = {
  "calls the writer twice": [
    {
      binding: (sound) => ({
        send: (local, remote, write) =>
          sound.send(local, remote, (core, offset, capacity) => {
            write(core, offset, capacity);
            return write(core, offset, capacity);
          }),
      }),
    },
    /exactly once/,
  ],
  "calls the writer later": [
    {
      binding: (sound, clock) => ({
        send: (local, remote, write) => {
          clock.setTimer(clock.now(), () => sound.send(local, remote, write));
          return true;
        },
      }),
    },
    /exactly once, before send returns/,
  ],
  "offers too little room": [
    {
      binding: (sound) => ({
        send: (local, remote, write) =>
          sound.send(local, remote, (core, offset) => write(core, offset, 1000)),
      }),
    },
    /exactly once/,
  ],
  "delivers within send": [
    {
      binding: (sound, clock) => ({
        send: (local, remote, write) => {
          const sent = sound.send(local, remote, write);
          clock.runUntil(clock.now() + 10);
          return sent;
        },
      }),
    },
    /never calls a receiver/,
  ],
  "throws when there is no route": [
    {
      binding: (sound) => ({
        send: (local, remote, write) => {
          if (sound.send(local, remote, write)) return true;
          throw new Error("no route");
        },
      }),
    },
    /to nobody/,
  ],
  "cuts the last byte of long packets": [
    { receiver: (sound) => (l, r, p, offset, length) => sound(l, r, p, offset, Math.min(length, 1028)) },
    /every length/,
  ],
  "drops every hundredth packet": [
    {
      receiver: (sound) => {
        let count = 0;
        return (...packet) => {
          count += 1;
          if (count % 100 !== 0) sound(...packet);
        };
      },
    },
    /many packets/,
  ],
  "changes a byte": [
    {
      receiver: (sound, core) => (l, r, p, offset, length) => {
        core.bytes[offset + length - 1]! ^= 1;
        sound(l, r, p, offset, length);
      },
    },
    /delivers the same bytes/,
  ],
  "mistakes the ports": [
    { receiver: (sound) => (l, r, _p, offset, length) => sound(l, r, 1, offset, length) },
    /delivers the same bytes with the right SIDs and ports/,
  ],
  "mistakes the SIDs": [
    { receiver: (sound) => (l, r, p, offset, length) => sound(r, l, p, offset, length) },
    /delivers the same bytes with the right SIDs/,
  ],
  "makes a new object for each SID": [
    {
      receiver: (sound) => (l, r, p, offset, length) => sound(l, Sid.fromHex(r.hex), p, offset, length),
    },
    /same object/,
  ],
  "lends bytes that a send overwrites": [
    {
      receiver: (sound, core) => (l, r, p, offset, length) => {
        const scratch = core.transmitRegion.offset + 256;
        core.bytes.copyWithin(scratch, offset, offset + length);
        sound(l, r, p, scratch, length);
      },
    },
    /lends bytes that stand/,
  ],
  "sends what stands in the region later": [
    {
      binding: (sound, clock, core) => ({
        send: (local, remote, write) => {
          let offset = 0;
          const length = write(core, core.transmitRegion.offset + 256, 1280);
          offset = core.transmitRegion.offset + 256;
          clock.setTimer(clock.now(), () =>
            sound.send(local, remote, (_core, to) => {
              core.bytes.copyWithin(to, offset, offset + length);
              return length;
            }),
          );
          return true;
        },
      }),
    },
    /let go of the written bytes/,
  ],
  "binds a SID that is not ours": [
    {
      transport: (sound) => ({
        bind: (local, receive) =>
          sound.bind(local.sid instanceof Sid ? { ...local, sid: sound.identities[0]! } : local, receive),
      }),
    },
    /refuses a SID/,
  ],
  "binds a port twice": [
    {
      transport: (sound) => ({
        bind: (local, receive) => {
          try {
            return sound.bind(local, receive);
          } catch (error) {
            if (error instanceof MspError && error.code === "port-in-use") {
              return sound.bind({ ...local, port: 0 }, receive);
            }
            throw error;
          }
        },
      }),
    },
    /refuses a port that is bound/,
  ],
  "keeps a closed port": [{ binding: () => ({ close: () => {} }) }, /gives it again/],
  "delivers after close": [
    {
      receiver: (sound, _core, clock) => (l, r, p, offset, length) => {
        clock.setTimer(clock.now() + 1, () => sound(l, r, p, offset, length));
      },
    },
    /hears no more/,
  ],
  "takes a plain close for a loss": [
    {
      transport: (sound) => {
        let handle: ((error: MspError) => void) | undefined;
        return {
          onLost: (given) => {
            handle = given;
          },
          close: async () => {
            handle?.(new MspError("transport-lost", "closed"));
            await sound.close();
          },
        };
      },
    },
    /onLost stays silent/,
  ],
  "does not stand a second close": [
    {
      binding: (sound) => {
        let isClosed = false;
        return {
          close: () => {
            if (isClosed) throw new Error("closed already");
            isClosed = true;
            sound.close();
          },
        };
      },
    },
    /closed twice/,
  ],
};

describe("the conformance suite", () => {
  it("lets a sound transport pass", async () => {
    assert.deepEqual((await run({})).failed, []);
  });

  for (const [name, [fault, promise]] of Object.entries(FAULTS)) {
    it(`notices a transport that ${name}`, async () => {
      const { failed, passed } = await run(fault);
      assert.ok(
        failed.some((title) => promise.test(title)),
        `expected ${promise} among: ${failed.join("; ") || "nothing"}`,
      );
      assert.ok(passed.length > 3, `one fault fails everything: ${failed.join("; ")}`);
    });
  }
});

/** The promises that a pair of transports with this fault keeps, and those that it breaks. */
async function run(fault: Fault): Promise<{ passed: string[]; failed: string[] }> {
  const tests: [string, () => Promise<void>][] = [];
  describeConformance("faulty", () => makePair(fault), {
    describe: (_name, define) => define(),
    it: (name, hold) => tests.push([name, hold]),
  });
  const passed: string[] = [];
  const failed: string[] = [];
  for (const [name, hold] of tests) {
    await hold().then(
      () => passed.push(name),
      () => failed.push(name),
    );
  }
  return { passed, failed };
}

async function makePair(fault: Fault) {
  const clock = new VirtualClock();
  const network = new MemoryNetwork({ clock, random: createRandom(1), link: { delayMs: 5 } });
  const options = { engine: "ts", poolBytes: 1 << 20 } as const;
  const a = breakTransport(network.node(await createCore(options)), fault, clock);
  const b = breakTransport(network.node(await createCore(options)), fault, clock);
  const settle = async () => clock.runUntil(clock.now() + 20);
  return { a, b, settle, close: async () => {} };
}

function breakTransport(sound: SealedTransport, fault: Fault, clock: VirtualClock): SealedTransport {
  const broken: SealedTransport = {
    core: sound.core,
    identities: sound.identities,
    bind: (local, receive) => sound.bind(local, receive),
    onLost: (handle) => sound.onLost(handle),
    close: () => sound.close(),
    ...fault.transport?.(sound),
  };
  const { bind } = broken;
  return {
    ...broken,
    bind: (local, receive) => {
      const binding = bind(local, fault.receiver?.(receive, sound.core, clock) ?? receive);
      return {
        local: binding.local,
        ready: binding.ready,
        send: (from, to, write) => binding.send(from, to, write),
        close: () => binding.close(),
        ...fault.binding?.(binding, clock, sound.core),
      };
    },
  };
}
