import assert from "node:assert/strict";
import { test } from "node:test";
import type { Kernel } from "../src/kernel.ts";
import { PACKETS_END, PACKETS_START, POOL_START, SEAL_SLOT_COUNT } from "../src/memory-map.ts";
import { createTsKernel } from "../src/ts/kernel.ts";
import { createWasmKernel } from "../src/wasm/kernel.ts";
import { compileModuleSync } from "../src/wasm/module.ts";
import { engines } from "./support.ts";

const MEMORY_BYTES = 128 * 1024;
const SLOT_COUNT = 70;

/** A kernel without the face that checks arguments. */
function bareKernel(engine: "ts" | "wasm"): { kernel: Kernel; buffer: ArrayBuffer } {
  if (engine === "wasm") {
    return createWasmKernel(new WebAssembly.Instance(compileModuleSync()), MEMORY_BYTES, SLOT_COUNT);
  }
  const buffer = new ArrayBuffer(MEMORY_BYTES);
  return { kernel: createTsKernel(buffer, SLOT_COUNT), buffer };
}

for (const engine of engines) {
  test(`a kernel that is called wrongly stops before it changes its memory (${engine})`, () => {
    const { kernel, buffer } = bareKernel(engine);
    const { sendWindows, receiveWindows, repairs, decoders, seals } = kernel;
    const sender = sendWindows.create(8);
    const receiver = receiveWindows.create(8);
    const empty = sendWindows.create(8);
    const released = sendWindows.create(8);
    sendWindows.release(released);
    const decoded = receiveWindows.create(8);
    decoders.create(decoded);
    sendWindows.push(sender, 5);
    sendWindows.push(sender, 5);
    const misuses: readonly (() => unknown)[] = [
      () => sendWindows.release(released),
      () => sendWindows.push(released, 5),
      () => sendWindows.push(receiver, 5),
      () => sendWindows.acknowledge(receiver, 0),
      () => sendWindows.messageOffset(empty, 0),
      () => sendWindows.messageOffset(sender, 2),
      () => sendWindows.messageOffset(sender, 256),
      () => sendWindows.markSent(sender, 1, 0),
      () => sendWindows.markLost(sender, 0),
      () => sendWindows.isArrived(sender, 9),
      () => sendWindows.arriveThrough(receiver, 0),
      () => sendWindows.arriveBitmap(released, 0, 2048, 1),
      () => sendWindows.markMissing(receiver, 0, 0, 2048, 1, 0),
      () => sendWindows.markOverdue(released, 0),
      () => sendWindows.beginSample(receiver, 0),
      () => sendWindows.markAppLimited(released),
      () => repairs.encode(256, 0, 0, sender, 0, 3, 1),
      () => repairs.encode(256, 0, 0, receiver, 0, 1, 1),
      () => decoders.create(sender),
      () => decoders.create(decoded),
      () => decoders.addRepair(receiver, 0, 1, 0, 2048, 3),
      () => decoders.handleArrival(sender, 0),
      () => decoders.missingRank(receiver),
      () => decoders.release(sender),
      () => receiveWindows.hasArrived(sender, 0),
      () => receiveWindows.writeBitmap(sender, 0, 256, 1),
      () => receiveWindows.keepTaken(sender, 1),
      () => receiveWindows.release(sender),
      () => receiveWindows.accept(sender, 0, 0, 0, 0),
      () => receiveWindows.take(receiver),
      () => receiveWindows.frontOffset(receiver),
      () => seals.seal(-1, 2048, 10),
      () => seals.seal(SEAL_SLOT_COUNT, 2048, 10),
      () => seals.seal(0, PACKETS_START - 1, 10),
      () => seals.seal(0, 2048, -1),
      () => seals.seal(0, PACKETS_END - 49, 10),
      () => seals.open(0, PACKETS_END - 49, 10),
      () => seals.open(0, -1, 10),
      () => seals.open(0, 2048, 0x7fffffff),
      () => seals.keyLoaded(SEAL_SLOT_COUNT),
      () => seals.wipe(-1),
    ];
    const before = new Uint8Array(buffer).slice();
    for (const misuse of misuses) assert.throws(misuse, engine === "wasm" ? WebAssembly.RuntimeError : Error);
    assert.deepEqual(new Uint8Array(buffer), before);
  });
}

test("the module refuses a pool that its memory cannot hold, and a second layout", () => {
  const instance = () => new WebAssembly.Instance(compileModuleSync());
  const fitting = Math.floor((MEMORY_BYTES - POOL_START) / 1280);
  assert.throws(() => createWasmKernel(instance(), MEMORY_BYTES, fitting + 1), WebAssembly.RuntimeError);
  assert.throws(() => createWasmKernel(instance(), MEMORY_BYTES, 0), WebAssembly.RuntimeError);
  const twice = instance();
  createWasmKernel(twice, MEMORY_BYTES, fitting);
  assert.throws(() => createWasmKernel(twice, MEMORY_BYTES, fitting), WebAssembly.RuntimeError);
});
