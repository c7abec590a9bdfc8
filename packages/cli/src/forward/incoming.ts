import type { MspListener, MspSocket, Sid } from "@meshstream/msp";
import type { Context } from "../shared/context.ts";
import { ExitCode, exitCodeOf } from "../shared/exit-codes.ts";
import { Refusals } from "../shared/refusals.ts";
import { connectTcp, formatTcpAddress, type TcpAddress } from "../shared/runtime.ts";
import { Forwarder } from "./forwarder.ts";

export interface IncomingOptions {
  /** Where each peer's connection goes. */
  readonly target: TcpAddress;
  readonly isAllowed: (sid: Sid) => boolean;
  /** End with the first connection that is served or that TCP refuses. */
  readonly once: boolean;
  readonly limit: number;
}

/**
 * Forward the connections of peers to a TCP port. Resolves to an exit code: with `once` that of the first connection, else when
 * no further one can be served; rejects with MspError "transport-lost".
 */
export async function forwardIncoming(
  context: Context,
  listener: MspListener,
  options: IncomingOptions,
): Promise<number> {
  const { isAllowed, once, target, limit } = options;
  const forwarder = new Forwarder(context, "to-tcp", once ? 1 : limit);
  const refusals = new Refusals(context.report);
  return await new Promise((resolve, reject) => {
    const end = (exitCode: number): void => {
      if (once || exitCode >= ExitCode.TRANSPORT_START) resolve(exitCode);
    };
    const acceptAll = async (): Promise<void> => {
      for await (const socket of listener) {
        const sid = socket.remote.sid.hex;
        if (!isAllowed(socket.remote.sid)) {
          socket.stop();
          refusals.add(sid, "not-allowed", "it is not among those given by --allow", { sid });
        } else if (forwarder.openCount >= forwarder.limit) {
          socket.stop();
          refusals.add(sid, "limit", limitReached(forwarder.limit), { sid });
        } else {
          void forwarder.hold(() => open(context, forwarder, refusals, socket, target)).then(end);
        }
      }
      // Closed by a signal, which has stopped the connections, too.
      await forwarder.settled();
      resolve(ExitCode.CONNECTION);
    };
    acceptAll().catch(reject);
  });
}

export function limitReached(limit: number): string {
  return `${limit} ${limit === 1 ? "connection is" : "connections are"} open, and more may not be`;
}

/** Resolves to an exit code; never rejects. */
async function open(
  { interruption }: Context,
  forwarder: Forwarder,
  refusals: Refusals,
  socket: MspSocket,
  target: TcpAddress,
): Promise<number> {
  const gone = new AbortController();
  const giveUp = (): void => gone.abort();
  socket.closed.then(giveUp, giveUp);
  interruption.signal.addEventListener("abort", giveUp);
  try {
    const tcp = await connectTcp(target, { signal: gone.signal });
    return await forwarder.join(socket, tcp);
  } catch (error) {
    socket.stop();
    const sid = socket.remote.sid.hex;
    const why = error instanceof Error ? error.message : String(error);
    if (interruption.exitCode === undefined) {
      refusals.add(sid, "tcp", why, { sid, tcp: formatTcpAddress(target) });
    }
    return exitCodeOf(error);
  } finally {
    interruption.signal.removeEventListener("abort", giveUp);
  }
}
