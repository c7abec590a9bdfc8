import type { Address } from "../address.ts";
import type { MspError } from "../errors.ts";
import type { Driver, DriverListener } from "./driver.ts";
import { aborted, type CallOptions, type MspSocket, throwIfAborted } from "./socket.ts";

/**
 * A port that accepts connections. Those not yet accepted by the application wait, at most 64; further ones are stopped.
 *
 * @example for await (const socket of await mesh.listen(512)) serve(socket);
 */
export class MspListener implements AsyncIterable<MspSocket> {
  private readonly driver: Driver;
  private readonly bound: DriverListener;
  private readonly onClosed: () => void;
  private readonly arrived: MspSocket[] = [];
  private readonly waiting: {
    resolve: (socket: MspSocket | undefined) => void;
    reject: (error: unknown) => void;
  }[] = [];
  private failure: MspError | undefined;
  private isClosed = false;

  /** Made by Mesh.listen. */
  constructor(driver: Driver, bound: DriverListener, onClosed: () => void) {
    this.driver = driver;
    this.onClosed = onClosed;
    this.bound = bound;
  }

  get local(): Address {
    return this.bound.local;
  }

  /** The next connection; undefined once the listener is closed. Rejects with MspError "transport-lost", or "aborted" by the signal. */
  async accept({ signal }: CallOptions = {}): Promise<MspSocket | undefined> {
    throwIfAborted(signal);
    const socket = this.arrived.shift();
    if (socket !== undefined) return socket;
    if (this.failure !== undefined) throw this.failure;
    if (this.isClosed) return undefined;
    return new Promise((resolve, reject) => {
      const letGo = () => signal?.removeEventListener("abort", abort);
      const waiting = {
        resolve: (socket: MspSocket | undefined) => {
          letGo();
          resolve(socket);
        },
        reject: (error: unknown) => {
          letGo();
          reject(error);
        },
      };
      const abort = () => {
        this.waiting.splice(this.waiting.indexOf(waiting), 1);
        reject(aborted(signal));
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.waiting.push(waiting);
    });
  }

  /** Accept no more. Connections that were accepted stay; those waiting to be are stopped. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.driver.unlisten(this.bound.listener);
    this.onClosed();
    for (const socket of this.arrived.splice(0)) socket.stop();
    for (const waiting of this.waiting.splice(0)) waiting.resolve(undefined);
  }

  /** Connections as they come, until the listener is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<MspSocket, void, void> {
    for (let socket = await this.accept(); socket !== undefined; socket = await this.accept()) yield socket;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** For Mesh alone: a peer has connected. */
  handleIncoming(socket: MspSocket): void {
    const waiting = this.waiting.shift();
    if (waiting !== undefined) waiting.resolve(socket);
    else if (this.isClosed || this.arrived.length >= ARRIVED_LIMIT) socket.stop();
    else this.arrived.push(socket);
  }

  /** For Mesh alone: the transport is gone. */
  handleLost(failure: MspError): void {
    this.failure = failure;
    for (const waiting of this.waiting.splice(0)) waiting.reject(failure);
  }
}

/** Connections that wait for accept(). */
const ARRIVED_LIMIT = 64;
