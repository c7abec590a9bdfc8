import type { Address } from "../../src/address.ts";
import { EXTENSION, parse } from "./wire.ts";

/**
 * Watches what one node sends and receives on all its connections, and takes down whatever must never be sent to a peer that
 * may be a deployed one (docs/wire.md W2.18, W13): packets that are empty, or too long, or of one byte but no STOP, and
 * types that only extended peers know, unless the first packet that came from the peer had the bit. It is part of every
 * {@link Pair}, so that every simulated session is held to this.
 */
export class WireGuard {
  /** What was sent that must not be, in words. */
  private readonly violations: string[] = [];
  /** By connection: whether the first packet from the peer had the bit. */
  private readonly speaksExtension = new Map<string, boolean>();

  /** Throws if there is any violation. */
  check(): void {
    if (this.violations.length > 0) throw new Error(`must not be sent: ${this.violations.join("; ")}`);
  }

  handleReceived(local: Address, remote: Address, bytes: Uint8Array): void {
    const { isStop } = parse(bytes);
    const name = nameOf(local, remote);
    if (isStop || bytes.length < 3 || this.speaksExtension.has(name)) return;
    this.speaksExtension.set(name, (bytes[0]! & EXTENSION) !== 0);
  }

  handleSent(local: Address, remote: Address, bytes: Uint8Array): void {
    const packet = parse(bytes);
    const name = nameOf(local, remote);
    if (packet.isFirst) this.speaksExtension.delete(name); // a new connection: nothing has been heard yet
    const complain = (what: string) => this.violations.push(`${name}: ${what}: ${hexOf(bytes)}`);
    if (bytes.length === 0) complain("an empty packet");
    if (bytes.length === 1 && bytes[0] !== 0x08) complain("one byte that is no plain STOP");
    if (bytes.length === 2) complain("a packet that carries nothing");
    if (bytes.length > 1029 && !packet.isRepair) complain("a packet of more than 1029 bytes");
    if (bytes.length > 1035) complain("a repair of more than 1035 bytes");
    const needsExtension = packet.isExtendedAck || packet.isRepair || packet.isUnknownType;
    if (needsExtension && this.speaksExtension.get(name) !== true)
      complain("an extended type to a legacy peer");
    if (needsExtension && packet.isFirst) complain("an extended type with FIRST");
  }
}

function nameOf(local: Address, remote: Address): string {
  return `${local.sid.hex.slice(0, 2)}:${local.port} to ${remote.sid.hex.slice(0, 2)}:${remote.port}`;
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 32), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
