import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { type Msp, near, type Stage } from "./processes.ts";

/** A TCP server, `msp listen --forward` before it, and `msp connect --forward` in another home, on loopback. */
export interface Tunnel {
  readonly listening: Msp;
  readonly connecting: Msp;
  /** The TCP port at the near end. */
  readonly port: number;
  /** Connect to the near end. Errors of the socket are only told to who asks for them. */
  client(): Promise<Socket>;
  /** Connect to the near end, and resolve to the code of the error that it comes to. */
  knock(): Promise<string>;
}

export interface TunnelOptions {
  readonly listenWords?: readonly string[];
  readonly connectWords?: readonly string[];
  /** The home of the connecting node. */
  readonly home?: string;
}

export async function openTunnel(
  stage: Stage,
  target: number,
  { listenWords = [], connectWords = [], home = stage.home() }: TunnelOptions = {},
): Promise<Tunnel> {
  const {
    command: listening,
    sid,
    bound,
  } = await stage.startListening(["listen", "80", "--forward", `${target}`, ...listenWords]);
  const connecting = stage.start([
    "connect",
    ...near(home, bound),
    "--json",
    "--forward",
    "0",
    ...connectWords,
    sid,
    "80",
  ]);
  const port = Number((await connecting.event("forwarding")).tcp.split(":")[1]);
  return { listening, connecting, port, client: () => dial(port), knock: () => knock(port) };
}

export async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  await once(socket, "connect");
  return hear(socket);
}

/** Connect, and resolve to the code of the error that it comes to: before the connection is known here, or after. */
export function knock(port: number): Promise<string> {
  return failure(connect({ port, host: "127.0.0.1", allowHalfOpen: true }));
}

/** Run `body` with the port of a TCP server that gives each connection to `serve`. */
export async function withServer(
  serve: (socket: Socket) => void,
  body: (port: number) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(hear(socket));
    serve(socket);
  });
  const port = await portOf(server);
  try {
    await body(port);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

/** Listen on any port of loopback. */
export async function portOf(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as { port: number }).port;
}

/** A port where nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await portOf(server);
  server.close();
  await once(server, "close");
  return port;
}

/** Everything up to the end; rejects if there is an error before. */
export async function all(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  await once(socket, "end");
  return Buffer.concat(chunks);
}

/** The code of the error that ends the socket; rejects if there is an end of file before. */
export function failure(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(String(error.code)));
    socket.once("end", () => {
      // Node tells a reset right behind bytes as an end; writing nothing brings it to light.
      socket.write(Buffer.alloc(0), (error) => error ?? reject(new Error("ended in good order")));
    });
    socket.resume();
  });
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function hear(socket: Socket): Socket {
  return socket.on("error", () => undefined);
}
