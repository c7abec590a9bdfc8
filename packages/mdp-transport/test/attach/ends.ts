import {
  type Address,
  BIND_PRIMARY,
  type BindAddress,
  type SealedBinding,
  type SealedTransport,
} from "@meshstream/msp";

/** A bound port that keeps what it gets. */
export interface End {
  readonly binding: SealedBinding;
  readonly received: Uint8Array[];
  send(remote: Address, bytes: Uint8Array): boolean;
}

export function bindEnd(
  transport: SealedTransport,
  port: number,
  sid: BindAddress["sid"] = BIND_PRIMARY,
): End {
  const received: Uint8Array[] = [];
  const binding = transport.bind({ sid, port }, (_local, _remote, _port, offset, length) => {
    received.push(transport.core.bytes.slice(offset, offset + length));
  });
  return {
    binding,
    received,
    send: (remote, bytes) =>
      binding.send(binding.local.sid, remote, (core, offset) => {
        core.bytes.set(bytes, offset);
        return bytes.length;
      }),
  };
}
