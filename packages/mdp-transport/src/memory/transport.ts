import {
  type Address,
  type BindAddress,
  MspError,
  type PacketReceiver,
  type PacketWriter,
  type SealedBinding,
  type SealedTransport,
  type Sid,
} from "@meshstream/msp";
import type { Random } from "@meshstream/netem";
import { type Core, TRANSMIT_CAPACITY, TRANSMIT_HEADROOM } from "@meshstream/wasm-core";
import { Bindings } from "../overlay/bindings.ts";

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
  readonly #bindings: Bindings;
  #handleLost: ((error: MspError) => void) | undefined;
  #isClosed = false;

  constructor(options: MemoryTransportOptions) {
    this.#options = options;
    this.core = options.core;
    this.identities = Object.freeze([...options.identities]);
    this.#bindings = new Bindings(this.identities, options.random, (local, port, remote, write) =>
      this.#send(local, port, remote, write),
    );
  }

  /** As SealedTransport.bind; throws MspError "state" once closed. */
  bind(local: BindAddress, receive: PacketReceiver): SealedBinding {
    if (this.#isClosed) throw new MspError("state", "the transport is closed");
    return this.#bindings.bind(local, receive);
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
    const local = this.#findSid(to.sid);
    const receive = local && this.#bindings.receiver(local, to.port);
    if (local === undefined || receive === undefined) return undefined;
    return (from, bytes) => {
      const { offset } = this.core.receiveRegion;
      this.core.bytes.set(bytes, offset);
      receive(local, from.sid, from.port, offset, bytes.length);
      // Whoever kept the offset instead of the bytes shall notice.
      this.core.bytes.fill(0xdd, offset, offset + bytes.length);
    };
  }

  /** `port` is undefined once the binding is closed: then the packet goes nowhere. */
  #send(local: Sid, port: number | undefined, to: Address, write: PacketWriter): boolean {
    const sid = this.#findSid(local);
    if (sid === undefined) throw new MspError("address", `not an identity of this node: ${local.hex}`);
    const offset = this.core.transmitRegion.offset + TRANSMIT_HEADROOM;
    const length = write(this.core, offset, TRANSMIT_CAPACITY);
    if (!Number.isInteger(length) || length < 1 || length > TRANSMIT_CAPACITY) {
      throw new MspError("argument", `the writer wrote ${length} bytes (1 to ${TRANSMIT_CAPACITY})`);
    }
    if (port === undefined) return false;
    return this.#options.route({ sid, port }, to, this.core.bytes.slice(offset, offset + length));
  }

  /** False if it had ended before. */
  #end(): boolean {
    if (this.#isClosed) return false;
    this.#isClosed = true;
    this.#bindings.closeAll();
    this.#options.closed();
    return true;
  }

  /** This node's own object for `sid`, if it is one of its identities. */
  #findSid(sid: Sid): Sid | undefined {
    return this.identities.find((identity) => identity.hex === sid.hex);
  }
}
