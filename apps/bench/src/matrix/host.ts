import {
  type Address,
  type BindAddress,
  type Clock,
  Driver,
  type DriverEvent,
  type Entropy,
  type MspConfig,
  type PacketReceiver,
  type SealedBinding,
  type SealedTransport,
  type Sid,
} from "@meshstream/msp";
import { type Core, TRANSMIT_CAPACITY, TRANSMIT_HEADROOM } from "@meshstream/wasm-core";
import type { PacketPool, SimPacket, Station } from "./packets.ts";

export interface HostOptions {
  readonly core: Core;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly sid: Sid;
  readonly config: MspConfig;
  readonly pool: PacketPool;
  /** Puts a packet on the link. */
  readonly send: (packet: SimPacket) => void;
  readonly onEvent: (event: DriverEvent) => void;
}

/**
 * A node of ours at one end of the emulated link: the real driver and endpoint. MSP packets cross bare, neither sealed
 * nor framed; the link counts what that would add.
 */
export class Host implements Station, SealedTransport {
  readonly core: Core;
  readonly identities: readonly Sid[];
  readonly driver: Driver;
  readonly clock: Clock;
  /** The one at the other end. */
  peer: Station | undefined;
  /** Told of each packet that arrives. */
  onReceive: ((packet: SimPacket) => void) | undefined;
  /** Of the other end, whoever it is. */
  readonly remote: Sid;
  readonly #options: HostOptions;
  readonly #receivers = new Map<number, PacketReceiver>();
  #nextPort = 50_000;

  constructor(options: HostOptions, remote: Sid) {
    this.#options = options;
    this.core = options.core;
    this.identities = [options.sid];
    this.remote = remote;
    const { clock, entropy, config, onEvent } = options;
    this.clock = clock;
    this.driver = new Driver({ transport: this, clock, entropy, config, onEvent });
  }

  bind(local: BindAddress, receive: PacketReceiver): SealedBinding {
    const port = local.port === 0 ? this.#nextPort++ : local.port;
    this.#receivers.set(port, receive);
    return {
      local: { sid: this.identities[0]!, port },
      ready: Promise.resolve(),
      send: (_from, to, write) => {
        const { core } = this;
        const offset = core.transmitRegion.offset + TRANSMIT_HEADROOM;
        const length = write(core, offset, TRANSMIT_CAPACITY);
        this.#put(offset, length, port, to);
        return true;
      },
      close: () => {
        this.#receivers.delete(port);
      },
    };
  }

  onLost(): void {}

  async close(): Promise<void> {}

  receive(packet: SimPacket): void {
    this.onReceive?.(packet);
    const { offset } = this.core.receiveRegion;
    const { bytes, length } = packet;
    const memory = this.core.bytes;
    memory.set(length === bytes.length ? bytes : bytes.subarray(0, length), offset);
    this.#receivers.get(packet.toPort)?.(
      this.identities[0]!,
      this.remote,
      packet.fromPort,
      offset,
      packet.length,
    );
  }

  #put(offset: number, length: number, fromPort: number, to: Address): void {
    const packet = this.#options.pool.take(this.peer!, fromPort, to.port);
    packet.bytes.set(this.core.bytes.subarray(offset, offset + length));
    packet.length = length;
    this.#options.send(packet);
  }
}
