import { type Address, BIND_ALL, type BindAddress, MAX_PORT, parsePort, parseRemote } from "../address.ts";
import type { MspConfig } from "../config.ts";
import type { Connection } from "../connection.ts";
import { Endpoint } from "../endpoint.ts";
import { MspError } from "../errors.ts";
import type { EndpointEvent } from "../events.ts";
import type { Listener } from "../listener.ts";
import type { Clock, Entropy, SealedBinding, SealedTransport, TimerHandle } from "./transport.ts";

export type DriverEvent = EndpointEvent<SealedBinding>;
export type DriverConnection = Connection<SealedBinding>;

/** A listener and the port that it holds. */
export interface DriverListener {
  readonly listener: Listener;
  /** What was bound, resolved. */
  readonly local: Address;
  /** See SealedBinding.ready. */
  readonly ready: Promise<void>;
}

export interface DriverOptions {
  readonly transport: SealedTransport;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly config: MspConfig;
  /** Called for every event, in order, never within a verb of the endpoint: it may call run(). */
  readonly onEvent: (event: DriverEvent) => void;
  /** Called once if the transport is lost, after every connection has been failed. */
  readonly onLost?: (failure: MspError) => void;
}

/**
 * The only loop: brings the time, the packets of a transport and the wishes of the application to an endpoint, one at a time,
 * and after each does all that the endpoint says. Both faces stand on it.
 */
export class Driver {
  readonly endpoint: Endpoint<SealedBinding>;
  readonly transport: SealedTransport;
  /** When {@link step} must be called at the latest; Infinity if there is no need. The driver's own timer does so. */
  nextTimeoutMs = Number.POSITIVE_INFINITY;

  private readonly options: DriverOptions;
  private readonly events: DriverEvent[] = [];
  /** How many listeners and connections, open or remembered, need each port. */
  private readonly bindings = new Map<SealedBinding, number>();
  /** The ports of {@link bindings}. */
  private readonly ports = new Set<number>();
  private readonly bindingOf = new Map<Listener, SealedBinding>();
  /** Ports of closed connections, until these are forgotten; the earliest first. */
  private readonly retired: { readonly binding: SealedBinding; readonly atMs: number }[] = [];
  private timer: TimerHandle | undefined;
  private timerAtMs = Number.POSITIVE_INFINITY;
  /** What may still be sent before the event loop has come round. */
  private allowance = TURN_ALLOWANCE;
  /** Begins the next turn; undefined as long as there is an allowance. */
  private nextTurn: TimerHandle | undefined;
  private isDraining = false;
  private isTelling = false;
  private isClosed = false;

  constructor(options: DriverOptions) {
    this.options = options;
    this.transport = options.transport;
    this.endpoint = new Endpoint(options.transport.core, options.config, options.transport.isThroughDaemon);
    this.transport.onLost((failure) => {
      this.run(() => this.endpoint.handleLost(failure));
      options.onLost?.(failure);
    });
  }

  /** Tell the endpoint one thing, then do all that follows from it. Not to be called while that is under way. */
  run<T>(mutation: () => T): T {
    if (this.isDraining) throw new MspError("state", "the endpoint was called from within its own poll");
    this.tellTime();
    try {
      return mutation();
    } finally {
      if (!this.isClosed) this.drain();
    }
  }

  /** Let time pass: does what is due. */
  step(): void {
    this.run(() => {});
  }

  /**
   * The event loop has come round: so much may be sent again. Whoever drives this with a clock whose timers never wake calls it.
   *
   * However much there is to send, it goes in pieces: between them the loop takes in what has arrived, for acknowledgements that
   * wait look like a longer way, and a socket's buffer runs over. It is counted on where not all was sent in one turn: then some
   * turns are shorter, and none is longer.
   */
  beginTurn(): void {
    this.nextTurn?.cancel();
    this.nextTurn = undefined;
    if (this.allowance <= 0) this.endpoint.yieldTurn();
    this.allowance = TURN_ALLOWANCE;
  }

  /** Call `wake` again and again, each time after the patience of a connection, until it is cancelled. */
  eachPatience(wake: () => void): TimerHandle {
    const { clock, config } = this.options;
    const next = () => clock.setTimer(clock.now() + config.patienceMs, again);
    const again = () => {
      timer = next();
      wake();
    };
    let timer = next();
    return { cancel: () => timer.cancel() };
  }

  /** Bind a port and accept connections to it. Throws as SealedTransport.bind does. */
  listen(local: BindAddress): DriverListener {
    parsePort(local.port);
    this.tellTime(); // frees ports
    const binding = this.bind(local);
    const sid = local.sid === BIND_ALL ? undefined : binding.local.sid;
    const listener = this.endpoint.listen(sid, local.port);
    this.bindingOf.set(listener, binding);
    this.keep(binding);
    return { listener, local: binding.local, ready: binding.ready };
  }

  /** Accept no more; connections that were accepted stay, and so does the port until the last has closed. */
  unlisten(listener: Listener): void {
    const binding = this.bindingOf.get(listener);
    if (binding === undefined) return;
    this.bindingOf.delete(listener);
    this.endpoint.unlisten(listener);
    this.release(binding);
  }

  /**
   * Bind a port (a random one if it is 0) and open a connection from it. Sends nothing: call step() or run() for that.
   * Throws as parseRemote, SealedTransport.bind and Endpoint.connect do.
   */
  connect(local: BindAddress, remote: Address): DriverConnection {
    parseRemote(remote);
    this.tellTime();
    const binding = this.bind(local);
    try {
      const connection = this.endpoint.connect(binding.local, remote, binding);
      this.keep(binding);
      binding.ready.catch((cause: unknown) => {
        this.run(() =>
          connection.fail(cause instanceof MspError ? cause : new MspError("port-in-use", String(cause))),
        );
      });
      return connection;
    } catch (error) {
      binding.close();
      throw error;
    }
  }

  /** Stop the timer and free every port, without a word to any peer. The transport stays open. */
  close(): void {
    this.isClosed = true;
    this.timer?.cancel();
    this.nextTurn?.cancel();
    for (const binding of this.bindings.keys()) binding.close();
    this.bindings.clear();
  }

  private tellTime(): void {
    const nowMs = this.options.clock.now();
    this.endpoint.handleTime(nowMs);
    for (let first = this.retired[0]; first !== undefined && first.atMs <= nowMs; first = this.retired[0]) {
      this.retired.shift();
      this.release(first.binding);
    }
  }

  private bind(local: BindAddress): SealedBinding {
    const port = local.port === 0 ? this.freePort() : local.port;
    const binding: SealedBinding = this.transport.bind(
      { sid: local.sid, port },
      (localSid, remote, remotePort, offset, length) => {
        this.run(() =>
          this.endpoint.handlePacket(binding, localSid, port, remote, remotePort, offset, length),
        );
      },
    );
    return binding;
  }

  /** A random port below 2^31 that no listener and no connection, open or remembered, needs (docs/wire.md W11, row 3). */
  private freePort(): number {
    const word = new Uint32Array(1);
    for (;;) {
      this.options.entropy.fill(new Uint8Array(word.buffer));
      const port = (word[0]! & (MAX_PORT >>> 1)) >>> 0;
      if (port >= FIRST_AUTOMATIC_PORT && !this.ports.has(port)) return port;
    }
  }

  private keep(binding: SealedBinding): void {
    this.bindings.set(binding, (this.bindings.get(binding) ?? 0) + 1);
    this.ports.add(binding.local.port);
  }

  /** A port is freed when neither a listener nor a connection, open or remembered, needs it any more. */
  private release(binding: SealedBinding): void {
    const users = (this.bindings.get(binding) ?? 1) - 1;
    if (users > 0) {
      this.bindings.set(binding, users);
      return;
    }
    this.bindings.delete(binding);
    this.ports.delete(binding.local.port);
    binding.close();
  }

  private drain(): void {
    this.isDraining = true;
    try {
      this.doAll();
    } finally {
      this.isDraining = false; // also when a transport throws, which it should not: the node goes on
    }
    this.tell();
  }

  /** Do what the endpoint says until it has nothing more to say, or enough was sent for this turn of the event loop. */
  private doAll(): void {
    while (this.allowance > 0) {
      const output = this.endpoint.poll();
      if (output.kind === "transmit") {
        const { path, local, remote, write, connection } = output;
        // What answers strangers has a limit of its own.
        if (connection !== undefined) this.allowance -= this.bearsMuch(connection) ? 1 : DEPLOYED_COST;
        if (!path.send(local, remote, write)) this.endpoint.handleNoRoute(connection);
      } else if (output.kind === "event") {
        this.events.push(output.event);
      } else {
        this.arm(output.atMs);
        return;
      }
    }
    for (let event = this.endpoint.pollEvent(); event !== undefined; event = this.endpoint.pollEvent())
      this.events.push(event);
    this.goOnNextTurn();
  }

  private bearsMuch(connection: DriverConnection): boolean {
    return connection.peerKind === "extended" && this.transport.isThroughDaemon !== true;
  }

  /** Which a timer begins whose time has come already: what has arrived is taken in before it. */
  private goOnNextTurn(): void {
    const { clock } = this.options;
    this.nextTimeoutMs = this.endpoint.nowMs;
    this.nextTurn ??= clock.setTimer(clock.now(), () => {
      this.beginTurn();
      this.step();
    });
  }

  /** Hand the events on. One that calls run() adds to the list: the outermost call goes through it, in order. */
  private tell(): void {
    if (this.isTelling) return;
    this.isTelling = true;
    try {
      for (let event = this.events.shift(); event !== undefined; event = this.events.shift())
        this.tellOne(event);
    } finally {
      this.isTelling = false;
    }
  }

  private tellOne(event: DriverEvent): void {
    const { path } = event.connection;
    if (event.type === "incoming") this.keep(path);
    if (event.type === "closed") {
      this.retired.push({ binding: path, atMs: this.endpoint.nowMs + this.options.config.closedMemoryMs });
    }
    this.options.onEvent(event);
  }

  private arm(atMs: number): void {
    this.nextTimeoutMs = atMs;
    if (this.timer !== undefined && this.timerAtMs <= atMs) return;
    this.timer?.cancel();
    this.timer = undefined;
    if (atMs === Number.POSITIVE_INFINITY) return;
    this.timerAtMs = atMs;
    this.timer = this.options.clock.setTimer(atMs, () => {
      this.timer = undefined;
      this.step();
    });
  }
}

/** Packets sent in one turn of the event loop, at most: less than a millisecond's work. */
const TURN_ALLOWANCE = 64;

/** Of it, for a packet to what may be a deployed peer: these bear 8 in one go (docs/wire.md W2.18). */
const DEPLOYED_COST = TURN_ALLOWANCE / 8;

/** Ports below are services of the node (docs/wire.md W1). */
const FIRST_AUTOMATIC_PORT = 257;
