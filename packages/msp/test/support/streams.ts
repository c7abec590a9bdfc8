import type { MspError } from "../../src/errors.ts";
import type { MspListener } from "../../src/stream/listener.ts";
import type { Mesh } from "../../src/stream/mesh.ts";
import type { MspSocket } from "../../src/stream/socket.ts";
import type { MeshConfig, Pair } from "./pair.ts";

export const PORT = 512;

/** Two meshes with a connection between them. */
export interface Connected {
  readonly meshes: { readonly a: Mesh; readonly b: Mesh };
  readonly listener: MspListener;
  /** a's end, which connected. */
  readonly socket: MspSocket;
  /** b's end, which was accepted. */
  readonly peer: MspSocket;
}

/** Listen on b, connect from a, and wait until both ends stand. */
export async function connectPair(
  pair: Pair,
  config: MeshConfig = {},
  configB: MeshConfig = config,
): Promise<Connected> {
  const meshes = pair.meshes(config, configB);
  const listener = await meshes.b.listen(PORT);
  const socket = await meshes.a.connect(pair.b.identities[0]!, PORT);
  const peer = await pair.settle(listener.accept());
  await pair.settle(socket.connected);
  return { meshes, listener, socket, peer: peer! };
}

/** Every message until the peer shuts down, each acknowledged as the next one is asked for. */
export async function receiveAll(socket: MspSocket): Promise<Uint8Array[]> {
  const messages: Uint8Array[] = [];
  for await (const message of socket) messages.push(message);
  return messages;
}

/** Send them all, waiting for room as it is needed, then shut down. */
export async function sendAll(socket: MspSocket, messages: Iterable<Uint8Array>): Promise<void> {
  for (const message of messages) await socket.send(message);
  socket.shutdown();
}

/** How a promise stands after it had its chance: for "it is still pending". */
export function stateOf(promise: Promise<unknown>): { now: "pending" | "resolved" | "rejected" } {
  const state: { now: "pending" | "resolved" | "rejected" } = { now: "pending" };
  promise.then(
    () => {
      state.now = "resolved";
    },
    () => {
      state.now = "rejected";
    },
  );
  return state;
}

/** For assert.rejects and assert.throws: an MspError with this code. */
export function withCode(code: MspError["code"]): { name: string; code: MspError["code"] } {
  return { name: "MspError", code };
}

/** A message of 4 bytes that holds a number. */
export function numbered(index: number): Uint8Array {
  return Uint8Array.of(index & 0xff, (index >> 8) & 0xff, (index >> 16) & 0xff, index >>> 24);
}

/** The number in a {@link numbered} message. */
export function numberOf(message: Uint8Array): number {
  return (message[0]! | (message[1]! << 8) | (message[2]! << 16) | (message[3]! << 24)) >>> 0;
}
