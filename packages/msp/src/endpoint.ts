import {
  type Core,
  type DecodedPacket,
  PacketFlag,
  PacketKind,
  type SequenceNumber,
} from "@meshstream/wasm-core";
import type { Address, Sid } from "./address.ts";
import { ClosedMemory } from "./closed-memory.ts";
import type { MspConfig } from "./config.ts";
import { Connection } from "./connection.ts";
import { ConnectionTable } from "./connection-table.ts";
import { Counters } from "./counters.ts";
import { DeadlineHeap } from "./deadline-heap.ts";
import { MspError } from "./errors.ts";
import type { EndpointEvent } from "./events.ts";
import type { Listener } from "./listener.ts";
import type { PacketWriter } from "./stream/transport.ts";
import { TokenBucket } from "./token-bucket.ts";

/** What an endpoint gives out, one thing at a time. */
export type Output<Path> =
  /** Send one packet; `write` writes it. If no route leads there, say so with {@link Endpoint.handleNoRoute}. */
  | {
      readonly kind: "transmit";
      readonly path: Path;
      readonly local: Sid;
      readonly remote: Address;
      readonly write: PacketWriter;
      readonly connection: Connection<Path> | undefined;
    }
  /** Tell the application. */
  | { readonly kind: "event"; readonly event: EndpointEvent<Path> }
  /** Nothing more now: call {@link Endpoint.handleTime} at `atMs` at the latest; Infinity if there is no need. */
  | { readonly kind: "timeout"; readonly atMs: number };

/**
 * All MSP connections of one node, without clock, dice or socket. Tell it what happened or what the application wants, then call {@link poll}
 * until it gives out a timeout, and do what it says: only then tell it the next thing.
 *
 * @typeParam Path - whatever the caller needs to send a packet the way its connection goes.
 */
export class Endpoint<Path = unknown> {
  readonly core: Core;
  readonly config: MspConfig;
  readonly isThroughDaemon: boolean;
  /** Drops and refusals, by reason. */
  readonly counters = new Counters();
  /** Latest time told, in milliseconds. */
  nowMs = Number.NEGATIVE_INFINITY;

  private readonly connections = new ConnectionTable<Connection<Path>>();
  private readonly listeners = new Map<number, Listener[]>();
  private readonly closed: ClosedMemory;
  private readonly deadlines = new DeadlineHeap<Connection<Path>["place"]>();
  private readonly awake: Connection<Path>[] = [];
  private readonly replies: Reply<Path>[] = [];
  private readonly stops = new TokenBucket(STOPS_PER_SECOND, STOPS_PER_SECOND);

  /** `isThroughDaemon`: see SealedTransport. */
  constructor(core: Core, config: MspConfig, isThroughDaemon = false) {
    this.core = core;
    this.config = config;
    this.isThroughDaemon = isThroughDaemon;
    this.closed = new ClosedMemory(config);
  }

  // What it is like.

  get connectionCount(): number {
    return this.connections.size;
  }

  /** Until when a peer of a closed connection may be expected to ask for the last acknowledgement once more; -Infinity if none is. */
  get stayUntilMs(): number {
    return this.closed.stayUntilMs(this.nowMs);
  }

  // What the application wants.

  /**
   * Open a connection. Nothing is sent until the next {@link poll}: messages queued before ride with the first packets.
   * Throws MspError "port-in-use" if there is one between these two addresses, "again" at the limit of connections or of the pool.
   */
  connect(local: Address, remote: Address, path: Path): Connection<Path> {
    if (this.connections.get(local.sid, local.port, remote.sid, remote.port) !== undefined) {
      throw new MspError(
        "port-in-use",
        `port ${local.port} is connected to ${remote.sid.hex}:${remote.port} already`,
      );
    }
    if (!this.hasRoom) {
      const { size } = this.connections;
      throw new MspError("again", `no room for a connection more: there are ${size}, or the pool is used up`);
    }
    return this.add(new Connection<Path>(this, local, remote, path));
  }

  /** Accept connections to a port: for one identity, or for all if `sid` is undefined. */
  listen(sid: Sid | undefined, port: number): Listener {
    const listener: Listener = { sid, port };
    this.listeners.set(port, [...(this.listeners.get(port) ?? []), listener]);
    return listener;
  }

  /** Stop accepting; connections that were accepted stay. */
  unlisten(listener: Listener): void {
    const others = (this.listeners.get(listener.port) ?? []).filter((other) => other !== listener);
    if (others.length === 0) this.listeners.delete(listener.port);
    else this.listeners.set(listener.port, others);
  }

  // What happened.

  /** Time has come this far; never less than before. */
  handleTime(nowMs: number): void {
    this.nowMs = nowMs;
    for (
      let due = this.deadlines.first;
      due !== undefined && due.deadlineMs <= nowMs;
      due = this.deadlines.first
    ) {
      this.deadlines.remove(due);
      due.owner.handleTime();
      this.wake(due.owner);
    }
  }

  /** A packet came: `length` bytes at `offset` of the core's memory. Whatever they are, this does not throw. */
  handlePacket(
    path: Path,
    local: Sid,
    localPort: number,
    remote: Sid,
    remotePort: number,
    offset: number,
    length: number,
  ): void {
    const packet = this.core.decode(offset, length);
    const fault = FAULTS[packet.kind];
    if (fault !== undefined) {
      this.counters.count(fault);
      return;
    }
    const connection = this.connections.get(local, localPort, remote, remotePort);
    if (connection === undefined) this.handleStray(packet, path, local, localPort, remote, remotePort);
    else if (packet.kind === PacketKind.STOP) connection.handleStop();
    else connection.handlePacket(packet);
  }

  /** The packet given out last had no route: it never left this node. */
  handleNoRoute(connection: Connection<Path> | undefined): void {
    this.counters.count("msp.no-route");
    connection?.handleNoRoute();
  }

  /** The transport below is gone: every connection fails with `failure`. */
  handleLost(failure: MspError): void {
    this.listeners.clear();
    for (const connection of [...this.connections]) connection.fail(failure);
  }

  // What to do.

  /** The next thing to do. Call until it is a timeout. */
  poll(): Output<Path> {
    const reply = this.replies.shift();
    if (reply !== undefined) return { kind: "transmit", connection: undefined, ...reply };
    for (let connection = this.awake[0]; connection !== undefined; connection = this.awake[0]) {
      const output = this.pollConnection(connection);
      if (output !== undefined) return output;
      this.awake.shift();
      connection.place.isAwake = false;
    }
    return { kind: "timeout", atMs: this.deadlines.first?.deadlineMs ?? Number.POSITIVE_INFINITY };
  }

  /**
   * In place of {@link poll}, while nothing may be sent for the moment: the next thing to tell the application. Connections that have ended
   * wait: their last packets leave before that is told.
   */
  pollEvent(): EndpointEvent<Path> | undefined {
    for (const connection of this.awake) {
      const type = connection.isClosed ? undefined : connection.pollEvent();
      if (type !== undefined) return { type, connection };
    }
    return undefined;
  }

  /** Let the others send before the connection whose turn it is. */
  yieldTurn(): void {
    const connection = this.awake.shift();
    if (connection !== undefined) this.awake.push(connection);
  }

  /** For connections: poll this one. */
  wake(connection: Connection<Path>): void {
    if (connection.place.isAwake) return;
    connection.place.isAwake = true;
    this.awake.push(connection);
  }

  private get hasRoom(): boolean {
    const { size } = this.connections;
    const { slotCount, freeSlotCount } = this.core;
    // Windows may take half of the pool: the other half is for messages.
    const windowsFit = 2 * WINDOWS_PER_CONNECTION * (size + 1) <= slotCount;
    return size < this.config.connectionsLimit && windowsFit && freeSlotCount >= WINDOWS_PER_CONNECTION;
  }

  private pollConnection(connection: Connection<Path>): Output<Path> | undefined {
    // Packets first: the last acknowledgement or the STOP leaves before the application hears of the end.
    if (connection.pollTransmit()) return connection.transmit;
    const deadlineMs = connection.pollDeadline();
    const type = connection.pollEvent();
    if (type === "closed") this.remove(connection);
    if (type !== undefined) return { kind: "event", event: { type, connection } };
    this.deadlines.set(connection.place, deadlineMs);
    return undefined;
  }

  private add(connection: Connection<Path>): Connection<Path> {
    this.connections.add(connection);
    this.wake(connection);
    return connection;
  }

  private remove(connection: Connection<Path>): void {
    const { local, remote, outcome, ack, stayMs, extensionFlag } = connection;
    this.connections.delete(connection);
    this.deadlines.remove(connection.place);
    const isGone = outcome === "failed" || outcome === "stopped";
    this.closed.add({
      local,
      remote,
      answer: isGone ? "stop" : ack,
      flag: extensionFlag,
      stayMs,
      closedAtMs: this.nowMs,
    });
  }

  /** A packet that belongs to no connection: a new one, a repeat of a closed one, or a stranger (docs/wire.md W2). */
  private handleStray(
    packet: DecodedPacket,
    path: Path,
    local: Sid,
    localPort: number,
    remote: Sid,
    remotePort: number,
  ): void {
    if ((packet.flags & PacketFlag.STOP) !== 0) {
      this.counters.count("msp.stop-stray");
      return;
    }
    const from = { sid: local, port: localPort };
    const to = { sid: remote, port: remotePort };
    const closed = this.closed.get(local, localPort, remote, remotePort, this.nowMs);
    if (closed !== undefined) {
      this.counters.count("msp.repeat-after-close");
      // Not to a bare acknowledgement: the peer may remember a closed connection too, and would answer in its turn.
      const isMessage = packet.kind === PacketKind.DATA || packet.kind === PacketKind.REPAIR;
      if (closed.answer === "stop" || isMessage) this.reply(path, from, to, closed.answer, closed.flag);
      return;
    }
    const listener = opensConnection(packet) ? this.listenerAt(local, localPort) : undefined;
    if (listener === undefined) {
      this.counters.count("msp.stray");
      this.reply(path, from, to, "stop");
      return;
    }
    if (!this.hasRoom) {
      this.counters.count("msp.connections-limit");
      return;
    }
    this.add(new Connection<Path>(this, from, to, path, listener)).handlePacket(packet);
  }

  private listenerAt(sid: Sid, port: number): Listener | undefined {
    return this.listeners
      .get(port)
      ?.find((listener) => listener.sid === undefined || listener.sid.hex === sid.hex);
  }

  /** `flag`: what each packet of the connection had that the answer belongs to. */
  private reply(
    path: Path,
    local: Address,
    remote: Address,
    answer: SequenceNumber | "stop",
    flag = 0,
  ): void {
    if (this.replies.length >= REPLIES_LIMIT || (answer === "stop" && !this.stops.take(this.nowMs))) {
      this.counters.count("msp.reply-limit");
      return;
    }
    const write: PacketWriter = (core, offset) =>
      answer === "stop" ? core.encodeStop(offset) : core.encodeAck(offset, PacketFlag.ACK | flag, answer);
    this.replies.push({ path, local: local.sid, remote, write });
  }
}

/** Packets that carry nothing for a connection, and what each is counted as. */
const FAULTS: { readonly [kind: number]: string } = {
  [PacketKind.FAULT_EMPTY]: "msp.empty",
  [PacketKind.FAULT_OVERSIZE]: "msp.oversize",
  [PacketKind.NOTHING]: "msp.nothing",
  [PacketKind.FAULT_EXTENSION]: "msp.extension-unknown",
};

/** A message or an acknowledgement with FIRST. What only extended peers send is for those who were heard already (docs/wire.md W13). */
function opensConnection({ kind, flags }: DecodedPacket): boolean {
  const isPlain = kind === PacketKind.ACK || kind === PacketKind.DATA;
  return isPlain && (flags & PacketFlag.FIRST) !== 0;
}

type Reply<Path> = { path: Path; local: Sid; remote: Address; write: PacketWriter };

/** STOPs to strangers: few, or a node could be made to send as much as it is sent (docs/wire.md W11, row 10). */
const STOPS_PER_SECOND = 100;

/** Replies waiting between two polls. */
const REPLIES_LIMIT = 64;

/** Each takes a slot of the pool as long as it lives. */
const WINDOWS_PER_CONNECTION = 2;
