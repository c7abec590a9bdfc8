import type { Address } from "../address.ts";
import type { ConnectionStats } from "../connection-stats.ts";
import { MspError } from "../errors.ts";
import type { EventType } from "../events.ts";
import { checkMessage } from "../message.ts";
import type { Driver, DriverConnection } from "./driver.ts";
import { Settled } from "./settled.ts";

/** Settings of one call. */
export interface CallOptions {
  /** Gives up the call, not the connection: its promise rejects with MspError "aborted". */
  readonly signal?: AbortSignal | undefined;
}

/**
 * One MSP connection, as a stream of messages in both directions (docs/wire.md W2). Iterating gives what the peer sends;
 * send() queues and, by resolving only when there is room, holds back a fast producer.
 *
 * A message counts as received, and is acknowledged to the peer, when the next one is asked for (or on acknowledge()):
 * an acknowledgement means that the application is done with it.
 *
 * @example
 * for await (const message of socket) await socket.send(message); // an echo
 * await socket.close();
 */
export class MspSocket implements AsyncIterable<Uint8Array> {
  /** Resolves when the first packet from the peer has come; rejects with what ended the connection before that. */
  readonly connected: Promise<void>;
  /**
   * Resolves when both directions are shut down and everything is acknowledged: "clean", or "unconfirmed" if only the peer's
   * last acknowledgement of our SHUTDOWN is missing. Rejects with MspError "timeout", "stopped", "aborted" or "transport-lost".
   */
  readonly closed: Promise<"clean" | "unconfirmed">;

  private readonly driver: Driver;
  private readonly connection: DriverConnection;
  private readonly whenConnected = new Settled<void>();
  private readonly whenClosed = new Settled<"clean" | "unconfirmed">();
  private readonly sends: Waiting[] = [];
  private wakeReceiver: (() => void) | undefined;
  private isReceiving = false;
  private holdsMessage = false;
  /** shutdown() was called; the connection learns of it when no send waits any more. */
  private isShutdown = false;
  private isDiscarding = false;
  /** A message was dropped: no later one may be received, or there would be a gap. */
  private hasDropped = false;

  /** Made by Mesh.connect and MspListener. */
  constructor(driver: Driver, connection: DriverConnection) {
    this.driver = driver;
    this.connection = connection;
    this.connected = this.whenConnected.promise;
    this.closed = this.whenClosed.promise;
  }

  get local(): Address {
    return this.connection.local;
  }

  get remote(): Address {
    return this.connection.remote;
  }

  get stats(): ConnectionStats {
    return this.connection.stats;
  }

  /**
   * Send one message of 1..1024 bytes; it arrives as one. Resolves when it is queued: messages leave in the order of the calls. Until then do
   * not change its bytes. Rejects with RangeError for another length, MspError "argument" for what is no Uint8Array,
   * "state" after shutdown(), the error that ended the connection, or "aborted" by the signal: then it was not sent.
   */
  async send(message: Uint8Array, { signal }: CallOptions = {}): Promise<void> {
    throwIfAborted(signal);
    if (this.sends.length > 0) this.checkSend(message);
    else if (this.driver.run(() => this.connection.send(message))) return;
    await new Promise<void>((resolve, reject) => {
      const waiting: Waiting = { message, resolve, reject };
      const abort = () => {
        this.sends.splice(this.sends.indexOf(waiting), 1);
        reject(aborted(signal));
        this.shutdownBehindSends();
      };
      signal?.addEventListener("abort", abort, { once: true });
      waiting.settled = () => signal?.removeEventListener("abort", abort);
      this.sends.push(waiting);
    });
  }

  /**
   * The next message, as a copy; undefined once the peer has shut down. The previous one counts as taken. One call at
   * a time, else MspError "state". Rejects with the error that ended the connection, once all that had arrived is received, and
   * with "aborted" once close() has dropped a message.
   */
  async receive({ signal }: CallOptions = {}): Promise<Uint8Array | undefined> {
    throwIfAborted(signal);
    if (this.isReceiving) throw new MspError("state", "receive() is under way already: one call at a time");
    this.isReceiving = true;
    try {
      this.acknowledge();
      if (this.hasDropped) throw new MspError("aborted", "close() has dropped what the peer sent");
      while (this.connection.frontLength === -1) {
        if (this.connection.isShutdownRemote) return undefined;
        if (this.connection.failure !== undefined) throw this.connection.failure;
        if (this.connection.isClosed)
          throw new MspError("aborted", "the connection was stopped on this side");
        await this.arrival(signal);
      }
      const { frontOffset, frontLength } = this.connection;
      this.holdsMessage = true;
      return this.driver.transport.core.bytes.slice(frontOffset, frontOffset + frontLength);
    } finally {
      this.isReceiving = false;
      if (this.isDiscarding) this.discard(); // close() was called meanwhile, and left this to us
    }
  }

  /** The message received last is done with: tell the peer now, not at the next receive(). */
  acknowledge(): void {
    if (!this.holdsMessage) return;
    this.holdsMessage = false;
    if (this.connection.frontLength !== -1) this.driver.run(() => this.connection.take());
  }

  /** No more messages from this side; what is queued still goes. Messages from the peer still come. A second call does nothing. */
  shutdown(): void {
    this.isShutdown = true;
    this.shutdownBehindSends();
  }

  /** End at once: discard everything in both directions and tell the peer. `closed` rejects with MspError "aborted". */
  stop(): void {
    this.driver.run(() => this.connection.stop());
  }

  /**
   * End in good order: shutdown(), then receive and drop whatever the peer still sends. Resolves when closed; rejects as
   * `closed` does. What was sent has then been taken by the peer's application. A peer that has taken everything and
   * does not end its own direction within the patience of the connection (10 s) is stopped.
   */
  async close(): Promise<void> {
    this.shutdown();
    this.isDiscarding = true;
    if (!this.isReceiving) this.discard();
    let hasStopped = false;
    const patience = this.driver.eachPatience(() => {
      hasStopped = this.connection.isDrainedLocal && !this.connection.isShutdownRemote;
      if (hasStopped) this.stop();
    });
    try {
      await this.closed;
    } catch (error) {
      if (!hasStopped) throw error;
    } finally {
      patience.cancel();
    }
  }

  /** Messages as they come, until the peer shuts down. Leaving the loop early leaves the connection open. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for (let message = await this.receive(); message !== undefined; message = await this.receive())
      yield message;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** For Mesh alone: something happened to the connection. */
  handleEvent(type: EventType): void {
    switch (type) {
      case "connected":
        this.whenConnected.resolve();
        break;
      case "writable":
        this.flush();
        break;
      case "failed":
        this.fail(this.connection.failure!);
        break;
      case "closed":
        this.handleClosed();
        break;
    }
    this.wakeReceiver?.();
    if (this.isDiscarding && !this.isReceiving) this.discard();
  }

  private handleClosed(): void {
    const { outcome, failure } = this.connection;
    if (outcome === "clean" || outcome === "unconfirmed") {
      this.whenClosed.resolve(outcome);
      this.fail(new MspError("state", "the connection is closed"));
    } else {
      this.fail(failure ?? new MspError("aborted", "the connection was stopped on this side"));
    }
  }

  private fail(error: MspError): void {
    this.whenConnected.reject(error);
    this.whenClosed.reject(error);
    for (const waiting of this.sends.splice(0)) {
      waiting.settled?.();
      waiting.reject(error);
    }
  }

  /** Queue what waits, as far as there is room. */
  private flush(): void {
    for (let first = this.sends[0]; first !== undefined && this.trySend(first); first = this.sends[0]) {
      this.sends.shift();
      first.settled?.();
      first.resolve();
    }
    this.shutdownBehindSends();
  }

  private shutdownBehindSends(): void {
    if (this.isShutdown && this.sends.length === 0) this.driver.run(() => this.connection.shutdown());
  }

  /** Refuse at the call what the connection would refuse when its turn comes. */
  private checkSend(message: Uint8Array): void {
    checkMessage(message);
    if (this.isShutdown) throw new MspError("state", "cannot send after shutdown()");
  }

  private trySend(waiting: Waiting): boolean {
    try {
      return this.driver.run(() => this.connection.send(waiting.message));
    } catch (error) {
      waiting.settled?.();
      waiting.reject(error);
      return true;
    }
  }

  private discard(): void {
    this.acknowledge();
    while (this.connection.frontLength !== -1) {
      this.hasDropped = true;
      this.driver.run(() => this.connection.take());
    }
  }

  /** Wait until something happens to the connection. */
  private arrival(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => reject(aborted(signal));
      signal?.addEventListener("abort", abort, { once: true });
      this.wakeReceiver = () => {
        this.wakeReceiver = undefined;
        signal?.removeEventListener("abort", abort);
        resolve();
      };
    });
  }
}

interface Waiting {
  readonly message: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** Called when it needs its signal no more. */
  settled?: () => void;
}

/** MspError "aborted", with the signal's reason as its cause. */
export function aborted(signal: AbortSignal | undefined): MspError {
  return new MspError("aborted", "given up by the caller's signal", { cause: signal?.reason });
}

/** Throws {@link aborted} if the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw aborted(signal);
}
