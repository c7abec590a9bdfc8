import type { MspError, Sid } from "@meshstream/msp";
import type { Context } from "./context.ts";
import { describeDaemonRoute } from "./daemon-routes.ts";
import { pause } from "./pause.ts";
import type { NodeMesh } from "./runtime.ts";

/** A node that this command has just started must first hear of `sid`, or what it asks is lost for want of a way. */
export async function findRoute({ interruption }: Context, mesh: NodeMesh, sid: Sid): Promise<void> {
  if (mesh.role !== "holder" || mesh.identities.some(({ hex }) => hex === sid.hex)) return;
  const giveUpMs = performance.now() + PATIENCE_MS;
  while (performance.now() < giveUpMs) {
    const routes = await mesh.routes();
    if (routes.some((route) => route.sid.hex === sid.hex)) return;
    await pause(INTERVAL_MS, interruption.signal);
  }
}

/** For people: how far the node itself knows the way to `sid`, where nothing came back. */
export async function describeRoute(mesh: NodeMesh, sid: Sid): Promise<string> {
  if (mesh.role === "daemon") return describeDaemonRoute(mesh, sid.hex);
  const route = (await mesh.routes()).find((route) => route.sid.hex === sid.hex);
  if (route === undefined) {
    const heard = (await mesh.neighbours()).filter(({ reachable }) => reachable).length;
    return `this node knows no way to ${sid.hex}; neighbours that it can use: ${heard}, see "msp peers"`;
  }
  const first = route.hops === 1 ? "it is a neighbour" : `the first of ${route.hops} is ${route.nextHop.hex}`;
  return `this node knows a way to ${sid.hex}: ${first}; see "msp peers" for what gets lost`;
}

/** Whether an error says only that no answer came in time. */
export function isTimeout(error: unknown): error is MspError {
  return error instanceof Error && "code" in error && error.code === "timeout";
}

const PATIENCE_MS = 3000;
const INTERVAL_MS = 50;
