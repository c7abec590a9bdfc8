import {
  type Address,
  BIND_ALL,
  BIND_PRIMARY,
  type BindAddress,
  MspError,
  type PacketReceiver,
  type PacketWriter,
  parsePort,
  type SealedBinding,
  type SealedTransport,
  type Sid,
} from "@meshstream/msp";
import type { Random } from "@meshstream/netem";
import { type Core, TRANSMIT_CAPACITY, TRANSMIT_HEADROOM } from "@meshstream/wasm-core";
import { PortTable } from "../attach/port-table.ts";

export interface MemoryTransportOptions {
  readonly core: Core;
  /** At least one, the primary first. */
  readonly identities: readonly Sid[];
  /** For port 0. */
  readonly random: Random;
  /** Carries a packet off; false if there is nobody to carry it to. Never delivers before it returns. */
  readonly route: (from: Address, to: Address, bytes: Uint8Array) => boolean;
  /** Told once, when the node is closed or lost. */
  readonly closed: () => void;
}

/** A node of a MemoryNetwork, which makes it. */
export class MemoryTransport implements SealedTransport {
  readonly core: Core;
  readonly identities: readonly Sid[];
  readonly #options: MemoryTransportOptions;
  readonly #bindings = new PortTable<PacketReceiver>();
  #handleLost: ((error: MspError) => void) | undefined;
  #isClosed = false;

  constructor(options: MemoryTransportOptions) {
    this.#options = options;
    this.core = options.core;
    this.identities = Object.freeze([...options.identities]);
  }

  /**
   * As SealedTransport.bind; throws MspError "state" once closed. A port bound for one identity and for all at
   * the same time belongs to the one.
   */
  bind(local: BindAddress, receive: PacketReceiver): SealedBinding {
    if (this.#isClosed) throw new MspError("state", "the transport is closed");
    const sid = this.#boundSid(local.sid);
    const port = this.#boundPort(local.port);
    if (!this.#bindings.add(sid, port, receive)) {
      throw new MspError("port-in-use", `port ${port} is bound already`);
    }
    let isOpen = true;
    return {
      local: { sid: sid ?? this.identities[0]!, port },
      ready: Promise.resolve(),
      send: (from, to, write) =>
        isOpen && !this.#isClosed && this.#send({ sid: this.#ownSid(from), port }, to, write),
      close: () => {
        if (isOpen) this.#bindings.remove(sid, port);
        isOpen = false;
      },
    };
  }

  onLost(handle: (error: MspError) => void): void {
    this.#handleLost = handle;
  }

  async close(): Promise<void> {
    this.#end();
  }

  /** For tests: the transport is gone, as when a daemon dies. Calls the handler of {@link onLost}, within this call. */
  lose(): void {
    if (this.#end()) this.#handleLost?.(new MspError("transport-lost", "the transport was lost"));
  }

  /** For the network: what takes in a packet for `to`, if that is bound. */
  receiver(to: Address): ((from: Address, bytes: Uint8Array) => void) | undefined {
    const receive = this.#bindings.find(to.sid, to.port);
    if (receive === undefined) return undefined;
    return (from, bytes) => {
      const { offset } = this.core.receiveRegion;
      this.core.bytes.set(bytes, offset);
      receive(this.#ownSid(to.sid), from.sid, from.port, offset, bytes.length);
      // Whoever kept the offset instead of the bytes shall notice.
      this.core.bytes.fill(0xdd, offset, offset + bytes.length);
    };
  }

  #send(from: Address, to: Address, write: PacketWriter): boolean {
    const offset = this.core.transmitRegion.offset + TRANSMIT_HEADROOM;
    const length = write(this.core, offset, TRANSMIT_CAPACITY);
    if (!Number.isInteger(length) || length < 1 || length > TRANSMIT_CAPACITY) {
      throw new MspError("argument", `the writer wrote ${length} bytes (1 to ${TRANSMIT_CAPACITY})`);
    }
    return this.#options.route(from, to, this.core.bytes.slice(offset, offset + length));
  }

  /** False if it had ended before. */
  #end(): boolean {
    if (this.#isClosed) return false;
    this.#isClosed = true;
    this.#bindings.removeAll();
    this.#options.closed();
    return true;
  }

  /** Undefined for all. */
  #boundSid(sid: BindAddress["sid"]): Sid | undefined {
    if (sid === BIND_ALL) return undefined;
    return sid === BIND_PRIMARY ? this.identities[0]! : this.#ownSid(sid);
  }

  /** This node's own object for `sid`. */
  #ownSid(sid: Sid): Sid {
    const own = this.identities.find((identity) => identity.hex === sid.hex);
    if (own === undefined) throw new MspError("address", `not an identity of this node: ${sid.hex}`);
    return own;
  }

  #boundPort(port: number): number {
    if (parsePort(port, 0) > 0) return port;
    for (;;) {
      const drawn = FIRST_AUTOMATIC_PORT + this.#options.random.below(2 ** 31 - FIRST_AUTOMATIC_PORT);
      if (this.identities.every((sid) => this.#bindings.find(sid, drawn) === undefined)) return drawn;
    }
  }
}

/** Ports below are for services (docs/wire.md W1). */
const FIRST_AUTOMATIC_PORT = 257;
