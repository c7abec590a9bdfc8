import type { Address, BIND_ALL, BIND_PRIMARY, BindAddress } from "../address.ts";
import { type MESSAGE_SIZE, type MspConfig, parseConfig } from "../config.ts";
import type { MspError } from "../errors.ts";
import type { Clock, Entropy, SealedTransport } from "../stream/transport.ts";
import type { SocketState } from "./constants.ts";
import { Face } from "./face.ts";
import type { MspHandle } from "./handle.ts";

/**
 * Called by processing(), and by nothing else: for each message, whenever there is room to send, when the state changes,
 * and once with CLOSED, after which it is never called for that socket again.
 *
 * @param socket - valid; open except in the call with CLOSED. For a listener: the new data socket, or the listener itself with CLOSED
 * @param state - bits of {@link SocketState}
 * @param payload - a message or what is left of it, 1..1195 bytes, or no bytes. Lent until the handler returns
 * @param context - what setHandler() was given
 * @returns how many bytes of `payload` are done with. The rest comes again with the next processing(). Only a message that is
 * done with is acknowledged to the peer.
 */
export type MspHandler = (socket: MspHandle, state: number, payload: Uint8Array, context: unknown) => number;

export interface HandlerApiOptions {
  /** The API takes over its handler for loss; it stays open when all sockets are closed. */
  readonly transport: SealedTransport;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly config?: Parameters<typeof parseConfig>[0];
}

/**
 * The primitives of the MSP document, one to one (docs/api-map.md). Adapted from Mesh Stream Protocol, Serval Project Inc., 2014,
 * CC BY 4.0; changed. Nothing happens unless the caller makes it happen: packets are taken in by recv() and dealt with by
 * processing(), which alone sends, calls handlers and lets time pass. The functions can be taken off the object.
 *
 * Misuse throws MspError at the call: "state" for what a socket's state does not allow or an invalid handle, "address" and
 * "argument" for values that are none. A function that answers -1, SOCKET_NULL or false leaves the reason in lastError().
 *
 * @example
 * const msp = openHandlerApi({ transport, clock, entropy });
 * const mdp = msp.mdpSocket();
 * const socket = msp.mspSocket(mdp, 0);
 * msp.connect(socket, { sid, port: 512 });
 * msp.setHandler(socket, (socket, state, payload) => payload.length);
 * for (let next = msp.NEVER_HAS; !msp.isClosed(socket); next = msp.processing(msp.nowMs())) {
 *   const now = msp.nowMs();
 *   if (now < next) await msp.recv(mdp, { timeoutMs: next - now });
 * }
 */
export function openHandlerApi({ transport, clock, entropy, config }: HandlerApiOptions): HandlerApi {
  return new Face({ transport, clock, entropy, config: parseConfig(config) });
}

export interface HandlerApi extends Readonly<typeof SocketState> {
  readonly SOCKET_NULL: MspHandle;
  /** Longest message, in bytes: 1024. */
  readonly MESSAGE_SIZE: typeof MESSAGE_SIZE;
  /** A time that is always past, to begin a main loop with. */
  readonly NEVER_HAS: number;
  readonly BIND_PRIMARY: typeof BIND_PRIMARY;
  readonly BIND_ALL: typeof BIND_ALL;

  /** The time that processing() wants, in milliseconds. */
  readonly nowMs: () => number;
  /** Why the last function that answered -1, SOCKET_NULL or false did so; in a handler call with ERROR, what went wrong. Not cleared by success. */
  readonly lastError: () => MspError | undefined;

  /** A new MDP socket: a number above 0. -1 if there are 1024 already ("again"), or the transport is lost ("transport-lost"). */
  readonly mdpSocket: () => number;
  /** Free it and its ports. "state" if MSP sockets use it: stop them and call processing(), or call closeAll(). "argument" if there is no such number. */
  readonly mdpClose: (mdp: number) => void;
  /** What packets of this MDP socket were dropped, by reason. */
  readonly counters: (mdp: number) => Record<string, number>;

  /** A new, initialising socket. `flags` must be 0. SOCKET_NULL if they are not, or if `mdp` is no MDP socket or was used before ("argument"). */
  readonly mspSocket: (mdp: number, flags: number) => MspHandle;
  /** Choose identity and port of an initialising socket. "address" unless the SID is one of this node's and the port 0..4294967295. */
  readonly setLocal: (socket: MspHandle, local: BindAddress) => void;
  /**
   * Turn an initialising socket into an open data socket. Sends nothing: messages queued before the next processing() ride with
   * its first packets. "address" for a remote that is none; "port-in-use" or "again" (connectionsLimit) leave it initialising.
   */
  readonly connect: (socket: MspHandle, remote: Address) => void;
  /**
   * Turn an initialising socket, whose port was set, into an open listening socket. 0, or -1 if the port is taken. A refusal that
   * comes later, from a holder or a daemon, reaches the handler with ERROR and CLOSED.
   */
  readonly listen: (socket: MspHandle) => 0 | -1;
  /** Set the function that processing() calls. It must be set before processing() meets the open socket; it may be set again at any time. */
  readonly setHandler: (socket: MspHandle, handler: MspHandler, context?: unknown) => void;

  readonly getMdpSocket: (socket: MspHandle) => number;
  /** Before the socket is open what was set, by default BIND_PRIMARY and port 0; then what was bound (of a listener on BIND_ALL, the primary SID). */
  readonly getLocal: (socket: MspHandle) => BindAddress;
  /** "state" unless it is a data socket. */
  readonly getRemote: (socket: MspHandle) => Address;
  /** The bits that a handler would get now: see {@link SocketState}. */
  readonly getState: (socket: MspHandle) => number;

  /**
   * Take one packet for processing(), which is to be called right after. True if there is one. Waits for it at most `timeoutMs`
   * (0: not at all; default: for ever), then false, with lastError() "again". False before that
   * when there is something else for processing() to do: send(), connect(), shutdown() or stop() was called from elsewhere, the port or
   * the transport was lost. A packet answers every recv() that waits on the MDP socket.
   */
  readonly recv: (mdp: number, options?: { readonly timeoutMs?: number }) => Promise<boolean>;
  /**
   * Queue one message, 1..1024 bytes; it is copied. Returns its length. 0 for no bytes: nothing is sent. -1 with "message-size"
   * if it is longer, with "again" if the queue is full (wait for DATA_OUT), with what ended the connection if the
   * handler is about to learn of that. "state" unless the socket is open data and not shut down.
   */
  readonly send: (socket: MspHandle, message: Uint8Array) => number;
  /**
   * Let time come to `nowMs`, deal with the packets that recv() took, send, and call handlers. Returns the latest time of its next
   * call; Infinity if there is no need of one until a packet comes. What handlers throw comes out of here when all is done:
   * the one error, or an AggregateError. "state" within a handler, or if an open socket has none (then nothing is done).
   */
  readonly processing: (nowMs: number) => number;

  /** End the outgoing direction of an open data socket: what is queued still goes. Does nothing if that, or its end, has happened already. */
  readonly shutdown: (socket: MspHandle) => void;
  /** Close a socket at once; within a handler, when it returns. The next processing(), or the one under way, tells peer and handler. */
  readonly stop: (socket: MspHandle) => void;
  /** Close and free every MSP socket of an MDP socket, without a word to peers or handlers. "state" within a handler. */
  readonly closeAll: (mdp: number) => void;

  // Predicates: they answer on any value.
  readonly isNull: (socket: unknown) => boolean;
  readonly isValid: (socket: unknown) => boolean;
  readonly isInitialising: (socket: unknown) => boolean;
  readonly isOpen: (socket: unknown) => boolean;
  /** True of everything that is not valid, too. */
  readonly isClosed: (socket: unknown) => boolean;
  readonly isListening: (socket: unknown) => boolean;
  readonly isData: (socket: unknown) => boolean;
  /** Open data, and a packet of the peer has come. */
  readonly isConnected: (socket: unknown) => boolean;
  /** Open data, and shutdown() was called. */
  readonly isShutdownLocal: (socket: unknown) => boolean;
  /** Open data, and the peer's shutdown and all messages before it are consumed. */
  readonly isShutdownRemote: (socket: unknown) => boolean;
}

/** The parsed form of {@link HandlerApiOptions}. */
export interface FaceOptions extends Omit<HandlerApiOptions, "config"> {
  readonly config: MspConfig;
}
