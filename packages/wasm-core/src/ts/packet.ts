import { DATA_HEADER_BYTES, INBOUND_MESSAGE_BYTES } from "../core.ts";
import type { PacketKernel } from "../kernel.ts";
import {
  PACKET_ACK,
  PACKET_ACK_DELAY,
  PACKET_ARRIVED,
  PACKET_BITMAP_BASE,
  PACKET_BITMAP_LENGTH,
  PACKET_BITMAP_OFFSET,
  PACKET_ECHO_SEQUENCE,
  PACKET_ECHO_TRANSMISSION,
  PACKET_FLAGS,
  PACKET_KIND,
  PACKET_MESSAGE_LENGTH,
  PACKET_MESSAGE_OFFSET,
  PACKET_MISSING_RANK,
  PACKET_RECORD,
  PACKET_RECOVERED,
  PACKET_REPAIR_COUNT,
  PACKET_REPAIR_FIRST,
  PACKET_REPAIR_SEED,
  PACKET_SEQUENCE,
  PACKET_SYMBOL_LENGTH,
  PACKET_SYMBOL_OFFSET,
  PACKET_TRAIN,
  PACKET_TRAIN_SPREAD,
  PACKET_VERSION,
  PACKET_WINDOW,
} from "../memory-map.ts";
import {
  BITMAP_BYTES,
  EXTENDED_ACK_BYTES,
  PacketFlag,
  PacketKind,
  PacketType,
  REPAIR_COUNT_LIMIT,
  REPAIR_HEADER_BYTES,
  SYMBOL_BYTES,
  SYMBOL_HEADER_BYTES,
  TYPE_SHIFT,
} from "../packet.ts";
import type { SequenceNumber } from "../sequence.ts";
import type { Pool } from "./pool.ts";

/** The MSP packet (docs/wire.md W2): flags, then acknowledgement and sequence number, both little-endian. */
export class TsPackets implements PacketKernel {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  encodeStop(offset: number, flags: number): number {
    this.#pool.bytes[offset] = flags;
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

  encodeExtendedAck(offset: number): number {
    const { bytes } = this.#pool;
    const echoSequence = this.#field(PACKET_ECHO_SEQUENCE);
    const isEcho = echoSequence !== -1;
    bytes[offset] = this.#field(PACKET_FLAGS);
    this.#put(offset + 1, this.#field(PACKET_ACK));
    this.#put(offset + 3, this.#field(PACKET_ARRIVED));
    bytes[offset + 5] = this.#field(PACKET_VERSION);
    this.#put(offset + 6, this.#field(PACKET_WINDOW));
    this.#put(offset + 8, this.#field(PACKET_ACK_DELAY));
    this.#put(offset + 10, isEcho ? echoSequence : 0);
    bytes[offset + 12] = isEcho ? ECHO_VALID | this.#field(PACKET_ECHO_TRANSMISSION) : 0;
    bytes[offset + 13] = this.#field(PACKET_MISSING_RANK);
    bytes[offset + 14] = this.#field(PACKET_TRAIN);
    this.#put(offset + 15, this.#field(PACKET_TRAIN_SPREAD));
    this.#put(offset + 17, this.#field(PACKET_RECOVERED));
    this.#put(offset + 19, this.#field(PACKET_BITMAP_BASE));
    bytes[offset + 21] = 0;
    return EXTENDED_ACK_BYTES + this.#field(PACKET_BITMAP_LENGTH);
  }

  decode(offset: number, length: number): void {
    const flags = length >= 1 ? this.#byte(offset) : 0;
    const ack = length >= 3 ? this.#wide(offset + 1) : 0xffff;
    if ((flags & PacketFlag.EXTENSION) !== 0) {
      const type = (flags >> TYPE_SHIFT) & 7;
      if (type > PacketType.TRANSMISSION_LIMIT) {
        this.#fill(this.#decodeExtended(type, offset, length), flags, ack, 0, 0, 0);
        return;
      }
    }
    if (length < DATA_HEADER_BYTES) {
      this.#fill(shortKind(length, flags), flags, ack, 0, 0, 0);
      return;
    }
    const messageLength = length - DATA_HEADER_BYTES;
    if (messageLength > INBOUND_MESSAGE_BYTES) {
      this.#fill(PacketKind.FAULT_OVERSIZE, flags, ack, 0, 0, 0);
      return;
    }
    const sequence = this.#wide(offset + 3);
    this.#fill(PacketKind.DATA, flags, ack, sequence, offset + DATA_HEADER_BYTES, messageLength);
  }

  /** The kind of a packet whose type is not of W2; fills its own fields. */
  #decodeExtended(type: number, offset: number, length: number): PacketKind {
    if (type === PacketType.EXTENDED_ACK) return this.#decodeExtendedAck(offset, length);
    if (type === PacketType.REPAIR) return this.#decodeRepair(offset, length);
    return PacketKind.FAULT_EXTENSION;
  }

  #decodeExtendedAck(offset: number, length: number): PacketKind {
    const bitmapLength = length - EXTENDED_ACK_BYTES;
    if (bitmapLength < 0 || bitmapLength > BITMAP_BYTES) return PacketKind.FAULT_EXTENSION;
    const echo = this.#byte(offset + 12);
    this.#setField(PACKET_ARRIVED, this.#wide(offset + 3));
    this.#setField(PACKET_VERSION, this.#byte(offset + 5));
    this.#setField(PACKET_WINDOW, this.#wide(offset + 6));
    this.#setField(PACKET_ACK_DELAY, this.#wide(offset + 8));
    this.#setField(PACKET_ECHO_SEQUENCE, (echo & ECHO_VALID) !== 0 ? this.#wide(offset + 10) : -1);
    this.#setField(PACKET_ECHO_TRANSMISSION, echo & PacketType.TRANSMISSION_LIMIT);
    this.#setField(PACKET_MISSING_RANK, this.#byte(offset + 13));
    this.#setField(PACKET_TRAIN, this.#byte(offset + 14));
    this.#setField(PACKET_TRAIN_SPREAD, this.#wide(offset + 15));
    this.#setField(PACKET_RECOVERED, this.#wide(offset + 17));
    this.#setField(PACKET_BITMAP_BASE, this.#wide(offset + 19));
    this.#setField(PACKET_BITMAP_OFFSET, offset + EXTENDED_ACK_BYTES);
    this.#setField(PACKET_BITMAP_LENGTH, bitmapLength);
    return PacketKind.EXTENDED_ACK;
  }

  #decodeRepair(offset: number, length: number): PacketKind {
    const symbolLength = length - REPAIR_HEADER_BYTES;
    if (symbolLength < SYMBOL_HEADER_BYTES || symbolLength > SYMBOL_BYTES) return PacketKind.FAULT_EXTENSION;
    const count = this.#byte(offset + 5);
    if (count === 0 || count > REPAIR_COUNT_LIMIT) return PacketKind.FAULT_EXTENSION;
    this.#setField(PACKET_REPAIR_FIRST, this.#wide(offset + 3));
    this.#setField(PACKET_REPAIR_COUNT, count);
    this.#setField(PACKET_REPAIR_SEED, this.#wide(offset + 6));
    this.#setField(PACKET_SYMBOL_OFFSET, offset + REPAIR_HEADER_BYTES);
    this.#setField(PACKET_SYMBOL_LENGTH, symbolLength);
    return PacketKind.REPAIR;
  }

  /** Two bytes, little-endian. */
  #wide(offset: number): number {
    return this.#byte(offset) | (this.#byte(offset + 1) << 8);
  }

  #put(offset: number, value: number): void {
    const { bytes } = this.#pool;
    bytes[offset] = value;
    bytes[offset + 1] = value >> 8;
  }

  #field(field: number): number {
    return this.#pool.load(PACKET_RECORD + field);
  }

  #setField(field: number, value: number): void {
    this.#pool.store(PACKET_RECORD + field, value);
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
    this.#setField(PACKET_KIND, kind);
    this.#setField(PACKET_FLAGS, flags);
    this.#setField(PACKET_ACK, ack);
    this.#setField(PACKET_SEQUENCE, sequence);
    this.#setField(PACKET_MESSAGE_OFFSET, messageOffset);
    this.#setField(PACKET_MESSAGE_LENGTH, messageLength);
  }
}

/** In the byte of the echoed transmission: there is one. */
const ECHO_VALID = 0x80;

/** The kind of a packet without a sequence number. */
function shortKind(length: number, flags: number): PacketKind {
  if (length >= 3) return PacketKind.ACK;
  if (length === 0) return PacketKind.FAULT_EMPTY;
  return length === 1 && (flags & PacketFlag.STOP) !== 0 ? PacketKind.STOP : PacketKind.NOTHING;
}
