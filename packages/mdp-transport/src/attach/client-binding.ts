import type { Address, MspError, PacketReceiver, PacketWriter, SealedBinding, Sid } from "@meshstream/msp";
import { type Core, TRANSMIT_HEADROOM } from "@meshstream/wasm-core";
import { isAny } from "../mdp2/record.ts";
import type { AttachCounters } from "./counters.ts";
import { encodeFrame } from "./frame.ts";
import { AttachLimit } from "./limits.ts";
import type { ByteStream } from "./stream.ts";

/** What a binding uses of the attached node that it belongs to. */
export interface BindingOwner {
  readonly core: Core;
  readonly stream: ByteStream;
  readonly counters: AttachCounters;
  /** Take the binding out of the tables and tell the holder. */
  unbind(binding: ClientBinding): void;
}

/** A port that an attached client has bound, or has asked the holder for (docs/wire.md W12). */
export class ClientBinding implements SealedBinding {
  readonly local: Address;
  /** The identity that was bound; undefined for all of them. */
  readonly bound: Sid | undefined;
  readonly ready: Promise<void>;
  readonly receive: PacketReceiver;
  /** Settle {@link ready}. Does nothing once it is settled. */
  readonly settle: (refused?: MspError) => void;
  private readonly owner: BindingOwner;
  private closed = false;

  constructor(owner: BindingOwner, local: Address, bound: Sid | undefined, receive: PacketReceiver) {
    this.owner = owner;
    this.local = local;
    this.bound = bound;
    this.receive = receive;
    let settle = (_refused?: MspError): void => {};
    this.ready = new Promise((resolve, reject) => {
      settle = (refused) => (refused === undefined ? resolve() : reject(refused));
    });
    this.settle = settle;
    // Nobody need look at it: no unhandled rejection.
    this.ready.catch(() => {});
  }

  send(local: Sid, remote: Address, write: PacketWriter): boolean {
    const { core, stream, counters } = this.owner;
    const offset = core.transmitRegion.offset + TRANSMIT_HEADROOM;
    const length = write(core, offset, AttachLimit.SENT_PACKET_BYTES);
    if (this.closed) return false;
    if (isAny(remote.sid.bytes)) {
      // That is how the node itself is addressed: not a place for packets.
      counters.droppedMalformed++;
      return false;
    }
    if (stream.pendingBytes > AttachLimit.PENDING_DATA_BYTES) {
      counters.droppedQueueFull++;
      return false;
    }
    counters.sent++;
    const ends = {
      local: { sid: local.bytes, port: this.local.port },
      remote: { sid: remote.sid.bytes, port: remote.port },
    };
    stream.write(encodeFrame({ ...ends, flags: 0 }, core.bytes.subarray(offset, offset + length)));
    return true;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.owner.unbind(this);
  }

  /** The node is gone: nothing is sent any more, and `ready` rejects if it had not settled. */
  end(error: MspError): void {
    this.closed = true;
    this.settle(error);
  }
}
