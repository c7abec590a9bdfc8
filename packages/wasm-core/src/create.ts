import { CheckedCore } from "./checked/core.ts";
import { checkWhole } from "./checked/misuse.ts";
import type { Core, Engine } from "./core.ts";
import { BLOCK_BYTES, MEMORY_PAGE_BYTES, POOL_START } from "./memory-map.ts";
import { createTsKernel } from "./ts/kernel.ts";
import { createWasmKernel } from "./wasm/kernel.ts";
import { compileModule, compileModuleSync } from "./wasm/module.ts";

export interface CoreOptions {
  /** "auto" (the default) takes wasm, and ts where WebAssembly is missing or refused; see `Core.fallbackReason`. */
  readonly engine?: "auto" | Engine;
  /** Size of the pool in bytes: a whole number, 1 MiB to 1 GiB; 16 MiB by default. A slot takes 1280 of them. */
  readonly poolBytes?: number;
}

export const POOL_BYTES_DEFAULT = 16 * 1024 * 1024;
export const POOL_BYTES_LEAST = 1024 * 1024;
export const POOL_BYTES_MOST = 1024 * 1024 * 1024;

/**
 * A new core with its own memory: `poolBytes`, and 36 KiB for the regions, in whole pages of 64 KiB.
 * The system commits pages as they are touched, so an idle core takes little of it.
 *
 * Rejects with a RangeError on options out of range or without memory of that size, and, with `engine: "wasm"`,
 * with what the runtime throws that has no WebAssembly or refuses it (in a page: a content security policy without
 * 'wasm-unsafe-eval').
 *
 * @example
 * const core = await createCore({ poolBytes: 1 << 20 });
 */
export async function createCore(options: CoreOptions = {}): Promise<Core> {
  const plan = parseOptions(options);
  if (plan.engine === "ts") return createTs(plan);
  try {
    return createWasm(plan, await WebAssembly.instantiate(await compileModule()));
  } catch (error) {
    return fallBack(plan, error);
  }
}

/**
 * The same at once. Some browsers refuse to compile on their main thread without waiting: use {@link createCore} there.
 */
export function createCoreSync(options: CoreOptions = {}): Core {
  const plan = parseOptions(options);
  if (plan.engine === "ts") return createTs(plan);
  try {
    return createWasm(plan, new WebAssembly.Instance(compileModuleSync()));
  } catch (error) {
    return fallBack(plan, error);
  }
}

interface Plan {
  readonly engine: "auto" | Engine;
  readonly slotCount: number;
  /** All of the memory, a multiple of 64 KiB. */
  readonly memoryBytes: number;
}

function parseOptions(options: CoreOptions): Plan {
  const engine = options.engine ?? "auto";
  if (engine !== "auto" && engine !== "wasm" && engine !== "ts") {
    throw new RangeError(`engine must be "auto", "wasm" or "ts", not ${JSON.stringify(engine)}`);
  }
  const poolBytes = options.poolBytes ?? POOL_BYTES_DEFAULT;
  checkWhole("poolBytes", poolBytes, POOL_BYTES_LEAST, POOL_BYTES_MOST);
  const slotCount = Math.floor(poolBytes / BLOCK_BYTES);
  const pages = Math.ceil((POOL_START + slotCount * BLOCK_BYTES) / MEMORY_PAGE_BYTES);
  return { engine, slotCount, memoryBytes: pages * MEMORY_PAGE_BYTES };
}

function createWasm(plan: Plan, instance: WebAssembly.Instance): Core {
  const { kernel, buffer } = createWasmKernel(instance, plan.memoryBytes, plan.slotCount);
  return new CheckedCore("wasm", kernel, buffer);
}

function createTs(plan: Plan, fallbackReason?: string): Core {
  const buffer = new ArrayBuffer(plan.memoryBytes);
  return new CheckedCore("ts", createTsKernel(buffer, plan.slotCount), buffer, fallbackReason);
}

function fallBack(plan: Plan, error: unknown): Core {
  if (plan.engine === "wasm") throw error;
  if (typeof WebAssembly === "undefined") return createTs(plan, "this runtime has no WebAssembly");
  const reason = error instanceof Error ? error.message : String(error);
  return createTs(plan, `this runtime refused the WebAssembly module: ${reason}`);
}
