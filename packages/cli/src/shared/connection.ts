import { type Address, MspError, type MspSocket } from "@meshstream/msp";
import type { Context } from "./context.ts";
import type { NodeMesh } from "./runtime.ts";

/** A connection of a command: reported, and stopped on a signal. */
export interface CommandConnection {
  readonly socket: MspSocket;
  /** Run `body` with the socket; it must wait for the end of the connection. Reports how it ended. */
  run<T>(body: (socket: MspSocket) => Promise<T>): Promise<T>;
}

/**
 * Connect to `remote`. What goes wrong later is rejected by `run`, in words that name the peer. A person who looks on is
 * told after a second without an answer. `isAnnounced` is that of {@link adopt}.
 */
export async function openConnection(
  context: Context,
  mesh: NodeMesh,
  remote: Address,
  isAnnounced = false,
): Promise<CommandConnection> {
  const socket = await mesh.connect(remote.sid, remote.port);
  const timer = setTimeout(
    () => context.report.hint(`connecting to ${remote.sid.hex} ...`),
    CONNECTING_PATIENCE_MS,
  );
  const stopWaiting = (): void => clearTimeout(timer);
  socket.connected.then(stopWaiting, stopWaiting);
  return adopt(context, socket, isAnnounced);
}

/** Look after a socket until it closes. With `isAnnounced`, the beginning and the end are told without -v, too. */
export function adopt(
  { report, interruption }: Context,
  socket: MspSocket,
  isAnnounced = false,
): CommandConnection {
  const { sid, port } = socket.remote;
  const peer = { sid: sid.hex, port };
  let isConnected = false;
  socket.connected.then(
    () => {
      isConnected = true;
      const event = { event: "connected", ...peer };
      const text = `connected with ${sid.hex}, port ${port}`;
      if (isAnnounced) report.note(event, text);
      else report.detail(event, text);
    },
    () => undefined,
  );
  const stop = (): void => socket.stop();
  return {
    socket,
    run: async (body) => {
      interruption.signal.addEventListener("abort", stop);
      if (interruption.signal.aborted) stop();
      try {
        const result = await body(socket);
        const how = await socket.closed;
        if (isAnnounced) report.note({ event: "ended", sid: sid.hex }, `ended with ${sid.hex}`);
        report.detail(
          { event: "closed", ...peer, how, ...socket.stats },
          `closed (${how}): ${JSON.stringify(socket.stats)}`,
        );
        return result;
      } catch (error) {
        throw inWords(error, socket, isConnected);
      } finally {
        interruption.signal.removeEventListener("abort", stop);
      }
    },
  };
}

const CONNECTING_PATIENCE_MS = 1000;

/** The same error, for someone who did not write it. */
function inWords(error: unknown, socket: MspSocket, isConnected: boolean): unknown {
  if (!(error instanceof MspError)) return error;
  const { sid, port } = socket.remote;
  const peer = `${sid.hex}, port ${port}`;
  switch (error.code) {
    case "timeout":
      return isConnected
        ? new MspError("timeout", `lost ${peer}: nothing heard from it for 10 s`, { cause: error })
        : new MspError(
            "timeout",
            `no answer from ${peer} within 10 s: is it listening, and in reach ("msp peers")?`,
            {
              cause: error,
            },
          );
    case "stopped":
      return new MspError("stopped", `${peer} stopped the connection`, { cause: error });
    default:
      return error;
  }
}
