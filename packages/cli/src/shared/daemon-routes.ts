import type { DaemonRoute } from "@meshstream/mdp-transport";
import type { Context } from "./context.ts";
import { ExitCode } from "./exit-codes.ts";
import type { NodeMesh } from "./runtime.ts";

/**
 * What a Serval daemon tells of the nodes that it knows: of its neighbours only, or of all that it has a way to. It does not tell what
 * gets lost, or when it heard whom. Resolves to an exit code.
 */
export async function tellDaemonRoutes(
  { report }: Context,
  mesh: NodeMesh,
  which: "neighbours" | "all",
): Promise<number> {
  const others = (await mesh.daemonRoutes()).filter(({ kind }) => kind === "neighbour" || kind === "relayed");
  const told = which === "all" ? others : others.filter(({ kind }) => kind === "neighbour");
  told.sort((a, b) => (a.hops ?? 0) - (b.hops ?? 0) || (a.sid.hex < b.sid.hex ? -1 : 1));
  for (const route of told) {
    const { sid, kind, hops, nextHop, interfaceName } = route;
    const facts = { hops, nextHop: nextHop?.hex, interface: interfaceName };
    const event = kind === "neighbour" && which === "neighbours" ? "neighbour" : "route";
    report.result({ event, sid: sid.hex, ...facts }, `${sid.hex}  ${wayOf(route)}`);
  }
  if (told.length === 0) {
    const event = which === "all" ? "no-routes" : "no-neighbours";
    report.note({ event }, which === "all" ? "no node in reach" : "no node heard");
  }
  report.hint("a Serval daemon does not tell what gets lost, or when it heard whom");
  return ExitCode.DONE;
}

/** For people: how far a daemon knows the way to a node. */
export async function describeDaemonRoute(mesh: NodeMesh, sidHex: string): Promise<string> {
  const route = (await mesh.daemonRoutes()).find(({ sid }) => sid.hex === sidHex);
  return route === undefined || route.kind === "unknown"
    ? `the Serval daemon knows no way to ${sidHex}; see "msp peers"`
    : `the Serval daemon knows a way to ${sidHex}: ${wayOf(route)}`;
}

function wayOf({ kind, hops, nextHop, interfaceName }: DaemonRoute): string {
  if (kind === "self") return "it is its own";
  if (kind === "neighbour") return `a neighbour, on interface ${interfaceName}`;
  return `${hops} hops, by way of ${nextHop?.hex.slice(0, 16) ?? "?"}...`;
}
