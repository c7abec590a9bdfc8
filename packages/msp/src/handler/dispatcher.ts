import { MspError } from "../errors.ts";
import { SocketState } from "./constants.ts";
import type { HandlerSocket } from "./socket.ts";

const { DATA_OUT, CLOSED, ERROR } = SocketState;

/** What a dispatcher needs of the API that it works for. */
export interface DispatcherHost {
  /** Where a handler finds what went wrong. */
  noteError(error: MspError): void;
  /** The last call was made: forget the socket. */
  free(socket: HandlerSocket): void;
}

/** Calls handlers: the part of processing() that follows once the packets are dealt with. One for each call of processing(). */
export class Dispatcher {
  /** What handlers threw, and what they should not have returned. */
  readonly errors: unknown[] = [];
  /** A handler has got on with its work and left some of it: processing() should come again at once. */
  isUnfinished = false;

  private readonly host: DispatcherHost;
  private readonly afterCall: (() => void)[];
  /** Sockets that have had their call for DATA_OUT. */
  private readonly askedToSend = new Set<HandlerSocket>();
  /** Sockets that are not called again in this processing(), but for CLOSED. */
  private readonly resting = new Set<HandlerSocket>();

  /** @param afterCall - what handlers have asked for that takes effect when they return */
  constructor(host: DispatcherHost, afterCall: (() => void)[]) {
    this.host = host;
    this.afterCall = afterCall;
  }

  /** Make every call that is due on this socket. */
  serve(socket: HandlerSocket): void {
    if (socket.phase === "initialising") return;
    if (socket.phase === "open" && socket.handler === undefined) return; // opened by a handler just now
    if (socket.hasEnded && socket.isUnknown) {
      this.host.free(socket);
      return;
    }
    if (socket.isOpenData) this.serveData(socket);
    if (socket.phase === "open" && socket.hasEnded) socket.end();
    if (socket.phase === "closed") this.finish(socket);
  }

  private serveData(socket: HandlerSocket): void {
    while (socket.phase === "open" && !socket.hasEnded && !this.resting.has(socket)) {
      // The call that announces a socket to its listener's handler never has ERROR: there, that would mean the listener.
      const state = socket.isAnnounced ? socket.state : socket.state & ~ERROR;
      const { payload } = socket;
      if (!this.isDue(socket, state, payload.length)) return;
      this.callOnce(socket, state, payload);
    }
  }

  private isDue(socket: HandlerSocket, state: number, payloadBytes: number): boolean {
    if (payloadBytes > 0 || !socket.isAnnounced || (state & ~DATA_OUT) !== socket.toldState) return true;
    return (state & DATA_OUT) !== 0 && !this.askedToSend.has(socket);
  }

  private callOnce(socket: HandlerSocket, state: number, payload: Uint8Array): void {
    socket.isAnnounced = true;
    socket.toldState = state & ~DATA_OUT;
    const sentBefore = socket.sentCount;
    const payloadBytes = payload.length;
    const consumedBytes = this.call(socket, state, payload);
    const hasSent = socket.sentCount > sentBefore;
    // Asked once; and again after every message that it sent, for as long as there is room.
    if (hasSent) this.askedToSend.delete(socket);
    else this.askedToSend.add(socket);
    if (socket.phase !== "open" || payloadBytes === 0 || socket.consume(consumedBytes)) return;
    this.resting.add(socket);
    if (consumedBytes > 0 || hasSent) this.isUnfinished = true;
  }

  private finish(socket: HandlerSocket): void {
    try {
      if (socket.handler !== undefined) this.call(socket, socket.state | CLOSED, NO_BYTES);
    } finally {
      this.host.free(socket);
    }
  }

  /** How many bytes the handler consumed: none if it threw. */
  private call(socket: HandlerSocket, state: number, payload: Uint8Array): number {
    const failure = socket.failure ?? socket.dataConnection?.failure;
    if ((state & ERROR) !== 0 && failure !== undefined) this.host.noteError(failure);
    const { length } = payload;
    let consumedBytes = 0;
    try {
      consumedBytes = socket.handler!(socket.handle, state, payload, socket.context);
      if (!Number.isInteger(consumedBytes) || consumedBytes < 0 || consumedBytes > length) {
        const message = `a handler returned ${consumedBytes}: it must be a whole number, 0 to ${length}, the bytes it was given`;
        consumedBytes = 0;
        throw new MspError("argument", message);
      }
    } catch (error) {
      this.errors.push(error);
      this.resting.add(socket);
    }
    for (const effect of this.afterCall.splice(0)) effect();
    return consumedBytes;
  }
}

const NO_BYTES = new Uint8Array(0);
