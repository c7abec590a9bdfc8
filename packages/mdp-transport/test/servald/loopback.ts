import type { DatagramTransport, LinkAddress } from "@meshstream/msp";

/** Datagram sockets of one machine, in memory: each datagram arrives in order, as soon as the sender has returned. */
export class Loopback {
  /** Whether a datagram gets lost. */
  isLost: (datagram: Uint8Array, from: LinkAddress, to: LinkAddress) => boolean = () => false;
  private readonly sockets = new Map<LinkAddress, LoopbackSocket>();

  /** A socket at `local`, which must be free. */
  open(local: LinkAddress): LoopbackSocket {
    if (this.sockets.has(local)) throw new Error(`${local} is in use`);
    const socket = new LoopbackSocket(this, local);
    this.sockets.set(local, socket);
    return socket;
  }

  carry(datagram: Uint8Array, from: LinkAddress, to: LinkAddress): void {
    const copy = datagram.slice();
    if (this.isLost(copy, from, to)) return;
    queueMicrotask(() => this.sockets.get(to)?.receive(copy, from));
  }

  remove(socket: LoopbackSocket): void {
    if (this.sockets.get(socket.local) === socket) this.sockets.delete(socket.local);
  }
}

export class LoopbackSocket implements DatagramTransport {
  readonly local: LinkAddress;
  readonly broadcast = [];
  readonly mtuBytes = 65_000;
  receive: (datagram: Uint8Array, from: LinkAddress) => void = () => {};
  isClosed = false;
  private readonly loopback: Loopback;

  constructor(loopback: Loopback, local: LinkAddress) {
    this.loopback = loopback;
    this.local = local;
  }

  send(datagram: Uint8Array, to: LinkAddress): void {
    if (!this.isClosed) this.loopback.carry(datagram, this.local, to);
  }

  onDatagram(receive: (datagram: Uint8Array, from: LinkAddress) => void): void {
    this.receive = receive;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.loopback.remove(this);
  }
}
