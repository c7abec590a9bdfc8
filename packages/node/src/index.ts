// One package is enough to write a program on Node: what openMesh() gives, and what it is made of.
export type {
  AskOptions,
  DaemonRoute,
  FoundService,
  KeyAnswer,
  NeighbourInfo,
  PingOptions,
  PublishedService,
  RouteInfo,
  TraceResult,
} from "@meshstream/mdp-transport";
export {
  type Address,
  BIND_ALL,
  BIND_PRIMARY,
  type BindAddress,
  type MspConfig,
  MspError,
  type MspErrorCode,
  MspListener,
  MspSocket,
  Sid,
} from "@meshstream/msp";
export { systemClock } from "./clock.ts";
export { systemEntropy } from "./entropy.ts";
export { defaultHome } from "./home.ts";
export { type Keyring, openKeyring } from "./keyring.ts";
export { NodeMesh } from "./node-mesh.ts";
export { type OpenMeshOptions, openMesh } from "./open-mesh.ts";
export { connectTcp, listenTcp, type TcpListener } from "./tcp.ts";
export { formatTcpAddress, isLoopback, parseTcpAddress, type TcpAddress } from "./tcp-address.ts";
export { TcpError, type TcpErrorCode, type TcpStream } from "./tcp-stream.ts";
export { openUdp, type UdpCounters, type UdpOptions, type UdpTransport } from "./udp.ts";
