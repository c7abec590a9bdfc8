import { mkdtemp, realpath, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DatagramTransport, type LinkAddress, MspError } from "@meshstream/msp";
import type { DgramSocket } from "node-unix-socket";

/**
 * A Unix datagram socket that reaches the one at `peerPath`, by the optional package node-unix-socket. Its own socket lies in a folder of
 * mode 0700 that close() removes. Rejects with MspError "transport-start", saying what to do instead, if the package is missing or
 * there is no such socket.
 *
 * On Linux a Serval daemon's socket is in no folder but has an abstract name, which that package cannot address: use UDP.
 */
export async function openUnixDatagram(peerPath: string): Promise<DatagramTransport> {
  const Socket = await loadSocket();
  const isSocket = await stat(peerPath).then(
    (found) => found.isSocket(),
    () => false,
  );
  if (!isSocket) {
    const why =
      process.platform === "linux"
        ? " (on Linux a Serval daemon's has an abstract name, out of Node's reach)"
        : "";
    throw new MspError(
      "transport-start",
      `there is no socket at ${peerPath}${why}: set the daemon's option mdp.enable_inet, and use it by UDP`,
    );
  }
  const folder = await mkdtemp(join(tmpdir(), "meshstream-"));
  const socket = new Socket();
  try {
    const local = join(folder, "socket");
    socket.bind(local);
    return new UnixDatagram(socket, local, peerPath, await realpath(peerPath), folder);
  } catch (cause) {
    await rm(folder, { recursive: true, force: true });
    throw new MspError(
      "transport-start",
      `cannot open a Unix datagram socket in ${folder}: ${String(cause)}`,
      {
        cause,
      },
    );
  }
}

class UnixDatagram implements DatagramTransport {
  readonly local: LinkAddress;
  readonly broadcast = [];
  readonly mtuBytes = 65_000;
  private readonly socket: DgramSocket;
  private readonly peer: string;
  /** The same without symbolic links: a daemon may have bound its socket by another way. */
  private readonly realPeer: string;
  private readonly folder: string;
  private closed: Promise<void> | undefined;

  constructor(socket: DgramSocket, local: string, peer: string, realPeer: string, folder: string) {
    this.socket = socket;
    this.local = local;
    this.peer = peer;
    this.realPeer = realPeer;
    this.folder = folder;
    // Such as a daemon that is gone: whoever probes it notices.
    socket.on("error", () => undefined);
  }

  send(datagram: Uint8Array, to: LinkAddress): void {
    if (this.closed !== undefined) return;
    // The package sends later than this call if the peer is busy, and the caller reuses its bytes.
    const copy = Buffer.from(datagram);
    this.socket.sendTo(copy, 0, copy.length, to, () => undefined);
  }

  onDatagram(receive: (datagram: Uint8Array, from: LinkAddress) => void): void {
    this.socket.removeAllListeners("data");
    this.socket.on("data", (datagram: Buffer, from: string) =>
      receive(datagram, from === this.realPeer ? this.peer : from),
    );
  }

  close(): Promise<void> {
    this.closed ??= new Promise<void>((resolve) => {
      this.socket.once("close", () => resolve());
      this.socket.close();
    }).then(() => rm(this.folder, { recursive: true, force: true }));
    return this.closed;
  }
}

async function loadSocket(): Promise<typeof DgramSocket> {
  try {
    return (await import("node-unix-socket")).DgramSocket;
  } catch (cause) {
    throw new MspError(
      "transport-start",
      "Unix datagram sockets need the package node-unix-socket, which is not installed or not built for this system: install it, or use the daemon by UDP",
      { cause },
    );
  }
}
