import { MESSAGE_SIZE, type MspSocket } from "@meshstream/msp";
import type { StandardInput, StandardOutput } from "./standard-streams.ts";

/** What {@link carry} needs of a connection. */
export type CarriedSocket = Pick<MspSocket, "send" | "receive" | "shutdown" | "stop" | "closed">;

/**
 * Carry standard input to the peer and the peer to standard output, until both directions have ended: the end of the input
 * shuts down our direction, and the peer's goes on. At a terminal the peer's end ends ours too, since nobody would
 * know to type an end of file. A message is taken, and acknowledged, only after it is written out.
 *
 * Resolves when both are done; the connection closes when the peer has acknowledged our end. Rejects with what ended the
 * connection before, or with a LocalFileError after telling the peer.
 */
export async function carry(
  socket: CarriedSocket,
  input: StandardInput,
  output: StandardOutput,
): Promise<void> {
  const incoming = writeOut(socket, output);
  const over = new AbortController();
  const end = (): void => over.abort();
  socket.closed.then(end, end);
  if (input.isTerminal) incoming.then(end, end);
  const outgoing = sendInput(socket, input, over.signal);
  try {
    await Promise.all([incoming, outgoing]);
  } catch (error) {
    socket.stop();
    throw error;
  }
}

async function writeOut(socket: CarriedSocket, output: StandardOutput): Promise<void> {
  for (let message = await socket.receive(); message !== undefined; message = await socket.receive()) {
    await output.write(message);
  }
}

async function sendInput(socket: CarriedSocket, input: StandardInput, over: AbortSignal): Promise<void> {
  for (;;) {
    let rest = await unlessAborted(input.peek(), over);
    if (rest === undefined) break;
    while (rest.length > 0) {
      const message = rest.subarray(0, MESSAGE_SIZE);
      await socket.send(message);
      rest = rest.subarray(message.length);
      input.keep(rest);
    }
  }
  socket.shutdown();
}

/** What `promise` resolves to, or undefined once the signal fires. Unlike a race, it leaves nothing on the signal. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const abort = (): void => resolve(undefined);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
