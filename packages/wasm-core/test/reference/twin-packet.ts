import { PacketKind } from "../../src/index.ts";
import type { PlainFields } from "../support.ts";

// The packets of docs/wire.md W2, written and read slowly.

/** A data packet as the wire has it. */
export function twinEncodeData(
  flags: number,
  ack: number,
  sequence: number,
  message: Uint8Array,
): Uint8Array {
  const low = (value: number) => value % 256;
  const high = (value: number) => Math.floor(value / 256);
  return Uint8Array.of(flags, low(ack), high(ack), low(sequence), high(sequence), ...message);
}

/** What the bytes mean; `messageOffset` is relative to them, and -1 where there is no message. */
export function twinDecode(bytes: Uint8Array): PlainFields {
  const at = (index: number) => bytes[index] as number;
  const decoded = {
    kind: PacketKind.FAULT_EMPTY as PacketKind,
    flags: bytes.length > 0 ? at(0) : 0,
    ack: bytes.length >= 3 ? at(1) + 256 * at(2) : 65535,
    sequence: 0,
    messageOffset: -1,
    messageLength: 0,
  };
  if (bytes.length === 0) return decoded;
  if (bytes.length < 3) {
    const stops = bytes.length === 1 && Math.floor(at(0) / 8) % 2 === 1;
    return { ...decoded, kind: stops ? PacketKind.STOP : PacketKind.NOTHING };
  }
  if (bytes.length < 5) return { ...decoded, kind: PacketKind.ACK };
  if (bytes.length > 1200) return { ...decoded, kind: PacketKind.FAULT_OVERSIZE };
  return {
    ...decoded,
    kind: PacketKind.DATA,
    sequence: at(3) + 256 * at(4),
    messageOffset: 5,
    messageLength: bytes.length - 5,
  };
}
