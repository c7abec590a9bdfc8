// A server of the handler face: sends every client back what it says, in capitals. Told to stop, it takes no more clients.
//
// Adapted from the synopsis "server application (listen)" of Mesh Stream Protocol, Serval Project Inc., 2014,
// CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/); changed: TypeScript, a promise where recv blocked, the
// socket is made by MSP, a signal ends it. A program of your own imports from "@meshstream/msp".
import type { HandlerApi, MspHandle, MspHandler } from "../src/index.ts";

/** `port`: known by clients. Throws what went wrong unless `signal` has ended it. */
export async function server(
  msp: HandlerApi,
  port: number,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let isListening = true;
  let openCount = 0;
  let failure: Error | undefined;

  const ioHandler: MspHandler = (sock, state, payload, context) => {
    const name = context as string;
    let consumed = 0;
    if (payload.length > 0 && state & msp.DATA_OUT) {
      const line = new TextDecoder().decode(payload);
      msp.send(sock, new TextEncoder().encode(line.toUpperCase()));
      print(`${name}: ${line}`);
      consumed = payload.length; // without room for the answer it stays, unacknowledged, and comes again
    }
    if (consumed === payload.length && state & msp.SHUTDOWN_REMOTE) msp.shutdown(sock); // incoming EOF
    if (state & msp.CLOSED) {
      openCount -= 1;
      print(`${name}: ${state & msp.ERROR ? msp.lastError()?.message : "done"}`);
    }
    return consumed;
  };

  let accepted = 0;
  const listenHandler: MspHandler = (sock, state, payload) => {
    if (state & (msp.ERROR | msp.CLOSED)) {
      isListening = false;
      if (state & msp.ERROR) failure = msp.lastError();
      return 0;
    }
    accepted += 1;
    openCount += 1;
    const name = `client ${accepted}`;
    msp.setHandler(sock, ioHandler, name);
    return ioHandler(sock, state, payload, name);
  };

  const mdp = msp.mdpSocket();
  if (mdp === -1) throw msp.lastError();
  const sock: MspHandle = msp.mspSocket(mdp, 0);
  if (msp.isNull(sock)) throw msp.lastError();
  msp.setLocal(sock, { sid: msp.BIND_ALL, port });
  msp.setHandler(sock, listenHandler);
  if (msp.listen(sock) === -1) throw msp.lastError();
  signal.addEventListener("abort", () => msp.stop(sock));

  let nextTime = msp.NEVER_HAS;
  while (isListening || openCount > 0) {
    const now = msp.nowMs();
    if (now < nextTime) await msp.recv(mdp, { timeoutMs: nextTime - now });
    nextTime = msp.processing(msp.nowMs());
  }
  msp.closeAll(mdp);
  msp.mdpClose(mdp);
  if (failure !== undefined) throw failure;
}
