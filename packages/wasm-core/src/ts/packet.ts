import { DATA_HEADER_BYTES, INBOUND_MESSAGE_BYTES } from "../core.ts";
import type { PacketKernel } from "../kernel.ts";
import {
  PACKET_ACK,
  PACKET_FLAGS,
  PACKET_KIND,
  PACKET_MESSAGE_LENGTH,
  PACKET_MESSAGE_OFFSET,
  PACKET_RECORD,
  PACKET_SEQUENCE,
} from "../memory-map.ts";
import { PacketFlag, PacketKind } from "../packet.ts";
import type { SequenceNumber } from "../sequence.ts";
import type { Pool } from "./pool.ts";

/** The MSP packet (docs/wire.md W2): flags, then acknowledgement and sequence number, both little-endian. */
export class TsPackets implements PacketKernel {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  encodeStop(offset: number): number {
    this.#pool.bytes[offset] = PacketFlag.STOP;
    return 1;
  }

  encodeAck(offset: number, flags: number, ack: SequenceNumber): number {
    const bytes = this.#pool.bytes;
    bytes[offset] = flags;
    bytes[offset + 1] = ack;
    bytes[offset + 2] = ack >> 8;
    return 3;
  }

  encodeData(
    offset: number,
    flags: number,
    ack: SequenceNumber,
    sequence: SequenceNumber,
    messageOffset: number,
    messageLength: number,
  ): number {
    const bytes = this.#pool.bytes;
    // The message first: should the header's place overlap it, its bytes are already where they belong.
    bytes.copyWithin(offset + DATA_HEADER_BYTES, messageOffset, messageOffset + messageLength);
    bytes[offset] = flags;
    bytes[offset + 1] = ack;
    bytes[offset + 2] = ack >> 8;
    bytes[offset + 3] = sequence;
    bytes[offset + 4] = sequence >> 8;
    return DATA_HEADER_BYTES + messageLength;
  }

  decode(offset: number, length: number): void {
    const flags = length >= 1 ? this.#byte(offset) : 0;
    const ack = length >= 3 ? this.#byte(offset + 1) | (this.#byte(offset + 2) << 8) : 0xffff;
    if (length < DATA_HEADER_BYTES) {
      this.#fill(shortKind(length, flags), flags, ack, 0, 0, 0);
      return;
    }
    const messageLength = length - DATA_HEADER_BYTES;
    if (messageLength > INBOUND_MESSAGE_BYTES) {
      this.#fill(PacketKind.FAULT_OVERSIZE, flags, ack, 0, 0, 0);
      return;
    }
    const sequence = this.#byte(offset + 3) | (this.#byte(offset + 4) << 8);
    this.#fill(PacketKind.DATA, flags, ack, sequence, offset + DATA_HEADER_BYTES, messageLength);
  }

  #byte(offset: number): number {
    return this.#pool.bytes[offset] as number;
  }

  #fill(
    kind: PacketKind,
    flags: number,
    ack: number,
    sequence: number,
    messageOffset: number,
    messageLength: number,
  ): void {
    const pool = this.#pool;
    pool.store(PACKET_RECORD + PACKET_KIND, kind);
    pool.store(PACKET_RECORD + PACKET_FLAGS, flags);
    pool.store(PACKET_RECORD + PACKET_ACK, ack);
    pool.store(PACKET_RECORD + PACKET_SEQUENCE, sequence);
    pool.store(PACKET_RECORD + PACKET_MESSAGE_OFFSET, messageOffset);
    pool.store(PACKET_RECORD + PACKET_MESSAGE_LENGTH, messageLength);
  }
}

/** The kind of a packet without a sequence number. */
function shortKind(length: number, flags: number): PacketKind {
  if (length >= 3) return PacketKind.ACK;
  if (length === 0) return PacketKind.FAULT_EMPTY;
  return length === 1 && (flags & PacketFlag.STOP) !== 0 ? PacketKind.STOP : PacketKind.NOTHING;
}
