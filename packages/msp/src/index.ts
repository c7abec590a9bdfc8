export * from "./address.ts";
export { MESSAGE_SIZE, type MspConfig, parseConfig } from "./config.ts";
export { Connection } from "./connection.ts";
export type { ConnectionStats } from "./connection-stats.ts";
export { Counters } from "./counters.ts";
export { Endpoint, type Output } from "./endpoint.ts";
export { MspError, type MspErrorCode } from "./errors.ts";
export type { EndpointEvent, EventType, Outcome } from "./events.ts";
export { type HandlerApi, type HandlerApiOptions, type MspHandler, openHandlerApi } from "./handler/api.ts";
export { NEVER_HAS, SocketState } from "./handler/constants.ts";
export { type MspHandle, SOCKET_NULL } from "./handler/handle.ts";
export type { Listener } from "./listener.ts";
export {
  Driver,
  type DriverConnection,
  type DriverEvent,
  type DriverListener,
  type DriverOptions,
} from "./stream/driver.ts";
export { MspListener } from "./stream/listener.ts";
export { type ConnectOptions, type ListenOptions, Mesh, type MeshOptions } from "./stream/mesh.ts";
export { type CallOptions, MspSocket } from "./stream/socket.ts";
export * from "./stream/transport.ts";
export { TokenBucket } from "./token-bucket.ts";
