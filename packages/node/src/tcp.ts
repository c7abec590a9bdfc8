import { connect, createServer, type Socket } from "node:net";
import { MspError } from "@meshstream/msp";
import { formatTcpAddress, type TcpAddress } from "./tcp-address.ts";
import { TcpError, type TcpStream, tcpError, tcpStream } from "./tcp-stream.ts";

/** A TCP port that accepts connections. */
export interface TcpListener {
  /** "ADDR:PORT" as bound. */
  readonly local: string;
  /** Resolves once it is closed; rejects with MspError "transport-lost" if the system took the port away. */
  readonly closed: Promise<void>;
  /** Accept no more. Connections that were accepted stay. */
  close(): void;
}

/**
 * Connect to a TCP port. Rejects with TcpError, in words that say why: "refused", "unreachable", "unknown-host", "failed", "timeout" after
 * 10 s without an answer, or "aborted" by the signal.
 *
 * @example const stream = await connectTcp(parseTcpAddress("8080", 1));
 */
export async function connectTcp(
  address: TcpAddress,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<TcpStream> {
  const name = formatTcpAddress(address);
  const socket = connect({ host: address.host, port: address.port, allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: TcpError): void => {
      clearTimeout(patience);
      signal?.removeEventListener("abort", abort);
      socket.removeAllListeners("error");
      if (error === undefined) {
        resolve();
        return;
      }
      socket.on("error", () => undefined);
      socket.destroy();
      reject(error);
    };
    const abort = (): void =>
      settle(new TcpError("aborted", `gave up connecting to ${name}`, { cause: signal?.reason }));
    const patience = setTimeout(
      () => settle(new TcpError("timeout", `${name} does not answer within ${CONNECT_MS / 1000} s`)),
      CONNECT_MS,
    );
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) abort();
    socket.once("error", (cause) => settle(tcpError(name, cause)));
    socket.once("connect", () => settle());
  });
  return tcpStream(socket, name);
}

/**
 * Listen on a TCP port, and give each connection to `accept` at once. Rejects with MspError "transport-start", with a line that says what to do,
 * if the system refuses the port.
 *
 * @example const listener = await listenTcp({ host: "127.0.0.1", port: 0 }, (stream) => serve(stream));
 */
export async function listenTcp(
  address: TcpAddress,
  accept: (stream: TcpStream) => void,
): Promise<TcpListener> {
  const server = createServer({ allowHalfOpen: true }, (socket: Socket) => accept(tcpStream(socket)));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(startError(formatTcpAddress(address), cause)));
    server.listen({ host: address.host, port: address.port, exclusive: true }, resolve);
  });
  server.removeAllListeners("error");
  const bound = server.address() as { address: string; port: number };
  const local = formatTcpAddress({ host: bound.address, port: bound.port });
  let letGo = (): void => undefined;
  const closed = new Promise<void>((resolve, reject) => {
    letGo = resolve;
    server.on("error", (cause) => reject(new MspError("transport-lost", `lost TCP ${local}`, { cause })));
  });
  closed.catch(() => undefined);
  return {
    local,
    closed,
    // The server's own close event waits for the connections, too.
    close: () => {
      server.close();
      letGo();
    },
  };
}

function startError(name: string, cause: unknown): MspError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const advice = ADVICE[code] ?? "choose another address or port";
  return new MspError(
    "transport-start",
    `cannot listen on TCP ${name} (${code || String(cause)}): ${advice}`,
    {
      cause,
    },
  );
}

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program has that port; choose another one (0 takes any)",
  EADDRNOTAVAIL: "no network interface has that address; 127.0.0.1 is for this machine alone",
  EACCES: "this port needs more rights; choose one above 1023",
  ENOTFOUND: "that name has no address",
};

const CONNECT_MS = 10_000;
