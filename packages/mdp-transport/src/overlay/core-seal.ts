import { MspError } from "@meshstream/msp";
import type { Core, SealKey as CoreKey } from "@meshstream/wasm-core";
import type { SealKey, SealProvider } from "./seal.ts";

/**
 * Sealing by the core, in its own memory: nothing is copied. Keys are agreed by `agreement`, and go over to the core.
 */
export class CoreSeal implements SealProvider {
  readonly name = "wasm-core";
  readonly #core: Core;
  readonly #agree: (boxSecret: Uint8Array, sid: Uint8Array) => Uint8Array | undefined;

  constructor(core: Core, agree: (boxSecret: Uint8Array, sid: Uint8Array) => Uint8Array | undefined) {
    this.#core = core;
    this.#agree = agree;
  }

  agree(boxSecret: Uint8Array, sid: Uint8Array): SealKey | undefined {
    const shared = this.#agree(boxSecret, sid);
    if (shared === undefined) return undefined;
    const key = this.#core.createSealKey(shared);
    shared.fill(0);
    return key;
  }

  seal(key: SealKey, bytes: Uint8Array, offset: number, length: number): void {
    this.#checkMemory(bytes);
    this.#core.seal(key as CoreKey, offset, length);
  }

  open(key: SealKey, bytes: Uint8Array, offset: number, length: number): boolean {
    this.#checkMemory(bytes);
    return this.#core.open(key as CoreKey, offset, length);
  }

  #checkMemory(bytes: Uint8Array): void {
    if (bytes !== this.#core.bytes) {
      throw new MspError(
        "argument",
        "this provider seals and opens in the memory of its core only: pass core.bytes",
      );
    }
  }
}
