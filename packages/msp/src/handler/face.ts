import { type Address, BIND_ALL, BIND_PRIMARY, type BindAddress, parsePort, Sid } from "../address.ts";
import { MESSAGE_SIZE } from "../config.ts";
import type { Connection } from "../connection.ts";
import { MspError } from "../errors.ts";
import type { DriverEvent } from "../stream/driver.ts";
import type { FaceOptions, HandlerApi, MspHandler } from "./api.ts";
import { NEVER_HAS, SocketState } from "./constants.ts";
import { Dispatcher } from "./dispatcher.ts";
import { type MspHandle, SOCKET_NULL } from "./handle.ts";
import { MdpSocket } from "./mdp-socket.ts";
import { HandlerSocket } from "./socket.ts";

/** Stands behind {@link HandlerApi}, where the promises are written. Its functions do not need `this`. */
export class Face implements HandlerApi {
  readonly DATA_OUT = SocketState.DATA_OUT;
  readonly SHUTDOWN_LOCAL = SocketState.SHUTDOWN_LOCAL;
  readonly SHUTDOWN_REMOTE = SocketState.SHUTDOWN_REMOTE;
  readonly CLOSED = SocketState.CLOSED;
  readonly ERROR = SocketState.ERROR;
  readonly STOPPED = SocketState.STOPPED;
  readonly SOCKET_NULL = SOCKET_NULL;
  readonly MESSAGE_SIZE = MESSAGE_SIZE;
  readonly NEVER_HAS = NEVER_HAS;
  readonly BIND_PRIMARY: typeof BIND_PRIMARY = BIND_PRIMARY;
  readonly BIND_ALL: typeof BIND_ALL = BIND_ALL;

  private readonly options: FaceOptions;
  private readonly mdps = new Map<number, MdpSocket>();
  private readonly sockets = new Map<unknown, HandlerSocket>();
  private readonly afterCall: (() => void)[] = [];
  private lastNumber = 0;
  private error: MspError | undefined;
  private lost: MspError | undefined;
  private isProcessing = false;

  constructor(options: FaceOptions) {
    this.options = options;
    options.transport.onLost((error) => {
      this.lost = error;
      this.fail(error);
      for (const mdp of this.mdps.values()) mdp.inbox.wake(false);
    });
  }

  readonly nowMs = (): number => this.options.clock.now();

  readonly lastError = (): MspError | undefined => this.error;

  readonly mdpSocket = (): number => {
    if (this.lost !== undefined) return this.fail(this.lost);
    if (this.mdps.size >= MDP_SOCKETS_LIMIT) {
      return this.fail(new MspError("again", `there are ${MDP_SOCKETS_LIMIT} MDP sockets already`));
    }
    this.lastNumber += 1;
    const onEvent = (mdp: MdpSocket, event: DriverEvent): void => this.handleEvent(mdp, event);
    this.mdps.set(this.lastNumber, new MdpSocket(this.lastNumber, { ...this.options, onEvent }));
    return this.lastNumber;
  };

  readonly mdpClose = (number: number): void => {
    const mdp = this.mdp(number);
    if (mdp.sockets.size > 0) {
      throw new MspError(
        "state",
        `MDP socket ${number} is used by ${mdp.sockets.size} MSP sockets: close them first`,
      );
    }
    mdp.close();
    this.mdps.delete(number);
  };

  readonly counters = (number: number): Record<string, number> => this.mdp(number).counters();

  readonly mspSocket = (number: number, flags: number): MspHandle => {
    const mdp = this.mdps.get(number);
    if (flags !== 0) return this.refuse(`flags: ${flags} (must be 0: there are none yet)`);
    if (mdp === undefined) return this.refuse(`there is no MDP socket ${number}`);
    if (mdp.isUsed) return this.refuse(`MDP socket ${number} has been given to an MSP socket already`);
    mdp.isUsed = true;
    return this.add(new HandlerSocket(mdp)).handle;
  };

  readonly setLocal = (handle: MspHandle, { sid, port }: BindAddress): void => {
    const socket = this.initialising(handle, "setLocal");
    parsePort(port, 0);
    const isOurs = this.options.transport.identities.some((own) => sid instanceof Sid && own.hex === sid.hex);
    if (!isOurs && sid !== BIND_PRIMARY && sid !== BIND_ALL) {
      throw new MspError("address", `not an identity of this node: ${String(sid)}`);
    }
    socket.local = { sid, port };
  };

  readonly connect = (handle: MspHandle, { sid, port }: Address): void => {
    const socket = this.initialising(handle, "connect");
    const { driver } = socket.mdp;
    socket.openData(driver.connect(socket.local, { sid, port }));
    this.wake(socket);
  };

  readonly listen = (handle: MspHandle): 0 | -1 => {
    const socket = this.initialising(handle, "listen");
    if (socket.local.port === 0) {
      throw new MspError("state", "listen needs a port: call setLocal with one first");
    }
    try {
      socket.openListening(socket.mdp.driver.listen(socket.local));
      return 0;
    } catch (error) {
      if (!(error instanceof MspError)) throw error;
      return this.fail(error);
    }
  };

  readonly setHandler = (handle: MspHandle, handler: MspHandler, context?: unknown): void => {
    const socket = this.valid(handle, "setHandler");
    if (typeof handler !== "function") {
      throw new MspError("argument", `a handler is a function, not ${typeof handler}`);
    }
    socket.handler = handler;
    socket.context = context;
  };

  readonly getMdpSocket = (handle: MspHandle): number => this.valid(handle, "getMdpSocket").mdp.number;

  readonly getLocal = (handle: MspHandle): BindAddress => this.valid(handle, "getLocal").local;

  readonly getRemote = (handle: MspHandle): Address => {
    const { dataConnection } = this.valid(handle, "getRemote");
    if (dataConnection === undefined) throw new MspError("state", "getRemote: not a data socket");
    return dataConnection.remote;
  };

  readonly getState = (handle: MspHandle): number => this.valid(handle, "getState").state;

  readonly recv = (number: number, { timeoutMs = Number.POSITIVE_INFINITY } = {}): Promise<boolean> => {
    const { inbox, isOver } = this.mdp(number);
    if (!(timeoutMs >= 0)) throw new MspError("argument", `timeoutMs: ${timeoutMs} (must be 0 or more)`);
    if (inbox.receiveOne()) return Promise.resolve(true);
    if (timeoutMs === 0 || isOver || this.lost !== undefined) {
      this.fail(this.lost ?? new MspError("again", "there is no packet"));
      return Promise.resolve(false);
    }
    return inbox.wait(this.options.clock, timeoutMs, (error) => this.fail(error));
  };

  readonly send = (handle: MspHandle, message: Uint8Array): number => {
    const socket = this.valid(handle, "send");
    if (!socket.isOpenData) throw new MspError("state", "send: not an open data socket");
    if (!(message instanceof Uint8Array)) throw new MspError("argument", "send: a message is a Uint8Array");
    const connection = socket.dataConnection!;
    if (connection.isShutdownLocal) throw new MspError("state", "send: the socket is shut down");
    const { length } = message;
    if (length === 0) return 0;
    if (length > MESSAGE_SIZE) {
      return this.fail(
        new MspError("message-size", `a message of ${length} bytes: ${MESSAGE_SIZE} is the most`),
      );
    }
    if (connection.failure !== undefined) return this.fail(connection.failure);
    if (!connection.send(message)) {
      return this.fail(new MspError("again", "the queue is full: wait for DATA_OUT"));
    }
    socket.sentCount += 1;
    this.wake(socket);
    return length;
  };

  readonly processing = (nowMs: number): number => {
    this.refuseWithinHandler("processing");
    if (!Number.isFinite(nowMs)) {
      throw new MspError("argument", `nowMs: ${nowMs} (must be a time, as nowMs() gives it)`);
    }
    for (const { phase, handler } of this.sockets.values()) {
      if (phase === "open" && handler === undefined) {
        throw new MspError("state", "processing: an open socket has no handler: call setHandler first");
      }
    }
    this.isProcessing = true;
    try {
      return this.process(nowMs);
    } finally {
      this.isProcessing = false;
      for (const mdp of this.mdps.values()) mdp.clock.release();
    }
  };

  readonly shutdown = (handle: MspHandle): void => {
    const socket = this.valid(handle, "shutdown");
    if (socket.dataConnection === undefined) throw new MspError("state", "shutdown: not a data socket");
    socket.dataConnection.shutdown();
    this.wake(socket);
  };

  readonly stop = (handle: MspHandle): void => {
    const socket = this.valid(handle, "stop");
    if (this.isProcessing) this.afterCall.push(() => socket.stop());
    else socket.stop();
    this.wake(socket);
  };

  readonly closeAll = (number: number): void => {
    this.refuseWithinHandler("closeAll");
    const mdp = this.mdp(number);
    mdp.close();
    for (const socket of [...mdp.sockets]) {
      socket.stop(); // gives its memory back; the driver, closed, sends nothing of it
      this.free(socket);
    }
  };

  readonly isNull = (handle: unknown): boolean => handle === SOCKET_NULL;
  readonly isValid = (handle: unknown): boolean => this.sockets.has(handle);
  readonly isInitialising = (handle: unknown): boolean => this.sockets.get(handle)?.phase === "initialising";
  readonly isOpen = (handle: unknown): boolean => this.sockets.get(handle)?.phase === "open";
  readonly isClosed = (handle: unknown): boolean =>
    (this.sockets.get(handle)?.phase ?? "closed") === "closed";
  readonly isListening = (handle: unknown): boolean => this.sockets.get(handle)?.isOpenListening === true;
  readonly isData = (handle: unknown): boolean => this.sockets.get(handle)?.isOpenData === true;
  readonly isConnected = (handle: unknown): boolean => this.openConnection(handle)?.isConnected === true;
  readonly isShutdownLocal = (handle: unknown): boolean =>
    this.openConnection(handle)?.isShutdownLocal === true;
  readonly isShutdownRemote = (handle: unknown): boolean =>
    this.openConnection(handle)?.isShutdownRemote === true;

  private process(nowMs: number): number {
    const { lost } = this;
    for (const mdp of this.mdps.values()) mdp.takeIn(nowMs, lost);
    for (const socket of this.sockets.values()) {
      if (lost !== undefined && socket.isOpenListening) socket.failure ??= lost;
    }
    const dispatcher = new Dispatcher(
      { noteError: (error) => this.fail(error), free: (socket) => this.free(socket) },
      this.afterCall,
    );
    do {
      for (const socket of this.sockets.values()) dispatcher.serve(socket); // those that appear meanwhile, too
      for (const mdp of this.mdps.values()) mdp.flush();
    } while (this.hasEnds());
    const { errors, isUnfinished } = dispatcher;
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, `${errors.length} handlers failed`);
    if (isUnfinished) return nowMs;
    return Math.min(...[...this.mdps.values()].map(({ nextMs }) => nextMs));
  }

  /** What was sent last may have ended a connection. */
  private hasEnds(): boolean {
    for (const { phase, hasEnded } of this.sockets.values()) {
      if (phase === "closed" || (phase === "open" && hasEnded)) return true;
    }
    return false;
  }

  private handleEvent(mdp: MdpSocket, { type, connection }: DriverEvent): void {
    if (type === "incoming") this.accept(mdp, connection);
    this.wake({ mdp });
  }

  /** There is something for processing() to see: end the wait of a loop, unless it is there already. */
  private wake({ mdp }: { mdp: MdpSocket }): void {
    if (!this.isProcessing) mdp.inbox.wake(false);
  }

  private accept(mdp: MdpSocket, connection: DriverEvent["connection"]): void {
    const listening = [...mdp.sockets].find(({ isOpenListening }) => isOpenListening)!;
    const socket = this.add(new HandlerSocket(mdp));
    socket.openData(connection);
    socket.handler = listening.handler;
    socket.context = listening.context;
  }

  private add(socket: HandlerSocket): HandlerSocket {
    this.sockets.set(socket.handle, socket);
    return socket;
  }

  private free(socket: HandlerSocket): void {
    this.sockets.delete(socket.handle);
    socket.mdp.sockets.delete(socket);
  }

  private openConnection(handle: unknown): Connection | undefined {
    const socket = this.sockets.get(handle);
    return socket?.phase === "open" ? socket.dataConnection : undefined;
  }

  private valid(handle: MspHandle, verb: string): HandlerSocket {
    const socket = this.sockets.get(handle);
    if (socket === undefined) throw new MspError("state", `${verb}: not a valid socket handle`);
    return socket;
  }

  private initialising(handle: MspHandle, verb: string): HandlerSocket {
    const socket = this.valid(handle, verb);
    if (socket.phase !== "initialising") {
      throw new MspError("state", `${verb}: the socket is ${socket.phase} already`);
    }
    return socket;
  }

  private mdp(number: number): MdpSocket {
    const mdp = this.mdps.get(number);
    if (mdp === undefined) throw new MspError("argument", `there is no MDP socket ${number}`);
    return mdp;
  }

  private refuseWithinHandler(verb: string): void {
    if (this.isProcessing) throw new MspError("state", `${verb} cannot be called from a handler`);
  }

  private fail(error: MspError): -1 {
    this.error = error;
    return -1;
  }

  private refuse(message: string): MspHandle {
    this.fail(new MspError("argument", message));
    return SOCKET_NULL;
  }
}

/** MDP sockets of one API object; each has at most 256 packets waiting. */
const MDP_SOCKETS_LIMIT = 1024;
