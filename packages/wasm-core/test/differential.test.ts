import assert from "node:assert/strict";
import { test } from "node:test";
import { type Core, DATA_HEADER_BYTES, PacketKind, type SendWindow, sequenceAdd } from "../src/index.ts";
import {
  agree,
  compareAll,
  compareFront,
  compareReceiver,
  compareSender,
  createTrio,
  type ReceiveTrio,
  type SendTrio,
  type Trio,
} from "./reference/trio.ts";
import type { TwinSendWindow } from "./reference/twin.ts";
import { twinDecode, twinEncodeData } from "./reference/twin-packet.ts";
import { plainFields, Random, seeds } from "./support.ts";

const OPERATIONS = 2000;
const LIMITS = [1, 2, 4, 64, 255, 256, 257, 512, 1000, 8192] as const;

// Many short runs: each stays far below the 5 s that Bun gives a test, on a busy machine too.
for (const seed of seeds(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)) {
  test(`both engines and the twin agree on ${OPERATIONS} random operations (SEED=${seed})`, () => {
    const random = new Random(seed);
    const trio = createTrio(1 << 20);
    for (let operation = 0; operation < OPERATIONS; operation += 1) {
      step(trio, random, operation);
      if (operation % 50 === 0) compareAll(trio);
    }
    compareAll(trio);
    for (const window of [...trio.senders, ...trio.receivers]) release(window);
    assert.equal(trio.ts.freeSlotCount, trio.ts.slotCount);
    assert.equal(trio.wasm.freeSlotCount, trio.wasm.slotCount);
  });

  test(`both engines and the twin agree on 1000 random packets (SEED=${seed})`, () => {
    const random = new Random(seed);
    const trio = createTrio(1 << 20);
    for (let count = 0; count < 1000; count += 1) comparePacket(trio, random);
    for (let count = 0; count < 500; count += 1) compareExtended(trio, random);
    compareAll(trio);
  });
}

function step(trio: Trio, random: Random, operation: number): void {
  const { senders, receivers } = trio;
  const choice = random.next();
  if (senders.length + receivers.length === 0 || choice < 0.01) {
    if (senders.length + receivers.length < 8) create(trio, random);
  } else if (choice < 0.015) {
    const list: (SendTrio | ReceiveTrio)[] = random.chance(0.5) ? senders : receivers;
    const [window] = list.splice(random.whole(0, list.length - 1), 1);
    if (window !== undefined) release(window);
  } else if (choice < 0.65 && senders.length > 0) {
    const sender = random.pick(senders);
    useSender(trio, sender, random, operation);
    compareSender(sender);
  } else if (receivers.length > 0) {
    const receiver = random.pick(receivers);
    useReceiver(trio, receiver, random);
    compareReceiver(receiver);
  }
}

function release(window: SendTrio | ReceiveTrio): void {
  window.ts.release();
  window.wasm.release();
  window.twin.release();
  window.ts.release();
  window.wasm.release();
}

/** A new window; one in three goes to just before the wrap at 2^16. */
function create({ ts, wasm, twin, senders, receivers }: Trio, random: Random): void {
  const limit = random.pick(LIMITS);
  const start = random.chance(1 / 3) ? 65536 - random.whole(1, 600) : 0;
  if (twin.unusedCount < 3) {
    const call = (core: { createSendWindow(limit: number): unknown }) => () =>
      core.createSendWindow(limit) && 1;
    if (twin.freeSlotCount === 0) agree("createSendWindow", call(ts), call(wasm), call(twin));
    return;
  }
  if (random.chance(0.5)) {
    const sender = {
      ts: ts.createSendWindow(limit),
      wasm: wasm.createSendWindow(limit),
      twin: twin.createSendWindow(limit),
    };
    for (const window of [sender.ts, sender.wasm]) {
      while (window.base !== start) {
        window.push(0);
        window.markSent(window.base, 0);
        window.acknowledge(window.base);
      }
    }
    sender.twin.spin(start);
    senders.push(sender);
    return;
  }
  const receiver = {
    ts: ts.createReceiveWindow(limit),
    wasm: wasm.createReceiveWindow(limit),
    twin: twin.createReceiveWindow(limit),
  };
  for (const window of [receiver.ts, receiver.wasm]) {
    for (; window.taken !== start; window.take()) window.accept(window.taken, 0, 0, 0);
  }
  receiver.twin.taken = start;
  receivers.push(receiver);
}

function useSender(trio: Trio, sender: SendTrio, random: Random, operation: number): void {
  const { ts, wasm, twin } = sender;
  const burst = random.chance(0.1) ? random.whole(1, 300) : 1;
  // Mostly a number that the window holds, now and then one beside it, seldom any number.
  const sequence = random.chance(0.02)
    ? random.whole(0, 65535)
    : sequenceAdd(twin.base, random.whole(-1, twin.heldCount));
  const each = (what: string, call: (window: SendWindow | TwinSendWindow) => unknown) =>
    agree(
      what,
      () => call(ts),
      () => call(wasm),
      () => call(twin),
    );
  const choice = random.next();
  if (choice < 0.25) {
    for (let count = 0; count < burst; count += 1) push(trio, sender, random);
  } else if (choice < 0.45) {
    for (let count = 0; count < burst && twin.nextUnsent !== twin.next; count += 1) {
      each("markSent", (window) => window.markSent(window.nextUnsent, operation + 0.25));
    }
    each("markSent", (window) => window.markSent(sequence, operation + 0.25));
  } else if (choice < 0.55) {
    each("markLost", (window) => window.markLost(sequence));
  } else if (choice < 0.6) {
    const lost = twin.firstLost();
    if (lost !== -1) each("markSent", (window) => window.markSent(lost, operation + 0.25));
  } else if (choice < 0.64) {
    each("sentAfter", (window) => window.sentAfter(sequence));
  } else if (choice < 0.67) {
    const flags = random.whole(0, 255);
    const set = (window: typeof ts) => () => window.setMessageFlags(sequence, flags);
    agree("setMessageFlags", set(ts), set(wasm), () => {
      twin.message(sequence).flags = flags;
    });
  } else if (choice < 0.69) {
    each("markAppLimited", (window) => window.markAppLimited());
  } else if (choice < 0.71) {
    const before = operation - random.whole(0, 40);
    each("markOverdue", (window) => window.markOverdue(before));
  } else if (choice < 0.76) {
    each("acknowledge", (window) => window.acknowledge(sequence));
  } else {
    report(trio, sender, random, operation, sequence);
  }
}

/** An extended acknowledgement, whole or in part, sensible or not. */
function report(trio: Trio, sender: SendTrio, random: Random, operation: number, sequence: number): void {
  const { ts, wasm, twin } = sender;
  const base = sequenceAdd(sequence, random.whole(-20, 20));
  const density = random.next();
  const bitmap = Uint8Array.from({ length: random.chance(0.1) ? 64 : random.whole(0, 8) }, () =>
    random.chance(density) ? 255 : random.whole(0, 255),
  );
  const { offset } = trio.ts.receiveRegion;
  for (const core of [trio.ts, trio.wasm]) core.bytes.set(bitmap, offset);
  const reports: ((window: SendWindow) => unknown)[] = [];
  const twins: (() => unknown)[] = [];
  const add = (isWanted: boolean, call: (window: SendWindow) => unknown, expected: () => unknown) => {
    if (!isWanted) return;
    reports.push(call);
    twins.push(expected);
  };
  const { length } = bitmap;
  const before = operation - random.whole(-2, 40);
  add(
    random.chance(0.8),
    (window) => window.beginSample(operation + 0.5),
    () => twin.beginSample(operation + 0.5),
  );
  add(
    random.chance(0.5),
    (window) => window.arriveThrough(sequence),
    () => twin.arriveThrough(sequence),
  );
  add(
    random.chance(0.6),
    (window) => window.arriveBitmap(base, offset, length),
    () => twin.arriveBitmap(base, bitmap),
  );
  add(
    random.chance(0.6),
    (window) => window.markMissing(sequence, base, offset, length, before),
    () => twin.markMissing(sequence, base, bitmap, before),
  );
  for (const [index, call] of reports.entries()) {
    agree(
      `report ${call}`,
      () => call(ts),
      () => call(wasm),
      twins[index] as () => unknown,
    );
  }
}

function push(trio: Trio, { ts, wasm, twin }: SendTrio, random: Random): void {
  const message = random.bytes(random.chance(0.02) ? 1025 : random.chance(0.05) ? 1024 : random.whole(0, 24));
  const offsets: number[] = [];
  const pushTo = (core: Core, window: typeof ts) => () => {
    const offset = window.push(message.length);
    offsets.push(offset);
    if (offset !== -1) core.bytes.set(message, offset);
    return offset !== -1;
  };
  agree("push", pushTo(trio.ts, ts), pushTo(trio.wasm, wasm), () => twin.push(message));
  assert.equal(offsets[0], offsets[1]);
}

function useReceiver(trio: Trio, receiver: ReceiveTrio, random: Random): void {
  const { ts, wasm, twin } = receiver;
  const burst = random.chance(0.1) ? random.whole(1, 300) : 1;
  if (random.chance(0.05)) {
    const count = random.whole(0, 128);
    agree(
      "keepTaken",
      () => ts.keepTaken(count),
      () => wasm.keepTaken(count),
      () => twin.keepTaken(count),
    );
    return;
  }
  if (random.chance(0.1)) {
    compareBitmap(trio, receiver, random);
    return;
  }
  if (random.chance(0.35)) {
    for (let count = 0; count < burst; count += 1) {
      const isThere = twin.front() !== undefined;
      compareFront(trio, receiver);
      agree(
        "take",
        () => ts.take(),
        () => wasm.take(),
        () => twin.take(),
      );
      if (!isThere) break;
    }
    return;
  }
  for (let count = 0; count < burst; count += 1) {
    const near = random.chance(0.7) ? random.whole(0, 3) : random.whole(-3, twin.limit + 2);
    const sequence = random.chance(0.02)
      ? random.whole(0, 65535)
      : sequenceAdd(random.chance(0.5) ? twin.arrived : twin.taken, near);
    const message = random.bytes(random.chance(0.05) ? 1195 : random.whole(0, 24));
    const flags = random.whole(0, 255);
    const offset = trio.ts.receiveRegion.offset + random.whole(0, 900);
    const acceptIn = (core: Core, window: typeof ts) => () => {
      core.bytes.set(message, offset);
      return window.accept(sequence, offset, message.length, flags);
    };
    agree("accept", acceptIn(trio.ts, ts), acceptIn(trio.wasm, wasm), () =>
      twin.accept(sequence, message, flags),
    );
  }
}

function compareBitmap(trio: Trio, { ts, wasm, twin }: ReceiveTrio, random: Random): void {
  const base = random.chance(0.1)
    ? random.whole(0, 65535)
    : sequenceAdd(twin.arrived, random.whole(-10, 300));
  const maxBytes = random.whole(0, 64);
  const bitmapOf = (core: Core, window: typeof ts) => () => {
    const { offset } = core.transmitRegion;
    const length = window.writeBitmap(base, offset, maxBytes);
    return [...core.bytes.subarray(offset, offset + length)];
  };
  agree("writeBitmap", bitmapOf(trio.ts, ts), bitmapOf(trio.wasm, wasm), () => twin.bitmap(base, maxBytes));
  agree(
    "hasArrived",
    () => ts.hasArrived(base),
    () => wasm.hasArrived(base),
    () => twin.hasArrived(base),
  );
}

/** Encode a random packet on both engines, damage it now and then, and decode it. */
function comparePacket({ ts, wasm }: Trio, random: Random): void {
  const message = random.bytes(random.chance(0.1) ? random.whole(1000, 1195) : random.whole(0, 30));
  const [flags, ack, sequence] = [random.whole(0, 127), random.whole(0, 65535), random.whole(0, 65535)];
  const packet = ts.transmitRegion.offset + random.whole(0, 300);
  const source = ts.receiveRegion.offset + random.whole(0, 8000);
  const expected = twinEncodeData(flags, ack, sequence, message);
  const length = random.chance(0.7) ? expected.length : random.pick([0, 1, 2, 3, 4, 5, 6, 1200, 1201, 5000]);
  const decoded = [ts, wasm].map((core) => {
    core.bytes.set(message, source);
    assert.equal(core.encodeData(packet, flags, ack, sequence, source, message.length), expected.length);
    assert.deepEqual(core.bytes.slice(packet, packet + expected.length), expected);
    assert.equal(core.encodeAck(source, flags, ack), 3);
    assert.deepEqual(core.bytes.slice(source, source + 3), expected.slice(0, 3));
    return plainFields(core.decode(packet, length));
  });
  const meaning = twinDecode(ts.bytes.slice(packet, packet + length));
  const messageOffset = meaning.messageOffset === -1 ? 0 : packet + DATA_HEADER_BYTES;
  assert.deepEqual(decoded, [
    { ...meaning, messageOffset },
    { ...meaning, messageOffset },
  ]);
}

/** Decode random bytes of the extension on both engines; encode what an extended acknowledgement says again. */
function compareExtended({ ts, wasm }: Trio, random: Random): void {
  const bytes = random.bytes(random.chance(0.1) ? random.whole(0, 1300) : random.whole(0, 90));
  if (bytes.length > 0 && random.chance(0.9)) bytes[0] = random.whole(0xb0, 0xdf);
  if (bytes.length > 5 && random.chance(0.5)) bytes[5] = random.whole(0, 130);
  const packet = ts.receiveRegion.offset + random.whole(0, 300);
  const [first, second] = [ts, wasm].map((core) => {
    core.bytes.set(bytes, packet);
    const { extendedAck, repair, ...rest } = core.decode(packet, bytes.length);
    const meaning = { ...rest, extendedAck: { ...extendedAck }, repair: { ...repair } };
    const isReport = rest.kind === PacketKind.EXTENDED_ACK;
    const length = isReport ? core.encodeExtendedAck(packet, rest.flags, rest.ack, extendedAck) : 0;
    return { meaning, bytes: [...core.bytes.subarray(packet, packet + length)] };
  });
  assert.deepEqual(second, first);
}
