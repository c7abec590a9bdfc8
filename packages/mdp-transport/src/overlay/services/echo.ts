import { BIND_ALL, type SealedTransport } from "@meshstream/msp";
import { ServicePort } from "../ports.ts";

/** Serve echo (docs/wire.md W9): what comes to port 7 goes back, but never what comes from port 7. */
export function serveEcho(transport: SealedTransport): void {
  const address = { sid: BIND_ALL, port: ServicePort.ECHO } as const;
  const binding = transport.bind(address, (local, remote, remotePort, offset, length) => {
    // Two echo services would answer each other for ever. Port 0 is nobody's.
    if (remotePort === ServicePort.ECHO || remotePort === 0) return;
    binding.send(local, { sid: remote, port: remotePort }, (core, to, capacity) => {
      const echoed = Math.min(length, capacity);
      core.bytes.copyWithin(to, offset, offset + echoed);
      return echoed;
    });
  });
}
