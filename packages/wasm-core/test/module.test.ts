import assert from "node:assert/strict";
import { test } from "node:test";
import { coreWasmBase64 } from "../src/generated/core-wasm.ts";
import { type Core, createCore, createCoreSync } from "../src/index.ts";
import { compileModule, compileModuleSync } from "../src/wasm/module.ts";
import { engines, testBoth } from "./support.ts";

test("the module imports nothing and is at most 24 KiB", () => {
  assert.deepEqual(WebAssembly.Module.imports(compileModuleSync()), []);
  assert.ok(atob(coreWasmBase64).length <= 24 * 1024);
});

test("the module is compiled once, and its instances share nothing", async () => {
  const [one, other] = await Promise.all([compileModule(), compileModule()]);
  assert.equal(one, other);
  assert.equal(compileModuleSync(), one);
  const first = createCoreSync({ engine: "wasm", poolBytes: 1 << 20 });
  const second = await createCore({ engine: "wasm", poolBytes: 1 << 20 });
  assert.notEqual(first.bytes.buffer, second.bytes.buffer);
  first.createSendWindow(8).push(100);
  assert.equal(second.freeSlotCount, second.slotCount);
});

test("both ways of creation give the engine that was asked for, without a reason", async () => {
  for (const engine of engines) {
    for (const core of [createCoreSync({ engine }), await createCore({ engine })]) {
      assert.equal(core.engine, engine);
      assert.equal("fallbackReason" in core, false);
    }
  }
  for (const core of [createCoreSync(), await createCore(), createCoreSync({ engine: "auto" })]) {
    assert.equal(core.engine, "wasm");
    assert.equal(core.fallbackReason, undefined);
  }
});

testBoth("bytes is one object over one buffer of a fixed size, through all that a core does", (create) => {
  const core: Core = create();
  const { bytes } = core;
  const { buffer, length } = bytes;
  const sender = core.createSendWindow(8192);
  const receiver = core.createReceiveWindow(8192);
  while (sender.push(1024) !== -1) sender.markSent(sender.nextUnsent, 0);
  receiver.accept(0, core.receiveRegion.offset, 1, 0);
  sender.release();
  receiver.release();
  assert.equal(core.bytes, bytes);
  assert.equal(bytes.buffer, buffer);
  assert.equal(bytes.length, length);
  assert.equal(length % 65536, 0);
  bytes[core.receiveRegion.offset] = 77;
  assert.equal(core.bytes[core.receiveRegion.offset], 77);
});

/** Run `body` with another `WebAssembly` in the global object, then put the real one back. */
async function withWebAssembly(replacement: unknown, body: () => Promise<void>): Promise<void> {
  const real = Object.getOwnPropertyDescriptor(globalThis, "WebAssembly") as PropertyDescriptor;
  if (replacement === undefined) Reflect.deleteProperty(globalThis, "WebAssembly");
  else
    Object.defineProperty(globalThis, "WebAssembly", {
      value: replacement,
      configurable: true,
      writable: true,
    });
  try {
    await body();
  } finally {
    Object.defineProperty(globalThis, "WebAssembly", real);
  }
}

test("without WebAssembly, auto gives the TypeScript engine and says why; wasm by name throws", async () => {
  await withWebAssembly(undefined, async () => {
    assert.equal(typeof WebAssembly, "undefined");
    for (const core of [createCoreSync(), await createCore()]) {
      assert.equal(core.engine, "ts");
      assert.match(core.fallbackReason ?? "", /no WebAssembly/);
    }
    assert.throws(() => createCoreSync({ engine: "wasm" }), ReferenceError);
    await assert.rejects(createCore({ engine: "wasm" }), ReferenceError);
  });
  assert.equal(createCoreSync().engine, "wasm");
});

test("where WebAssembly is refused, auto gives the TypeScript engine with the refusal; wasm by name throws", async () => {
  // A function, not an arrow: it is called with `new` as well.
  function refuse(): never {
    throw new EvalError("not allowed by the content security policy");
  }
  const refusing = { Module: refuse, Instance: refuse, compile: refuse, instantiate: refuse };
  await withWebAssembly(refusing, async () => {
    for (const core of [createCoreSync(), await createCore()]) {
      assert.equal(core.engine, "ts");
      assert.match(core.fallbackReason ?? "", /content security policy/);
    }
    await assert.rejects(createCore({ engine: "wasm" }));
    assert.throws(() => createCoreSync({ engine: "wasm" }));
  });
  assert.equal((await createCore()).engine, "wasm");
});
