import { BIND_PRIMARY, type BindAddress } from "../address.ts";
import { MspError } from "../errors.ts";
import type { DriverConnection, DriverListener } from "../stream/driver.ts";
import type { MspHandler } from "./api.ts";
import { SocketState } from "./constants.ts";
import { createHandle, type MspHandle } from "./handle.ts";
import type { MdpSocket } from "./mdp-socket.ts";

const { DATA_OUT, SHUTDOWN_LOCAL, SHUTDOWN_REMOTE, CLOSED, ERROR, STOPPED } = SocketState;

/** One MSP socket: what its handle stands for. */
export class HandlerSocket {
  readonly handle: MspHandle = createHandle();
  readonly mdp: MdpSocket;
  /** As the application knows it: a connection that has ended is open until its handler has been told. */
  phase: "initialising" | "open" | "closed" = "initialising";
  handler: MspHandler | undefined;
  context: unknown;
  /** What was set; once open, what was bound. */
  local: BindAddress = { sid: BIND_PRIMARY, port: 0 };
  /** What went wrong, once something has. */
  failure: MspError | undefined;
  /** The handler has been called on it. */
  isAnnounced = false;
  /** The bits of the last call but DATA_OUT: another call is due when they change. */
  toldState = 0;
  /** Bytes of the message in front that the handler has consumed. */
  consumedBytes = 0;
  /** Messages that send() took. */
  sentCount = 0;

  private connection: DriverConnection | undefined;
  private listener: DriverListener | undefined;
  private finalState = 0;

  constructor(mdp: MdpSocket) {
    this.mdp = mdp;
    mdp.sockets.add(this);
  }

  // What it is like.

  get isOpenData(): boolean {
    return this.phase === "open" && this.connection !== undefined;
  }

  get isOpenListening(): boolean {
    return this.phase === "open" && this.listener !== undefined;
  }

  /** A listener accepted it, and no handler has seen it yet: if it ends now, nobody needs to know. */
  get isUnknown(): boolean {
    return !this.isAnnounced && this.connection?.listener !== undefined;
  }

  /** The connection of a data socket; undefined on any other. */
  get dataConnection(): DriverConnection | undefined {
    return this.connection;
  }

  /** The connection or the port has ended, and the handler is to be told. */
  get hasEnded(): boolean {
    return this.connection === undefined ? this.failure !== undefined : this.connection.isClosed;
  }

  /** The bits as a handler would get them now. */
  get state(): number {
    if (this.phase === "closed") return this.finalState;
    if (this.phase === "initialising" || this.connection === undefined) return 0;
    const { connection } = this;
    if (connection.isClosed) return this.toldState;
    let state = connection.canSend ? DATA_OUT : 0;
    if (connection.isDrainedLocal) state |= SHUTDOWN_LOCAL;
    if (connection.isShutdownRemote || connection.frontIsLast) state |= SHUTDOWN_REMOTE;
    if (connection.failure !== undefined) state |= ERROR;
    return state;
  }

  /** What is left of the message in front; no bytes if there is none. Valid until it is consumed or the socket closes. */
  get payload(): Uint8Array {
    if (this.connection === undefined || this.connection.frontLength === -1) return NO_BYTES;
    const { frontOffset, frontLength } = this.connection;
    return this.mdp.driver.transport.core.bytes.subarray(
      frontOffset + this.consumedBytes,
      frontOffset + frontLength,
    );
  }

  // What becomes of it.

  openListening(listener: DriverListener): void {
    this.listener = listener;
    this.local = listener.local;
    this.phase = "open";
    listener.ready.catch((cause: unknown) => {
      this.failure =
        cause instanceof MspError ? cause : new MspError("port-in-use", String(cause), { cause });
      this.mdp.inbox.wake(false);
    });
  }

  openData(connection: DriverConnection): void {
    this.connection = connection;
    this.local = connection.local;
    this.phase = "open";
  }

  /** Take so many bytes of the message in front off it. True if that was all of it. */
  consume(bytes: number): boolean {
    const connection = this.connection!;
    if (connection.isClosed) return true;
    this.consumedBytes += bytes;
    if (this.consumedBytes < connection.frontLength) return false;
    this.consumedBytes = 0;
    connection.take();
    return true;
  }

  /** End at once, as stop() does. */
  stop(): void {
    if (this.phase === "closed") return;
    this.connection?.stop();
    if (this.listener !== undefined) this.mdp.driver.unlisten(this.listener.listener);
    this.finalState =
      CLOSED | STOPPED | (this.connection?.failure === undefined ? 0 : ERROR) | (this.toldState & SHUT_DOWN);
    this.phase = "closed";
  }

  /** Enter the end that has come by itself: see hasEnded. */
  end(): void {
    this.failure ??= this.connection?.failure;
    if (this.listener !== undefined) this.mdp.driver.unlisten(this.listener.listener);
    const shut = this.failure === undefined ? SHUT_DOWN : this.toldState & SHUT_DOWN;
    this.finalState =
      CLOSED |
      shut |
      (this.failure === undefined ? 0 : ERROR) |
      (this.failure?.code === "stopped" ? STOPPED : 0);
    this.phase = "closed";
  }
}

const SHUT_DOWN = SHUTDOWN_LOCAL | SHUTDOWN_REMOTE;
const NO_BYTES = new Uint8Array(0);
