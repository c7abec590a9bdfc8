// The one file that knows which runtime the command stands on.
export type { NodeMesh, TcpAddress, TcpListener, TcpStream } from "@meshstream/node";
export {
  connectTcp,
  defaultHome,
  formatTcpAddress,
  isLoopback,
  listenTcp,
  openKeyring,
  openMesh,
  parseTcpAddress,
} from "@meshstream/node";
