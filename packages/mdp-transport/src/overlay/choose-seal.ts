import { MspError } from "@meshstream/msp";
import type { Core } from "@meshstream/wasm-core";
import { CoreSeal } from "./core-seal.ts";
import { NONCE_BYTES, SEAL_BYTES, type SealName, type SealProvider } from "./seal.ts";
import { agreeSharedKey, createSodiumSeal } from "./sodium-seal.ts";

/**
 * The provider asked for, or with "auto" the faster one, if it passes a test; it takes a millisecond and leaves the
 * core's memory as it was. With "auto" the other one stands in for one that fails. Rejects with MspError
 * "transport-start" if there is none left.
 */
export async function chooseSeal(core: Core, wanted: "auto" | SealName = "auto"): Promise<SealProvider> {
  const sodium = await createSodiumSeal();
  const ours = new CoreSeal(core, agreeSharedKey);
  const inOrder = isCoreFaster(core) ? [ours, sodium] : [sodium, ours];
  const candidates = inOrder.filter(({ name }) => wanted === "auto" || wanted === name);
  if (candidates.length === 0) {
    throw new MspError(
      "argument",
      `sealing must be "auto", "wasm-core" or "libsodium", not ${String(wanted)}`,
    );
  }
  return firstThatPasses(candidates, core);
}

/** The first of these that seals and opens as it should. */
export function firstThatPasses(candidates: readonly SealProvider[], core: Core): SealProvider {
  for (const provider of candidates) if (passes(provider, core)) return provider;
  const names = candidates.map(({ name }) => name).join(" and ");
  throw new MspError("transport-start", `${names} seal wrongly on this machine: it is not safe to go on`);
}

/**
 * For 1 KiB, in microseconds: the wasm engine 1.1, libsodium in WebAssembly 2.4, the ts engine 15, libsodium without
 * WebAssembly 27. The ts engine gives a reason where the runtime has no WebAssembly, and libsodium none either, then.
 */
function isCoreFaster(core: Core): boolean {
  return core.engine === "wasm" || core.fallbackReason !== undefined;
}

/** Seals a known text to the known MAC, which vouches for all of the ciphertext; opens it; opens no forgery. */
function passes(provider: SealProvider, core: Core): boolean {
  const { bytes, receiveRegion } = core;
  const at = receiveRegion.offset;
  const end = at + SEAL_BYTES + TEXT_BYTES;
  const before = bytes.slice(at, end);
  const key = provider.agree(new Uint8Array(32).fill(7), fromHex(SID));
  if (key === undefined) return false;
  try {
    const text = Uint8Array.from({ length: TEXT_BYTES }, (_, index) => index * index);
    bytes.fill(5, at, at + NONCE_BYTES);
    bytes.set(text, at + SEAL_BYTES);
    provider.seal(key, bytes, at + SEAL_BYTES, TEXT_BYTES);
    if (!isAlike(bytes.subarray(at + NONCE_BYTES, at + SEAL_BYTES), fromHex(MAC))) return false;
    bytes[at + SEAL_BYTES - 1]! ^= 1;
    const forged = bytes.slice(at, end);
    if (provider.open(key, bytes, at, SEAL_BYTES + TEXT_BYTES)) return false;
    if (!isAlike(bytes.subarray(at, end), forged)) return false;
    bytes[at + SEAL_BYTES - 1]! ^= 1;
    if (!provider.open(key, bytes, at, SEAL_BYTES + TEXT_BYTES)) return false;
    return isAlike(bytes.subarray(at + SEAL_BYTES, end), text);
  } finally {
    key.wipe();
    bytes.set(before, at);
  }
}

// The public key of 32 bytes of 9, and what libsodium 1.0 makes of the text for it, the secret 7s and the nonce 5s.
const SID = "57db4b359f23ae5e146e4e2512056704722506348c150c14753d0c933d04d421";
const MAC = "945efdae0a246c93fdec475cec8efc2e";
const TEXT_BYTES = 1024;

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function isAlike(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}
