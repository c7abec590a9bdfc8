// A client of the handler face: connects, sends lines, prints what comes back, ends when both sides are done.
//
// Adapted from the synopsis "client application (connect)" of Mesh Stream Protocol, Serval Project Inc., 2014,
// CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/); changed: TypeScript, a promise where recv blocked,
// the errors that the original left out, a second's stay at the end. A program of your own imports from "@meshstream/msp".
import type { Address, HandlerApi, MspHandler } from "../src/index.ts";

/** Throws what went wrong if the connection did not end in good order. */
export async function client(
  msp: HandlerApi,
  server: Address,
  lines: readonly string[],
  print: (line: string) => void,
): Promise<void> {
  let quitTime = Number.POSITIVE_INFINITY;
  let failure: Error | undefined;
  const outgoing = lines.map((line) => new TextEncoder().encode(line));

  const ioHandler: MspHandler = (sock, state, payload) => {
    let consumed = 0;
    if (payload.length > 0) {
      print(new TextDecoder().decode(payload));
      consumed = payload.length;
    }
    const [next] = outgoing;
    if (next === undefined) {
      msp.shutdown(sock); // no more data to send
    } else if (state & msp.DATA_OUT) {
      if (msp.send(sock, next) === -1)
        msp.shutdown(sock); // premature end
      else outgoing.shift();
    }
    if (state & msp.ERROR) failure = msp.lastError();
    // Release resources. Stay a little: the server may have missed the last acknowledgement, and asks for it again.
    if (state & msp.CLOSED) quitTime = msp.nowMs() + (failure === undefined ? STAY_MS : 0);
    return consumed;
  };

  const mdp = msp.mdpSocket();
  if (mdp === -1) throw msp.lastError();
  const sock = msp.mspSocket(mdp, 0);
  if (msp.isNull(sock)) throw msp.lastError();
  msp.connect(sock, server);
  msp.setHandler(sock, ioHandler);

  let nextTime = msp.NEVER_HAS;
  while (msp.nowMs() < quitTime) {
    const timeoutMs = Math.min(nextTime, quitTime) - msp.nowMs();
    if (timeoutMs > 0) await msp.recv(mdp, { timeoutMs });
    nextTime = msp.processing(msp.nowMs());
  }
  msp.closeAll(mdp);
  msp.mdpClose(mdp);
  if (failure !== undefined) throw failure;
}

const STAY_MS = 1000;
