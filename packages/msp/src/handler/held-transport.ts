import type { Core } from "@meshstream/wasm-core";
import type { BindAddress, Sid } from "../address.ts";
import type { MspError } from "../errors.ts";
import type { PacketReceiver, SealedBinding, SealedTransport } from "../stream/transport.ts";
import type { Inbox, InboxPacket } from "./inbox.ts";

/** A transport whose packets, and whose loss, reach the driver only when processing() hands them on. */
export class HeldTransport implements SealedTransport {
  private readonly below: SealedTransport;
  private readonly inbox: Inbox;
  private handleLost: (error: MspError) => void = () => {};

  constructor(below: SealedTransport, inbox: Inbox) {
    this.below = below;
    this.inbox = inbox;
  }

  get core(): Core {
    return this.below.core;
  }

  get isThroughDaemon(): boolean {
    return this.below.isThroughDaemon === true;
  }

  get identities(): readonly Sid[] {
    return this.below.identities;
  }

  bind(local: BindAddress, receive: PacketReceiver): SealedBinding {
    const { core } = this.below;
    return this.below.bind(local, (localSid, remote, remotePort, offset, length) => {
      const bytes = core.bytes.slice(offset, offset + length);
      this.inbox.push({ receive, local: localSid, remote, remotePort, bytes });
    });
  }

  onLost(handle: (error: MspError) => void): void {
    this.handleLost = handle;
  }

  /** The transport below belongs to whoever opened it. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Lend a packet to the one for whom it came. */
  deliver({ receive, local, remote, remotePort, bytes }: InboxPacket): void {
    const { core } = this.below;
    const { offset } = core.receiveRegion;
    core.bytes.set(bytes, offset);
    receive(local, remote, remotePort, offset, bytes.length);
  }

  deliverLoss(error: MspError): void {
    this.handleLost(error);
  }
}
