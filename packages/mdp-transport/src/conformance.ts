import {
  BIND_ALL,
  BIND_PRIMARY,
  type BindAddress,
  MAX_PORT,
  MspError,
  type MspErrorCode,
  type SealedBinding,
  type SealedTransport,
  Sid,
} from "@meshstream/msp";

/** The two functions of a test runner: those of `node:test` fit on Node, Deno and Bun. */
export interface TestApi {
  readonly describe: (name: string, define: () => void) => unknown;
  readonly it: (name: string, run: () => Promise<void>) => unknown;
}

/** Two transports that reach each other over a clean link, made anew for each test. */
export interface TransportPair {
  readonly a: SealedTransport;
  /** May be of the same node as `a`, as holder and attached program are: the suite never binds one port on both. */
  readonly b: SealedTransport;
  /** Resolves when everything sent so far has arrived. */
  settle(): Promise<void>;
  /** Called after each test, also if it closed a transport itself. */
  close(): Promise<void>;
}

/**
 * What MSP relies on, as a suite that every SealedTransport passes (docs/wire.md W2, W3). It binds ports 1000 to
 * 1099 on `a` and 2000 to 2099 on `b`, and sends packets of 1 to 1029 bytes, at most 10 before each settle().
 *
 * @example
 * import { describe, it } from "node:test";
 * describeConformance("memory", makePair, { describe, it });
 */
export function describeConformance(
  name: string,
  makePair: () => Promise<TransportPair>,
  { describe, it }: TestApi,
): void {
  for (const [title, promises] of Object.entries(SUITE)) {
    describe(`${name}: ${title}`, () => {
      for (const [promise, hold] of Object.entries(promises)) {
        it(promise, async () => {
          const pair = await makePair();
          try {
            await hold(new Rig(pair));
          } finally {
            await pair.close();
          }
        });
      }
    });
  }
}

type Promises = Readonly<Record<string, (rig: Rig) => Promise<void>>>;

const BINDING: Promises = {
  "has identities, the primary first, and a bind to BIND_PRIMARY or BIND_ALL gives it": async ({
    a,
    bind,
  }) => {
    const [primary] = a.identities;
    check(primary !== undefined, "no identity");
    for (const [sid, port] of [
      [BIND_PRIMARY, 1000],
      [BIND_ALL, 1001],
      [primary, 1002],
    ] as const) {
      const { local } = (await bind(a, { sid, port })).binding;
      same(local.sid.hex, primary.hex, "SID");
      same(local.port, port, "port");
    }
  },

  "gives a free port for port 0, each time another": async ({ a, bind }) => {
    const ports = new Set<number>();
    const sids: BindAddress["sid"][] = [BIND_PRIMARY, BIND_ALL, BIND_PRIMARY, a.identities[0]!];
    for (const sid of sids) {
      const { port } = (await bind(a, { sid, port: 0 })).binding.local;
      check(Number.isInteger(port) && port >= 1 && port <= MAX_PORT, `port ${port}`);
      ports.add(port);
    }
    same(ports.size, 4, "different ports");
  },

  "refuses a port that is bound, with port-in-use, and gives it again once it is closed": async (rig) => {
    const { a, bind } = rig;
    const first = await bind(a, { sid: BIND_PRIMARY, port: 1000 });
    await rejects("port-in-use", () => bind(a, { sid: BIND_PRIMARY, port: 1000 }));
    await rejects("port-in-use", () => bind(a, { sid: a.identities[0]!, port: 1000 }));
    first.binding.close();
    await rig.settle();
    await bind(a, { sid: BIND_PRIMARY, port: 1000 });
    await bind(a, { sid: BIND_ALL, port: 1001 });
    for (const sid of [BIND_ALL, BIND_PRIMARY] as const) {
      await rejects("port-in-use", () => bind(a, { sid, port: 1001 }));
    }
    await rejects("port-in-use", () => bind(a, { sid: BIND_ALL, port: 1000 }));
  },

  "a refused bind takes nothing from whoever has the port": async (rig) => {
    const first = await rig.bind(rig.a, { sid: BIND_PRIMARY, port: 1000 });
    await rejects("port-in-use", () => rig.bind(rig.a, { sid: BIND_PRIMARY, port: 1000 }));
    const sender = await rig.bind(rig.b, { sid: BIND_PRIMARY, port: 2000 });
    sender.send(first, pattern(20));
    await rig.settle();
    same(first.packets.length, 1, "packets");
  },

  "refuses a SID that is not ours, and a port that is none, with address": async ({ a, bind }) => {
    const foreign = Sid.fromBytes(pattern(32));
    await rejects("address", () => bind(a, { sid: foreign, port: 1000 }));
    for (const port of [-1, 1.5, Number.NaN, MAX_PORT + 1]) {
      await rejects("address", () => bind(a, { sid: BIND_PRIMARY, port }));
    }
  },
};

const SENDING: Promises = {
  "calls the writer exactly once, before send returns, with room in its own core": async (rig) => {
    const [from, to] = await rig.ends();
    let calls = 0;
    const sent = from.binding.send(from.local, to.address, (core, offset, capacity) => {
      calls += 1;
      same(core, rig.a.core, "core");
      check(capacity >= LONGEST_BYTES, `capacity ${capacity}`);
      check(offset >= 0 && offset + capacity <= core.bytes.length, `room at ${offset}`);
      core.bytes[offset] = 1;
      return 1;
    });
    same(calls, 1, "calls");
    same(sent, true, "send's answer");
    await rig.settle();
    same(calls, 1, "calls later");
  },

  "delivers the same bytes with the right SIDs and ports, both ways": async (rig) => {
    const [atA, atB] = await rig.ends();
    for (const [from, to] of [
      [atA, atB],
      [atB, atA],
    ] as const) {
      const bytes = pattern(100);
      from.send(to, bytes);
      await rig.settle();
      same(to.packets.length, 1, "packets");
      const packet = to.packets[0]!;
      sameBytes(packet.bytes, bytes);
      same(packet.local.hex, to.local.hex, "local SID");
      same(packet.remote.hex, from.local.hex, "remote SID");
      same(packet.remotePort, from.address.port, "remote port");
    }
  },

  "carries packets of every length, 1 to 1029 bytes": async (rig) => {
    const [from, to] = await rig.ends();
    const lengths = [
      1, 2, 3, 4, 5, 6, 7, 15, 16, 17, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 1000,
    ];
    for (const length of [...lengths, 1023, 1024, 1025, LONGEST_BYTES - 1, LONGEST_BYTES]) {
      const bytes = pattern(length);
      from.send(to, bytes);
      await rig.settle();
      same(to.packets.length, 1, `packets of ${length} bytes`);
      sameBytes(to.packets.pop()!.bytes, bytes);
    }
  },

  "keeps many packets whole and in order on a clean link": async (rig) => {
    const [from, to] = await rig.ends();
    for (let i = 0; i < 200; i++) {
      from.send(to, pattern(1 + ((i * 37) % LONGEST_BYTES), i));
      if (i % 10 === 9) await rig.settle();
    }
    same(to.packets.length, 200, "packets");
    for (const [i, { bytes }] of to.packets.entries()) {
      sameBytes(bytes, pattern(1 + ((i * 37) % LONGEST_BYTES), i));
    }
  },

  "has let go of the written bytes when send returns": async (rig) => {
    const [from, to] = await rig.ends();
    let room = { offset: 0, capacity: 0 };
    from.binding.send(from.local, to.address, (core, offset, capacity) => {
      room = { offset, capacity };
      core.bytes.set(pattern(50), offset);
      return 50;
    });
    rig.a.core.bytes.fill(0, room.offset, room.offset + room.capacity);
    await rig.settle();
    sameBytes(to.packets[0]?.bytes, pattern(50));
  },

  "to nobody, known or not: calls the writer, does not throw, disturbs nothing": async (rig) => {
    const [from, to] = await rig.ends();
    for (const address of [
      { sid: Sid.fromBytes(pattern(32)), port: 2000 },
      { sid: to.local, port: 2077 },
    ]) {
      let calls = 0;
      const sent = from.binding.send(from.local, address, (core, offset) => {
        calls += 1;
        core.bytes[offset] = 9;
        return 1;
      });
      same(calls, 1, "calls");
      same(typeof sent, "boolean", "send's answer");
      await rig.settle();
    }
    from.send(to, pattern(10));
    await rig.settle();
    same(to.packets.length, 1, "packets");
  },
};

const RECEIVING: Promises = {
  "never calls a receiver from within bind or send, nor from within a receiver": async (rig) => {
    const [atA, atB] = await rig.ends();
    let depth = 0;
    const guarded = (act: () => void) => {
      depth += 1;
      act();
      depth -= 1;
    };
    const answer = (from: End, to: End) => () => {
      check(depth === 0, "called back from within a call");
      if (from.packets.length < 3) guarded(() => from.send(to, pattern(5)));
    };
    atA.onPacket = answer(atA, atB);
    atB.onPacket = answer(atB, atA);
    guarded(() => atA.send(atB, pattern(5)));
    for (let i = 0; i < 6; i++) await rig.settle();
    check(atA.packets.length >= 2 && atB.packets.length >= 3, "the answers did not arrive");
    same(rig.faults.length, 0, `faults (${rig.faults[0]})`);
  },

  "lends bytes that stand until the receiver returns, whatever it sends meanwhile": async (rig) => {
    const [atA, atB] = await rig.ends();
    atB.onPacket = (offset, length) => {
      atB.send(atA, pattern(LONGEST_BYTES, 99));
      sameBytes(rig.b.core.bytes.slice(offset, offset + length), pattern(300, atB.packets.length - 1));
    };
    for (let i = 0; i < 5; i++) atA.send(atB, pattern(300, i));
    await rig.settle();
    await rig.settle();
    same(atB.packets.length, 5, "packets");
    same(atA.packets.length, 5, "answers");
    same(rig.faults.length, 0, `faults (${rig.faults[0]})`);
  },

  "lends bytes within its own core": async (rig) => {
    const [atA, atB] = await rig.ends();
    atB.onPacket = (offset, length) => {
      check(offset >= 0 && offset + length <= rig.b.core.bytes.length, `lent ${length} bytes at ${offset}`);
    };
    atA.send(atB, pattern(LONGEST_BYTES));
    await rig.settle();
    same(atB.packets.length, 1, "packets");
    same(rig.faults.length, 0, `faults (${rig.faults[0]})`);
  },

  "gives the same object for the same SID": async (rig) => {
    const [atA, atB] = await rig.ends();
    const other = await rig.bind(rig.a, { sid: BIND_PRIMARY, port: 1001 });
    atA.send(atB, pattern(5));
    other.send(atB, pattern(5));
    await rig.settle();
    atA.send(atB, pattern(5));
    await rig.settle();
    same(atB.packets.length, 3, "packets");
    for (const { local, remote } of atB.packets) {
      same(local, atB.packets[0]!.local, "local SID object");
      same(remote, atB.packets[0]!.remote, "remote SID object");
    }
  },

  "two bindings do not see each other's packets": async (rig) => {
    const [from, first] = await rig.ends();
    const second = await rig.bind(rig.b, { sid: BIND_ALL, port: 2001 });
    from.send(first, pattern(10, 1));
    from.send(second, pattern(10, 2));
    await rig.settle();
    for (const [i, end] of [first, second].entries()) {
      same(end.packets.length, 1, "packets");
      sameBytes(end.packets[0]!.bytes, pattern(10, i + 1));
    }
  },

  "delivers between two ports of one node, and from a port to itself": async (rig) => {
    const first = await rig.bind(rig.a, { sid: BIND_PRIMARY, port: 1000 });
    const second = await rig.bind(rig.a, { sid: BIND_ALL, port: 1001 });
    let isSending = true;
    second.onPacket = () => check(!isSending, "called back from within send");
    first.send(second, pattern(200));
    isSending = false;
    first.send(first, pattern(3));
    await rig.settle();
    same(second.packets.length, 1, "packets");
    sameBytes(second.packets[0]!.bytes, pattern(200));
    same(second.packets[0]!.local.hex, rig.a.identities[0]!.hex, "local SID");
    same(second.packets[0]!.remote.hex, rig.a.identities[0]!.hex, "remote SID");
    same(second.packets[0]!.remotePort, 1000, "remote port");
    same(first.packets.length, 1, "packets to itself");
    same(rig.faults.length, 0, `faults (${rig.faults[0]})`);
  },
};

const CLOSING: Promises = {
  "delivers nothing to a binding after its close, not even what was under way": async (rig) => {
    const [from, to] = await rig.ends();
    from.send(to, pattern(10));
    to.binding.close();
    await rig.settle();
    from.send(to, pattern(10));
    await rig.settle();
    same(to.packets.length, 0, "packets");
  },

  "a receiver may close its own binding, and hears no more": async (rig) => {
    const [from, to] = await rig.ends();
    to.onPacket = () => to.binding.close();
    for (let i = 0; i < 3; i++) from.send(to, pattern(10));
    await rig.settle();
    same(to.packets.length, 1, "packets");
    same(rig.faults.length, 0, `faults (${rig.faults[0]})`);
  },

  "delivers nothing after the transport's close, and sends nothing, without throwing": async (rig) => {
    const [from, to] = await rig.ends();
    from.send(to, pattern(10));
    await Promise.all([rig.b.close(), rig.settle()]);
    const before = to.packets.length; // what was under way may have come first
    same(to.send(from, pattern(10)), false, "send's answer");
    from.send(to, pattern(10));
    await rig.settle();
    same(to.packets.length, before, "packets");
    same(from.packets.length, 0, "packets sent after close");
  },

  "a closed binding calls the writer and sends nothing, without throwing; the others go on": async (rig) => {
    const [from, to] = await rig.ends();
    const other = await rig.bind(rig.a, { sid: BIND_PRIMARY, port: 1001 });
    from.binding.close();
    let calls = 0;
    const sent = from.binding.send(from.local, to.address, (core, offset) => {
      calls += 1;
      core.bytes[offset] = 9;
      return 1;
    });
    same(calls, 1, "calls of the writer");
    same(sent, false, "send's answer");
    same(other.send(to, pattern(10)), true, "the other's answer");
    await rig.settle();
    same(to.packets.length, 1, "packets");
  },

  "may be closed twice, binding and transport": async (rig) => {
    const [from, to] = await rig.ends();
    from.binding.close();
    from.binding.close();
    const again = await rig.bind(rig.a, { sid: BIND_PRIMARY, port: from.address.port });
    from.binding.close(); // must not close its successor
    to.send(again, pattern(10));
    await rig.settle();
    same(again.packets.length, 1, "packets");
    await rig.a.close();
    await rig.a.close();
    again.binding.close();
  },

  "a plain close is no loss: onLost stays silent": async (rig) => {
    let lost = 0;
    rig.a.onLost(() => {
      lost += 1;
    });
    await rig.ends();
    await rig.a.close();
    await rig.settle();
    same(lost, 0, "calls of onLost");
  },
};

const SUITE: Readonly<Record<string, Promises>> = {
  binding: BINDING,
  sending: SENDING,
  receiving: RECEIVING,
  closing: CLOSING,
};

/** Longest MSP packet that is ever sent, in bytes (docs/wire.md W2). */
const LONGEST_BYTES = 1029;

interface Packet {
  readonly local: Sid;
  readonly remote: Sid;
  readonly remotePort: number;
  /** A copy. */
  readonly bytes: Uint8Array;
}

/** A bound port with everything that came in. */
interface End {
  readonly binding: SealedBinding;
  readonly local: Sid;
  readonly address: { readonly sid: Sid; readonly port: number };
  readonly packets: Packet[];
  /** Called within the receiver, after the packet was noted. What it throws is kept in {@link Rig.faults}. */
  onPacket: (offset: number, length: number) => void;
  send(to: End, bytes: Uint8Array): boolean;
}

class Rig {
  readonly a: SealedTransport;
  readonly b: SealedTransport;
  /** What checks within receivers threw: there it might vanish in the transport. */
  readonly faults: unknown[] = [];
  readonly settle: () => Promise<void>;

  constructor(pair: TransportPair) {
    this.a = pair.a;
    this.b = pair.b;
    this.settle = () => pair.settle();
  }

  /** A port bound on each side. */
  async ends(): Promise<[End, End]> {
    return [
      await this.bind(this.a, { sid: BIND_PRIMARY, port: 1000 }),
      await this.bind(this.b, { sid: BIND_ALL, port: 2000 }),
    ];
  }

  readonly bind = async (transport: SealedTransport, address: BindAddress): Promise<End> => {
    const packets: Packet[] = [];
    let isBinding = true;
    const binding = transport.bind(address, (local, remote, remotePort, offset, length) => {
      const bytes = transport.core.bytes.slice(offset, offset + length);
      packets.push({ local, remote, remotePort, bytes });
      try {
        check(!isBinding, "called back from within bind");
        end.onPacket(offset, length);
      } catch (fault) {
        this.faults.push(fault);
      }
    });
    isBinding = false;
    const end: End = {
      binding,
      local: binding.local.sid,
      address: binding.local,
      packets,
      onPacket: () => {},
      send: (to, bytes) =>
        binding.send(end.local, to.address, (core, offset) => {
          core.bytes.set(bytes, offset);
          return bytes.length;
        }),
    };
    await binding.ready;
    return end;
  };
}

// Checks of its own: the suite depends on no runner and no assertion library.

function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

function same(actual: unknown, expected: unknown, what: string): void {
  check(Object.is(actual, expected), `${what}: ${String(actual)}, expected ${String(expected)}`);
}

function sameBytes(actual: Uint8Array | undefined, expected: Uint8Array): void {
  check(actual !== undefined, `nothing came, expected ${expected.length} bytes`);
  same(actual.length, expected.length, "bytes");
  const difference = actual.findIndex((byte, i) => byte !== expected[i]);
  check(difference === -1, `byte ${difference} is ${actual[difference]}, expected ${expected[difference]}`);
}

async function rejects(code: MspErrorCode, act: () => Promise<unknown>): Promise<void> {
  const error: unknown = await act().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  check(error instanceof MspError, `expected an MspError "${code}", got ${String(error)}`);
  same(error.code, code, "code");
}

/** Bytes that tell one packet from another, and a shifted one from itself. */
function pattern(length: number, salt = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 151 + salt * 59 + (i >> 8) + 1) & 0xff);
}
