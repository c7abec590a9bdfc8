import type {
  Address,
  PacketReceiver,
  PacketWriter,
  SealedBinding,
  SealedTransport,
  Sid,
} from "@meshstream/msp";
import { createCore } from "@meshstream/wasm-core";

/** A packet that a service sent. */
export interface Sent {
  readonly local: Sid;
  readonly port: number;
  readonly to: Address;
  readonly bytes: Uint8Array;
}

/** A transport with one bound port, to hold a service by itself: hands it packets, and keeps what it sends. */
export async function onePort(...identities: readonly Sid[]) {
  const core = await createCore({ engine: "ts", poolBytes: 1 << 20 });
  const sent: Sent[] = [];
  let receiver: PacketReceiver | undefined;
  const sendFrom = (local: Sid, port: number, to: Address, write: PacketWriter): boolean => {
    const { offset } = core.transmitRegion;
    const length = write(core, offset, 1280);
    sent.push({ local, port, to, bytes: core.bytes.slice(offset, offset + length) });
    return true;
  };
  const transport: SealedTransport = {
    core,
    identities,
    bind: ({ port }, receive): SealedBinding => {
      receiver = receive;
      return {
        local: { sid: identities[0]!, port },
        ready: Promise.resolve(),
        send: (local, to, write) => sendFrom(local, port, to, write),
        close: () => {},
      };
    },
    onLost: () => {},
    close: async () => {},
  };
  /** A packet comes in; what the service sends for it is returned. */
  const receive = (remote: Sid, remotePort: number, bytes: Uint8Array, local = identities[0]!): Sent[] => {
    const { offset } = core.receiveRegion;
    core.bytes.set(bytes, offset);
    receiver?.(local, remote, remotePort, offset, bytes.length);
    return sent.splice(0);
  };
  return { transport, sendFrom, receive };
}
