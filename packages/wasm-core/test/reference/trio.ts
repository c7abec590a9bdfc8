import assert from "node:assert/strict";
import { type Core, createCoreSync, type ReceiveWindow, type SendWindow } from "../../src/index.ts";
import { MODULE_DATA, POOL_START } from "../../src/memory-map.ts";
import { TwinPool, type TwinReceiveWindow, type TwinSendWindow } from "./twin.ts";

/** The three that must agree: both engines and the reference twin. */
export interface Trio {
  readonly ts: Core;
  readonly wasm: Core;
  readonly twin: TwinPool;
  readonly senders: SendTrio[];
  readonly receivers: ReceiveTrio[];
}

export interface SendTrio {
  readonly ts: SendWindow;
  readonly wasm: SendWindow;
  readonly twin: TwinSendWindow;
}

export interface ReceiveTrio {
  readonly ts: ReceiveWindow;
  readonly wasm: ReceiveWindow;
  readonly twin: TwinReceiveWindow;
}

export function createTrio(poolBytes: number): Trio {
  const ts = createCoreSync({ engine: "ts", poolBytes });
  const wasm = createCoreSync({ engine: "wasm", poolBytes });
  return { ts, wasm, twin: new TwinPool(ts.slotCount), senders: [], receivers: [] };
}

/** What a call came to: its value, or that it threw a RangeError. Anything else that is thrown fails the test. */
function outcome(call: () => unknown): { value: unknown } | { rangeError: string } {
  try {
    return { value: call() };
  } catch (error) {
    if (error instanceof RangeError) return { rangeError: error.message };
    throw error;
  }
}

/** Make the same call on all three and require the same outcome; the messages of errors on both engines only. */
export function agree(what: string, ts: () => unknown, wasm: () => unknown, twin: () => unknown): unknown {
  const [first, second, third] = [outcome(ts), outcome(wasm), outcome(twin)];
  assert.deepEqual(second, first, `${what}: the engines differ`);
  if ("rangeError" in first) {
    assert.ok("rangeError" in third, `${what}: the engines throw "${first.rangeError}", the twin does not`);
    return undefined;
  }
  assert.deepEqual(first, third, `${what}: the engines differ from the twin`);
  return first.value;
}

export function compareSender({ ts, wasm, twin }: SendTrio): void {
  for (const field of SENDER_FIELDS) {
    agree(
      field,
      () => ts[field],
      () => wasm[field],
      () => twin[field],
    );
  }
  agree(
    "oldestSent",
    () => ts.oldestSent(),
    () => wasm.oldestSent(),
    () => twin.oldestSent(),
  );
  agree(
    "firstLost",
    () => ts.firstLost(),
    () => wasm.firstLost(),
    () => twin.firstLost(),
  );
  agree(
    "sample",
    () => ({ ...ts.sample }),
    () => ({ ...wasm.sample }),
    () => twin.sample,
  );
}

const SENDER_FIELDS = [
  "base",
  "nextUnsent",
  "next",
  "arrived",
  "heldCount",
  "inFlightCount",
  "lostCount",
  "arrivedCount",
  "deliveredCount",
  "missingSentAtMs",
] as const;

export function compareReceiver({ ts, wasm, twin }: ReceiveTrio): void {
  for (const field of ["taken", "arrived", "highest", "heldCount", "keptCount", "limit"] as const) {
    agree(
      field,
      () => ts[field],
      () => wasm[field],
      () => twin[field],
    );
  }
}

/** Everything: every message of every window with its bytes, the lists, the pool, and the two memories byte by byte. */
export function compareAll(trio: Trio): void {
  for (const sender of trio.senders) {
    compareSender(sender);
    compareMessages(trio, sender);
    compareInFlight(sender);
  }
  for (const receiver of trio.receivers) {
    compareReceiver(receiver);
    compareFront(trio, receiver);
  }
  agree(
    "free slots",
    () => trio.ts.freeSlotCount,
    () => trio.wasm.freeSlotCount,
    () => trio.twin.freeSlotCount,
  );
  const at = firstDifference(trio.ts.bytes, trio.wasm.bytes);
  assert.equal(at, -1, `the engines' memories differ at byte ${at}`);
}

/** Word by word, but for the module's own tables, which is quick enough to be done often. */
export function firstDifference(left: Uint8Array, right: Uint8Array): number {
  assert.equal(left.length, right.length);
  const leftWords = new Int32Array(left.buffer);
  const rightWords = new Int32Array(right.buffer);
  for (let index = 0; index < leftWords.length; index += 1) {
    const isModules = index * 4 >= MODULE_DATA && index * 4 < POOL_START;
    if (leftWords[index] !== rightWords[index] && !isModules) return index * 4;
  }
  return -1;
}

function compareMessages(trio: Trio, { ts, wasm, twin }: SendTrio): void {
  for (const sequence of twin.numbers()) {
    const { bytes, flags, transmissions, sentAtMs, hasArrived } = twin.message(sequence);
    for (const [core, window] of [
      [trio.ts, ts],
      [trio.wasm, wasm],
    ] as const) {
      assert.equal(window.messageLength(sequence), bytes.length);
      assert.equal(window.messageFlags(sequence), flags);
      assert.equal(window.transmissions(sequence), transmissions);
      assert.equal(window.sentAtMs(sequence), sentAtMs);
      assert.equal(window.isArrived(sequence), hasArrived);
      sameBytes(core, window.messageOffset(sequence), bytes);
    }
    assert.equal(wasm.messageOffset(sequence), ts.messageOffset(sequence));
  }
}

function compareInFlight({ ts, wasm, twin }: SendTrio): void {
  let count = 0;
  for (let at = twin.oldestSent(); at !== -1; at = twin.sentAfter(at)) {
    agree(
      "sentAfter",
      () => ts.sentAfter(at),
      () => wasm.sentAfter(at),
      () => twin.sentAfter(at),
    );
    count += 1;
  }
  assert.equal(count, ts.inFlightCount);
}

export function compareFront(trio: Trio, { ts, wasm, twin }: ReceiveTrio): void {
  const front = twin.front();
  for (const [core, window] of [
    [trio.ts, ts],
    [trio.wasm, wasm],
  ] as const) {
    assert.equal(window.frontLength(), front?.bytes.length ?? -1);
    assert.equal(window.frontFlags(), front?.flags ?? -1);
    if (front === undefined) assert.equal(window.frontOffset(), -1);
    else sameBytes(core, window.frontOffset(), front.bytes);
  }
  assert.equal(wasm.frontOffset(), ts.frontOffset());
}

function sameBytes(core: Core, offset: number, bytes: Uint8Array): void {
  for (let index = 0; index < bytes.length; index += 1) {
    if (core.bytes[offset + index] !== bytes[index])
      assert.fail(`byte ${index} of a message differs (${core.engine})`);
  }
}
