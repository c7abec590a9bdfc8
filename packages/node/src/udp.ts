import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { networkInterfaces } from "node:os";
import { type DatagramTransport, type LinkAddress, MspError } from "@meshstream/msp";
import { broadcastAddresses } from "./broadcast.ts";
import { formatSocketAddress, parseSocketAddress, type SocketAddress } from "./socket-address.ts";

export interface UdpOptions {
  /** Where to listen: "ADDR:PORT" or "[ADDR6]:PORT"; port 0 takes any free one. */
  readonly bind: string;
  /** Whether to reach and be reached by broadcast on the local networks. IPv4 only. */
  readonly broadcast: boolean;
}

/** What a UDP socket counts: datagrams that it could not send, by reason, and errors that it was told of. */
export interface UdpCounters {
  /** To an address that is none, or of the other IP version. */
  sendAddress: number;
  /** The system did not take them fast enough. */
  sendQueueFull: number;
  /** The system refused them: no route, unreachable, too long, not permitted. */
  sendFailed: number;
  /** The system reported an error about the socket, such as a refusal by an earlier destination. */
  socketErrors: number;
}

/** A UDP socket as a link of the overlay. */
export interface UdpTransport extends DatagramTransport {
  readonly counters: Readonly<UdpCounters>;
}

/**
 * Open a UDP socket. Rejects with MspError "address" for a malformed `bind`, and "transport-start", with a line that says
 * what to do, if the system refuses it. What the network does later is counted, never thrown.
 *
 * A socket that is bound to one address sends broadcasts but, on most systems, hears none: bind 0.0.0.0 for that.
 * Worst-case memory: 1 MiB of datagrams that wait to be sent, and the system's receive buffer, up to 1 MiB.
 *
 * @example const link = await openUdp({ bind: "127.0.0.1:0", broadcast: false });
 */
export async function openUdp({ bind, broadcast }: UdpOptions): Promise<UdpTransport> {
  const wanted = parseSocketAddress(bind, 0);
  const socket = createSocket({
    type: wanted.family === 4 ? "udp4" : "udp6",
    ipv6Only: wanted.family === 6,
    // Addresses are literals: without a look-up a datagram goes out within send().
    lookup: (host, _options, done) => done(null, host, wanted.family),
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind({ address: wanted.host, port: wanted.port, exclusive: true }, resolve);
    });
    socket.removeAllListeners("error");
    if (broadcast && wanted.family === 4) socket.setBroadcast(true);
  } catch (cause) {
    socket.close();
    throw startError(bind, cause);
  }
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  } catch {
    // The system allows less: it works, and loses more when bursts come.
  }
  return new DgramTransport(socket, wanted, broadcast);
}

class DgramTransport implements UdpTransport {
  readonly mtuBytes = MTU_BYTES;
  readonly local: LinkAddress;
  readonly counters: UdpCounters = { sendAddress: 0, sendQueueFull: 0, sendFailed: 0, socketErrors: 0 };
  private readonly socket: Socket;
  private readonly wanted: SocketAddress;
  private readonly hasBroadcast: boolean;
  private broadcastNow: readonly LinkAddress[] = [];
  private broadcastStaleAtMs = 0;
  /** Parsed destinations; undefined stands for one that is no address. */
  private readonly destinations = new Map<LinkAddress, SocketAddress | undefined>();
  private closed: Promise<void> | undefined;

  constructor(socket: Socket, wanted: SocketAddress, broadcast: boolean) {
    this.socket = socket;
    this.wanted = wanted;
    this.hasBroadcast = broadcast && wanted.family === 4;
    const { address, port } = socket.address();
    this.local = formatSocketAddress(address, port);
    socket.on("error", () => this.counters.socketErrors++);
  }

  /** Looked up again every few seconds: people change networks. */
  get broadcast(): readonly LinkAddress[] {
    const nowMs = performance.now();
    if (this.hasBroadcast && nowMs >= this.broadcastStaleAtMs) {
      this.broadcastStaleAtMs = nowMs + BROADCAST_STALE_MS;
      const port = this.wanted.port === 0 ? DEFAULT_PORT : this.wanted.port;
      this.broadcastNow = broadcastAddresses(networkInterfaces(), this.wanted.host, port);
    }
    return this.broadcastNow;
  }

  send(datagram: Uint8Array, to: LinkAddress): void {
    if (this.closed !== undefined) return;
    const destination = this.destination(to);
    if (destination === undefined) this.counters.sendAddress++;
    else if (this.socket.getSendQueueSize() > SEND_QUEUE_BYTES) this.counters.sendQueueFull++;
    else {
      // dgram may send later than this call, and the caller reuses its bytes.
      this.socket.send(Buffer.from(datagram), destination.port, destination.host, this.noteSent);
    }
  }

  onDatagram(receive: (datagram: Uint8Array, from: LinkAddress) => void): void {
    this.socket.removeAllListeners("message");
    this.socket.on("message", (datagram: Buffer, { address, port }: RemoteInfo) =>
      receive(datagram, formatSocketAddress(address, port)),
    );
  }

  close(): Promise<void> {
    this.closed ??= new Promise((resolve) => this.socket.close(resolve));
    return this.closed;
  }

  private readonly noteSent = (error: Error | null): void => {
    if (error !== null) this.counters.sendFailed++;
  };

  private destination(to: LinkAddress): SocketAddress | undefined {
    if (this.destinations.has(to)) return this.destinations.get(to);
    if (this.destinations.size >= DESTINATIONS_LIMIT) this.destinations.clear();
    const parsed = destinationOf(to, this.wanted.family);
    this.destinations.set(to, parsed);
    return parsed;
  }
}

function destinationOf(to: LinkAddress, family: 4 | 6): SocketAddress | undefined {
  try {
    const address = parseSocketAddress(to, 1);
    return address.family === family ? address : undefined;
  } catch {
    return undefined;
  }
}

function startError(bind: string, cause: unknown): MspError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const advice = ADVICE[code] ?? "choose another address or port";
  return new MspError("transport-start", `cannot open UDP ${bind} (${code || String(cause)}): ${advice}`, {
    cause,
  });
}

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE:
    "another program has that port; if it is a Meshstream node, use its home, else choose another port (0 takes any)",
  EADDRNOTAVAIL: "no network interface has that address; 0.0.0.0 takes all of them",
  EACCES: "this port needs more rights; choose one above 1023",
};

/** Port at which nodes look for each other (docs/wire.md W4). */
export const DEFAULT_PORT = 4110;

/** As deployed nodes have it on UDP (docs/wire.md W4). */
const MTU_BYTES = 1200;

const RECEIVE_BUFFER_BYTES = 1 << 20;
const SEND_QUEUE_BYTES = 1 << 20;
const BROADCAST_STALE_MS = 5000;

/** Parsed addresses kept: about 200 bytes each. */
const DESTINATIONS_LIMIT = 1024;
