export { type AttachedTransport, type AttachOptions, attach } from "./attach/client.ts";
export type { AttachCounters } from "./attach/counters.ts";
export { type AttachedClient, serveAttached } from "./attach/holder.ts";
export { AttachLimit } from "./attach/limits.ts";
export type { NodeManagement, NodeStatus } from "./attach/management.ts";
export type { ByteStream } from "./attach/stream.ts";
export {
  MemoryNetwork,
  type MemoryNetworkOptions,
  type MemoryPacket,
  OVERHEAD_BYTES,
  type PacketFate,
} from "./memory/network.ts";
export { MemoryTransport } from "./memory/transport.ts";
export { createIdentity, type Identity, SEED_BYTES } from "./overlay/identity.ts";
export type { OverlayLink } from "./overlay/link.ts";
export type { NeighbourInfo } from "./overlay/neighbour-info.ts";
export { createOverlay, OverlayNode, type OverlayOptions } from "./overlay/node.ts";
export type { RouteInfo } from "./overlay/paths.ts";
export type { KeyAnswer } from "./overlay/services/key-mapping.ts";
export {
  type PublishedService,
  parseService,
  ServiceDirectory,
} from "./overlay/services/service-directory.ts";
export type { AskOptions } from "./questions/ask.ts";
export { FIND_SERVICES_SIDS, type FoundService, findServices } from "./questions/find-services.ts";
export { type PingOptions, ping } from "./questions/ping.ts";
export { signingKeyOf } from "./questions/signing-key.ts";
export { type TraceResult, trace } from "./questions/trace.ts";
export type { ServaldCounters } from "./servald/counters.ts";
export { findDaemon } from "./servald/find-daemon.ts";
export type { DaemonRoute } from "./servald/route.ts";
export { connectServald, type ServaldOptions, type ServaldTransport } from "./servald/transport.ts";
