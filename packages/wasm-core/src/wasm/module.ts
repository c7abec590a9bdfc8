import { coreWasmBase64 } from "../generated/core-wasm.ts";

/** The only state shared by cores: compiling gives the same every time, so it is done once. */
let compiled: WebAssembly.Module | undefined;

/** The compiled module. Throws whatever the runtime throws that has no WebAssembly or refuses to compile it. */
export function compileModuleSync(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(decodeBase64(coreWasmBase64));
  return compiled;
}

/** The same without blocking: the way to take in a browser's main thread. */
export async function compileModule(): Promise<WebAssembly.Module> {
  if (compiled !== undefined) return compiled;
  const fresh = await WebAssembly.compile(decodeBase64(coreWasmBase64));
  // Another call may have been quicker: all get the same one.
  compiled ??= fresh;
  return compiled;
}

/** By `atob`, which every runtime has (Node has no Uint8Array.fromBase64 yet). */
function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
