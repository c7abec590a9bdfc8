import type { Address } from "@meshstream/msp";
import type { Context } from "../shared/context.ts";
import { ExitCode, exitCodeOf } from "../shared/exit-codes.ts";
import { Refusals } from "../shared/refusals.ts";
import { isLoopback, listenTcp, type NodeMesh, type TcpAddress, type TcpStream } from "../shared/runtime.ts";
import { Forwarder } from "./forwarder.ts";
import { limitReached } from "./incoming.ts";

export interface OutgoingOptions {
  /** Where TCP clients connect; port 0 takes any free one. */
  readonly local: TcpAddress;
  /** End with the first connection. */
  readonly once: boolean;
  readonly limit: number;
}

/**
 * Forward the connections of TCP clients to a port of a peer. Resolves to an exit code: with `once` that of the first connection, else
 * when no further one can be served. Rejects with MspError "transport-start" if the TCP port cannot be had.
 */
export async function forwardOutgoing(
  context: Context,
  mesh: NodeMesh,
  remote: Address,
  { local, once, limit }: OutgoingOptions,
): Promise<number> {
  const { report, interruption } = context;
  const forwarder = new Forwarder(context, "from-tcp", once ? 1 : limit);
  const refusals = new Refusals(report);
  const sid = remote.sid.hex;
  let end = (_exitCode: number): void => undefined;
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  const listener = await listenTcp(local, (tcp) => {
    if (forwarder.openCount >= forwarder.limit) {
      tcp.reset();
      refusals.add(tcp.remote, "limit", limitReached(forwarder.limit), { sid, tcp: tcp.remote });
      return;
    }
    void forwarder
      .hold(() => open(context, forwarder, mesh, remote, tcp))
      .then((exitCode) => {
        if (once || exitCode >= ExitCode.TRANSPORT_START) end(exitCode);
      });
  });
  try {
    report.note(
      { event: "forwarding", tcp: listener.local, sid, port: remote.port },
      `listening on TCP ${listener.local} for port ${remote.port} of ${sid}`,
    );
    if (!isLoopback(local)) {
      report.note(
        { event: "warning", reason: "open-listener", tcp: listener.local },
        `whoever reaches TCP ${listener.local} speaks to the peer as this node: 127.0.0.1 is for this machine alone`,
      );
    }
    const interrupted = new Promise<number>((resolve) => {
      const give = (): void => resolve(ExitCode.CONNECTION);
      interruption.signal.addEventListener("abort", give, { once: true });
      if (interruption.signal.aborted) give();
    });
    return await Promise.race([ended, interrupted, listener.closed.then(() => ExitCode.CONNECTION)]);
  } finally {
    listener.close();
    if (interruption.signal.aborted) await forwarder.settled();
  }
}

/** Resolves to an exit code; never rejects. */
async function open(
  { report }: Context,
  forwarder: Forwarder,
  mesh: NodeMesh,
  remote: Address,
  tcp: TcpStream,
): Promise<number> {
  try {
    const socket = await mesh.connect(remote.sid, remote.port);
    return await forwarder.join(socket, tcp);
  } catch (error) {
    tcp.reset();
    const exitCode = exitCodeOf(error);
    report.error(error, exitCode);
    return exitCode;
  }
}
