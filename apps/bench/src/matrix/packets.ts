/** What every MSP packet weighs on a link beyond its own bytes: ports, MAC, nonce, frame, envelope. */
export const OVERHEAD_BYTES = 71;

/** The longest MSP packet that a deployed peer takes: 5 bytes of header and a full message (docs/wire.md W2.18). */
export const DEPLOYED_PACKET_BYTES = 1029;

/** A packet on its way. Its buffer goes back to the pool when it has arrived or is lost. */
export interface SimPacket {
  readonly bytes: Uint8Array;
  /** MSP bytes of it. */
  length: number;
  fromPort: number;
  toPort: number;
  to: Station;
}

/** An end of the link. */
export interface Station {
  /** The packet is the pool's again when this returns. */
  receive(packet: SimPacket): void;
}

/** Buffers used again and again, so that a run makes no garbage. */
export class PacketPool {
  readonly #free: SimPacket[] = [];

  take(to: Station, fromPort: number, toPort: number): SimPacket {
    const packet = this.#free.pop() ?? { bytes: new Uint8Array(1280), length: 0, fromPort, toPort, to };
    packet.to = to;
    packet.fromPort = fromPort;
    packet.toPort = toPort;
    return packet;
  }

  give(packet: SimPacket): void {
    this.#free.push(packet);
  }
}
