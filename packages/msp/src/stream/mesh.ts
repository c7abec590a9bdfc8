import { type Address, BIND_PRIMARY, type BindAddress, parsePort, Sid } from "../address.ts";
import { type MspConfig, parseConfig } from "../config.ts";
import { MspError } from "../errors.ts";
import { Driver, type DriverConnection, type DriverEvent } from "./driver.ts";
import { MspListener } from "./listener.ts";
import { MspSocket, throwIfAborted } from "./socket.ts";
import type { Clock, Entropy, SealedTransport } from "./transport.ts";

export interface MeshOptions {
  readonly transport: SealedTransport;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly config?: Parameters<typeof parseConfig>[0] | undefined;
}

export interface ListenOptions {
  /** Closes the listener, whenever it fires. */
  readonly signal?: AbortSignal | undefined;
  /** Which identity to listen for: BIND_PRIMARY if absent, BIND_ALL for all of the node's. */
  readonly sid?: BindAddress["sid"] | undefined;
}

export interface ConnectOptions {
  /** Stops the connection, whenever it fires. */
  readonly signal?: AbortSignal | undefined;
  /** Where to connect from: the primary identity and a random port if absent. */
  readonly local?: BindAddress | undefined;
}

/**
 * A node's MSP: connects to peers and listens for them. One for each transport.
 *
 * @example
 * const mesh = Mesh.open({ transport, clock, entropy });
 * const socket = await mesh.connect("57D5...7045", 512);
 * await socket.send(new TextEncoder().encode("hello"));
 * await mesh.close();
 */
export class Mesh {
  readonly transport: SealedTransport;

  private readonly clock: Clock;
  private readonly driver: Driver;
  private readonly config: MspConfig;
  private readonly sockets = new Map<DriverConnection, MspSocket>();
  private readonly listeners = new Map<object, MspListener>();
  private closing: Promise<void> | undefined;
  private failure: MspError | undefined;

  protected constructor({ transport, clock, entropy, config }: MeshOptions) {
    this.transport = transport;
    this.clock = clock;
    this.config = parseConfig(config);
    this.driver = new Driver({
      transport,
      clock,
      entropy,
      config: this.config,
      onEvent: (event) => this.handleEvent(event),
      onLost: (failure) => this.handleLost(failure),
    });
  }

  /** Throws MspError "argument" for a setting outside its range. */
  static open(options: MeshOptions): Mesh {
    return new Mesh(options);
  }

  /** This node's identities, the primary first. */
  get identities(): readonly Sid[] {
    return this.transport.identities;
  }

  /** Drops and refusals of this node's MSP, by reason. */
  get counters(): Record<string, number> {
    return this.driver.endpoint.counters.snapshot();
  }

  /**
   * Accept connections to `port` (1..4294967295). Rejects with MspError "port-in-use", "address", "aborted" or "transport-lost".
   * The signal, while listening too, closes the listener.
   */
  async listen(port: number, { sid = BIND_PRIMARY, signal }: ListenOptions = {}): Promise<MspListener> {
    this.checkOpen(signal);
    const bound = this.driver.listen({ sid, port: parsePort(port) });
    const abort = () => listener.close();
    const listener = new MspListener(this.driver, bound, () => {
      this.listeners.delete(bound.listener);
      signal?.removeEventListener("abort", abort);
    });
    this.listeners.set(bound.listener, listener);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      await bound.ready;
      throwIfAborted(signal);
    } catch (error) {
      listener.close();
      throw error;
    }
    return listener;
  }

  /**
   * Open a connection to `port` of `sid`. Resolves at once, before the peer has answered: what is sent meanwhile rides with
   * the first packets; `socket.connected` says when it has. Rejects with MspError "address", "port-in-use", "again", "aborted" or "transport-lost".
   */
  async connect(sid: Sid | string, port: number, { local, signal }: ConnectOptions = {}): Promise<MspSocket> {
    this.checkOpen(signal);
    const remote: Address = { sid: typeof sid === "string" ? Sid.fromHex(sid) : sid, port: parsePort(port) };
    const connection = this.driver.connect(local ?? { sid: BIND_PRIMARY, port: 0 }, remote);
    const socket = new MspSocket(this.driver, connection);
    this.sockets.set(connection, socket);
    // The opening packet waits for the end of this turn, so that a message sent right away rides with it.
    queueMicrotask(() => queueMicrotask(() => this.driver.step()));
    const abort = () => socket.stop();
    signal?.addEventListener("abort", abort, { once: true });
    const letGo = () => signal?.removeEventListener("abort", abort);
    socket.closed.then(letGo, letGo);
    return socket;
  }

  /**
   * Close everything in good order: listeners at once, sockets as MspSocket.close() does. Stays a little longer, up to 1.2 s (3.2 s for a deployed peer), while a peer may
   * still ask for the last acknowledgement; then closes the transport. Never rejects; a second call waits for the first.
   */
  close(): Promise<void> {
    this.closing ??= this.closeAll();
    return this.closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private async closeAll(): Promise<void> {
    for (const listener of this.listeners.values()) listener.close();
    await Promise.allSettled([...this.sockets.values()].map((socket) => socket.close()));
    await this.linger();
    this.driver.close();
    await this.transport.close();
  }

  /** Stay for peers that may have missed the last acknowledgement. */
  private async linger(): Promise<void> {
    while (this.failure === undefined) {
      const untilMs = this.driver.endpoint.stayUntilMs;
      if (untilMs <= this.clock.now()) return;
      await new Promise<void>((resolve) => this.clock.setTimer(untilMs, resolve));
    }
  }

  private checkOpen(signal: AbortSignal | undefined): void {
    throwIfAborted(signal);
    if (this.failure !== undefined) throw this.failure;
    if (this.closing !== undefined) throw new MspError("state", "the mesh is closed");
  }

  private handleEvent({ type, connection }: DriverEvent): void {
    if (type === "incoming") this.handleIncoming(connection);
    this.sockets.get(connection)?.handleEvent(type);
    if (type === "closed") this.sockets.delete(connection);
  }

  private handleIncoming(connection: DriverConnection): void {
    const socket = new MspSocket(this.driver, connection);
    this.sockets.set(connection, socket);
    const listener = this.listeners.get(connection.listener!);
    if (listener === undefined) socket.stop();
    else listener.handleIncoming(socket);
  }

  private handleLost(failure: MspError): void {
    this.failure = failure;
    for (const listener of this.listeners.values()) listener.handleLost(failure);
  }
}
