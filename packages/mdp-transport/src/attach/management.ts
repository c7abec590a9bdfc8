import { MspError, Sid } from "@meshstream/msp";
import type { NeighbourInfo } from "../overlay/neighbour-info.ts";
import type { RouteInfo } from "../overlay/paths.ts";
import type { PublishedService } from "../overlay/services/service-directory.ts";

/** Where a client addresses the node itself: remote SID "any" and one of these ports (docs/wire.md W12). */
export const ManagementPort = {
  /** The identities, the primary first: one answer each, payload the SID. As a daemon has it (docs/wire.md W10). */
  IDENTITIES: 2,
  /** One answer, JSON: a {@link NodeStatus}. */
  STATUS: 0x4d53_0001,
  /** The neighbour table: one answer for each neighbour, JSON. */
  NEIGHBOURS: 0x4d53_0002,
  /** Payload: a link address in UTF-8 to try to reach a neighbour at. No answer record but the last. */
  ADD_PEER: 0x4d53_0003,
  /** The routes in the order of their SIDs, {@link ROUTES_PER_PAGE} at most: one answer for each, JSON. Payload: the SID after which to begin, or none. */
  ROUTES: 0x4d53_0004,
  /** Payload: a service, as an answer on port 11 tells it, to tell of while the client is attached (docs/wire.md W9.4). No answer record but the last. */
  PUBLISH: 0x4d53_0005,
  /** Payload: a service that this client has published. No answer record but the last. */
  WITHDRAW: 0x4d53_0006,
} as const;

/** Routes in the answer to one question: a large table must not fill the stream at once. */
export const ROUTES_PER_PAGE = 256;

/** What a client is told about the holder. */
export interface NodeStatus {
  /** Link address that the node's UDP socket is bound to; absent if it has none. */
  readonly bound?: string;
}

/** What the holder's process lends to its clients, besides the node itself. */
export interface NodeManagement {
  status(): NodeStatus;
  neighbours(): readonly NeighbourInfo[];
  routes(): readonly RouteInfo[];
  /** Throws MspError "address" for what is no link address. */
  addPeer(address: string): void;
  /** See OverlayNode.publishService. */
  publishService(name: string, port: number): PublishedService;
}

/** The answers to one request of those that leave nothing behind, without the last record, which is always CLOSE. Throws MspError: the request is refused. */
export function answerManagement(
  identities: readonly Sid[],
  management: NodeManagement,
  port: number,
  payload: Uint8Array,
): readonly Uint8Array[] {
  switch (port) {
    case ManagementPort.IDENTITIES:
      return identities.map((sid) => sid.bytes);
    case ManagementPort.STATUS:
      return [encodeJson(management.status())];
    case ManagementPort.NEIGHBOURS:
      return management.neighbours().map((row) => encodeJson({ ...row, sid: row.sid.hex }));
    case ManagementPort.ROUTES:
      return routesPage(management.routes(), payload).map((row) =>
        encodeJson({ ...row, sid: row.sid.hex, nextHop: row.nextHop.hex, lastHop: row.lastHop.hex }),
      );
    case ManagementPort.ADD_PEER:
      management.addPeer(decoder.decode(payload));
      return [];
    default:
      throw new MspError("argument", `nothing answers on management port ${port}`);
  }
}

/** The status in an answer; undefined if it holds none. Never throws. */
export function parseStatus(payload: Uint8Array): NodeStatus | undefined {
  const json = parseJsonObject(payload);
  if (json === undefined) return undefined;
  return typeof json.bound === "string" ? { bound: json.bound } : {};
}

/** The neighbour in an answer; undefined if it holds none. Never throws. */
export function parseNeighbour(payload: Uint8Array): NeighbourInfo | undefined {
  const json = parseJsonObject(payload);
  const sid = parseSid(json?.sid);
  if (json === undefined || sid === undefined) return undefined;
  const { link, address, reachable, heardAgoMs } = json;
  if (typeof link !== "number" || typeof address !== "string") return undefined;
  if (typeof reachable !== "boolean" || typeof heardAgoMs !== "number") return undefined;
  const figures: { -readonly [name in NeighbourFigure]?: number } = {};
  for (const name of NEIGHBOUR_FIGURES) {
    const value = json[name];
    if (typeof value === "number") figures[name] = value;
  }
  return { sid, link, address, reachable, heardAgoMs, ...figures };
}

/** The route in an answer; undefined if it holds none. Never throws. */
export function parseRoute(payload: Uint8Array): RouteInfo | undefined {
  const json = parseJsonObject(payload);
  if (json === undefined) return undefined;
  const [sid, nextHop, lastHop] = [parseSid(json.sid), parseSid(json.nextHop), parseSid(json.lastHop)];
  if (sid === undefined || nextHop === undefined || lastHop === undefined) return undefined;
  const { hops, viaLink, dropRate, heardAgoMs } = json;
  if (typeof hops !== "number" || typeof viaLink !== "number") return undefined;
  if (typeof dropRate !== "number" || typeof heardAgoMs !== "number") return undefined;
  return { sid, hops, nextHop, lastHop, viaLink, dropRate, heardAgoMs };
}

/** The routes that a question asks for. Throws MspError "address" for a payload that is no SID. */
function routesPage(routes: readonly RouteInfo[], after: Uint8Array): readonly RouteInfo[] {
  const afterHex = after.length === 0 ? "" : Sid.fromBytes(after).hex;
  return routes
    .filter(({ sid }) => sid.hex > afterHex)
    .sort((a, b) => (a.sid.hex < b.sid.hex ? -1 : 1))
    .slice(0, ROUTES_PER_PAGE);
}

function parseSid(json: unknown): Sid | undefined {
  return typeof json === "string" && /^[0-9A-F]{64}$/.test(json) ? Sid.fromHex(json) : undefined;
}

/** What is not known of every neighbour, nor to every release. */
const NEIGHBOUR_FIGURES = [
  "hearsUsAgoMs",
  "dropPercent",
  "heardDropPercent",
  "packetsSent",
  "packetsReceived",
  "framesSent",
  "framesResent",
  "packetsAcknowledged",
  "framesAcknowledged",
  "framesReceived",
  "acknowledgedInMs",
] as const satisfies readonly (keyof NeighbourInfo)[];
type NeighbourFigure = (typeof NEIGHBOUR_FIGURES)[number];

function encodeJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

function parseJsonObject(payload: Uint8Array): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(decoder.decode(payload));
    return typeof json === "object" && json !== null ? (json as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
