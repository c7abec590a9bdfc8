import { createCore, type ExtendedAck, PacketFlag } from "@meshstream/wasm-core";
import { coefficients } from "./coding-twin.ts";
import { Pair, pattern } from "./pair.ts";
import { connectPair, receiveAll, sendAll } from "./streams.ts";
import { parse, watch } from "./wire.ts";

/** What packages/msp/test/vectors/extension.json holds: all byte strings in hexadecimal (docs/wire.md W13). */
export interface ExtensionVectors {
  readonly about: string;
  /** Packets, and what their fields say. */
  readonly packets: readonly { what: string; hex: string; fields: Record<string, unknown> }[];
  /** Packets that are dropped and not answered. */
  readonly faults: readonly { what: string; hex: string }[];
  /** Whole sessions, every packet in the order of sending. */
  readonly sessions: readonly { what: string; packets: readonly string[] }[];
  /** Repairs, and what they are made of. */
  readonly repairs: readonly {
    what: string;
    seed: number;
    first: number;
    messages: readonly { flags: number; hex: string }[];
    coefficients: readonly number[];
    packet: string;
  }[];
}

/** Make them all anew with the code as it is. */
export async function makeVectors(): Promise<ExtensionVectors> {
  return {
    about:
      "The negotiated extension of MSP (docs/wire.md W13). Byte strings are hexadecimal; in sessions, a connects to b. Made and checked by packages/msp/test/extension-vectors.test.ts.",
    packets: await makePackets(),
    faults: FAULTS,
    sessions: [
      await makeSession(
        "both speak the extension; a sends two messages, the second with SHUTDOWN, b only SHUTDOWN",
        {},
      ),
      await makeSession("the first acknowledgement in full, and the second message, are lost", {}, [1, 4]),
      await makeSession("b does not speak the extension", {}, [], { extension: false }),
      await makeSession("a does not speak the extension", { extension: false }, [], {}),
    ],
    repairs: await makeRepairs(),
  };
}

async function makePackets(): Promise<ExtensionVectors["packets"]> {
  const core = await createCore({ engine: "ts", poolBytes: 1 << 20 });
  const { offset } = core.transmitRegion;
  const packets: { what: string; hex: string; fields: Record<string, unknown> }[] = [];
  const add = (what: string, length: number) => {
    const hex = hexOf(core.bytes.subarray(offset, offset + length));
    packets.push({ what, hex, fields: fieldsOf(bytesOf(hex)) });
  };
  const { ACK, EXTENSION, FIRST, SHUTDOWN } = PacketFlag;
  add("opening without a message", core.encodeOpeningAck(offset, FIRST | EXTENSION, 0xffff));
  const { offset: message } = core.receiveRegion;
  core.bytes.set(new TextEncoder().encode("hello"), message);
  add("opening with a message", core.encodeData(offset, FIRST | EXTENSION, 0xffff, 0, message, 5));
  add("its second transmission", core.encodeData(offset, FIRST | EXTENSION | 0x10, 0xffff, 0, message, 5));
  add(
    "a later one, the last message",
    core.encodeData(offset, ACK | SHUTDOWN | EXTENSION | 0x30, 6, 0, message, 5),
  );
  add("short answer for a closed connection", core.encodeAck(offset, ACK | EXTENSION, 6));
  add("STOP", core.encodeStop(offset));
  for (const [what, ack, report, bitmap] of REPORTS) {
    core.bytes.set(bitmap, offset + 22);
    const flags = report.echoSequence === -1 ? 0 : ACK;
    add(what, core.encodeExtendedAck(offset, flags, ack, { ...report, bitmapLength: bitmap.length }));
  }
  return packets;
}

/** Everything that a packet says, by the test's own reading of it. */
export function fieldsOf(bytes: Uint8Array): Record<string, unknown> {
  const { isFirst, isShutdown, isStop, ack, sequence, type, message, report } = parse(bytes);
  if (isStop) return { isStop };
  const plain = sequence === undefined ? {} : { sequence, message: new TextDecoder().decode(message) };
  return { type, isFirst, isShutdown, ...(ack === undefined ? {} : { ack }), ...plain, ...report };
}

const NOTHING: ExtendedAck = {
  arrived: 0xffff,
  version: 1,
  capabilities: 1,
  window: 128,
  ackDelayUs: 0,
  echoSequence: -1,
  echoTransmission: 0,
  missingRank: 0,
  train: 0,
  trainSpreadUs: 0,
  recovered: 0,
  bitmapBase: 1,
  bitmapLength: 0,
};

const REPORTS: readonly [string, number, ExtendedAck, readonly number[]][] = [
  ["answer to an opening: nothing has come yet", 0xffff, NOTHING, []],
  [
    "messages 0 to 6 have arrived, 0 to 4 are taken; number 6 came 1.6 ms ago; train 0 took 6.4 ms",
    4,
    {
      ...NOTHING,
      arrived: 6,
      window: 156,
      ackDelayUs: 1600,
      echoSequence: 6,
      train: 0,
      trainSpreadUs: 6400,
      bitmapBase: 8,
    },
    [],
  ],
  [
    "7 and 10 are missing; 8, 9 and 11 have arrived, the last of them number 8, at its second transmission",
    6,
    {
      ...NOTHING,
      arrived: 6,
      window: 170,
      ackDelayUs: 16,
      echoSequence: 8,
      echoTransmission: 1,
      missingRank: 2,
      bitmapBase: 8,
    },
    [0b1011],
  ],
  [
    "across the wrap of the numbers; fields that have saturated; no decoding",
    0xfffd,
    {
      ...NOTHING,
      capabilities: 0,
      arrived: 0xfffe,
      window: 4096,
      ackDelayUs: 0xffff * 16,
      echoSequence: 2,
      echoTransmission: 3,
      missingRank: 255,
      train: 255,
      trainSpreadUs: 0xffff * 16,
      recovered: 0xffff,
      bitmapBase: 0,
    },
    [0b101, 0, 0x80],
  ],
];

const FAULTS: ExtensionVectors["faults"] = [
  { what: "an extended acknowledgement cut short", hex: `c2${"00".repeat(20)}` },
  { what: "an extended acknowledgement with a bitmap of 65 bytes", hex: `c2${"00".repeat(86)}` },
  { what: "a repair without a symbol", hex: "d2000000000201000000" },
  { what: "a repair over no message", hex: "d20000000000010000000000" },
  { what: "a repair over 129 messages", hex: "d20000000081010000000000" },
  { what: "type 6", hex: "e2000000000000" },
  { what: "type 7", hex: "f2000000000000" },
];

/** `lost`: which packets, in the order of sending. */
async function makeSession(
  what: string,
  configA: Parameters<typeof connectPair>[1],
  lost: readonly number[] = [],
  configB: Parameters<typeof connectPair>[1] = configA,
): Promise<ExtensionVectors["sessions"][number]> {
  const pair = await Pair.make({ engine: "ts" });
  let count = 0;
  const isLost: boolean[] = [];
  const packets = watch(pair, () => {
    isLost.push(lost.includes(count));
    count += 1;
    return isLost.at(-1)!;
  });
  const { socket, peer } = await connectPair(pair, configA, configB);
  await socket.send(new TextEncoder().encode("hello"));
  await pair.pass(5);
  await sendAll(socket, [new TextEncoder().encode("world")]);
  const received = receiveAll(peer);
  await pair.settle(received);
  peer.shutdown();
  await pair.settle(Promise.all([receiveAll(socket), socket.closed, peer.closed]));
  return {
    what,
    packets: packets.map(
      ({ from, bytes, atMs }, i) => `${from} ${atMs.toFixed(3)} ${hexOf(bytes)}${isLost[i] ? " lost" : ""}`,
    ),
  };
}

async function makeRepairs(): Promise<ExtensionVectors["repairs"]> {
  const core = await createCore({ engine: "ts", poolBytes: 1 << 20 });
  const { offset } = core.transmitRegion;
  const make = (what: string, lengths: readonly number[], first: number, seed: number, lastFlags = 0) => {
    const window = core.createSendWindow(256);
    for (let number = 0; number < first; number += 1) {
      window.push(0);
      window.markSent(number, 0);
    }
    if (first > 0) window.acknowledge(first - 1);
    const messages = lengths.map((length, index) => {
      const bytes = pattern(length, index + 1);
      core.bytes.set(bytes, window.push(length));
      window.markSent(first + index, 0);
      return { flags: index === lengths.length - 1 ? lastFlags : 0, hex: hexOf(bytes) };
    });
    window.setMessageFlags(first + lengths.length - 1, lastFlags);
    const length = core.encodeRepair(offset, PacketFlag.ACK, 6, window, first, lengths.length, seed);
    const packet = hexOf(core.bytes.subarray(offset, offset + length));
    window.release();
    return { what, seed, first, messages, coefficients: coefficients(seed, lengths.length), packet };
  };
  return [
    make("one message", [5], 0, 1),
    make("three messages of several lengths, the last with SHUTDOWN", [4, 9, 0], 7, 2, PacketFlag.SHUTDOWN),
    make(
      "sixteen messages",
      Array.from({ length: 16 }, (_, i) => 20 + i),
      100,
      0xffff,
    ),
  ];
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}
