import { type Core, DATA_HEADER_BYTES, type Engine, type Region, WINDOW_LIMIT } from "../core.ts";
import type { Decoder } from "../decoder.ts";
import type { Kernel, PacketKernel, SealKernel, WindowHandle } from "../kernel.ts";
import {
  LIST_COUNT,
  PACKET_ACK,
  PACKET_FLAGS,
  PACKET_KIND,
  PACKET_MESSAGE_LENGTH,
  PACKET_MESSAGE_OFFSET,
  PACKET_RECORD,
  PACKET_SEQUENCE,
  PACKETS_END,
  PACKETS_START,
  POOL_FREE_COUNT,
  POOL_KEPT,
  POOL_RECORD,
  POOL_SLOT_COUNT,
  RECEIVE_REGION,
  RECEIVE_REGION_BYTES,
  TRANSMIT_REGION,
  TRANSMIT_REGION_BYTES,
} from "../memory-map.ts";
import {
  BITMAP_BYTES,
  type DecodedPacket,
  EXTENDED_ACK_BYTES,
  type ExtendedAck,
  PacketFlag,
  PacketKind,
  PacketType,
  REPAIR_HEADER_BYTES,
  REPAIR_MESSAGES,
  SYMBOL_BYTES,
  TYPE_SHIFT,
} from "../packet.ts";
import type { ReceiveWindow } from "../receive-window.ts";
import { SEAL_HEAD_BYTES, type SealKey } from "../seal.ts";
import type { SendWindow } from "../send-window.ts";
import type { SequenceNumber } from "../sequence.ts";
import { CheckedDecoder } from "./decoder.ts";
import { checkFlags, checkMessageLength, checkStretch, checkWhole, checkWireNumber } from "./misuse.ts";
import { PacketFields, putExtendedAck, takeExtendedAck, takeRepair } from "./packet-fields.ts";
import { CheckedReceiveWindow } from "./receive-window.ts";
import { SealSlots } from "./seal-keys.ts";
import { CheckedSendWindow } from "./send-window.ts";

/** A {@link Core} over an engine's kernel: the same class for both engines, so that misuse is answered alike. */
export class CheckedCore implements Core {
  readonly engine: Engine;
  /** Only declared, so that it is absent unless there is a reason. */
  declare readonly fallbackReason?: string;
  readonly bytes: Uint8Array;
  readonly transmitRegion: Region = Object.freeze({ offset: TRANSMIT_REGION, length: TRANSMIT_REGION_BYTES });
  readonly receiveRegion: Region = Object.freeze({ offset: RECEIVE_REGION, length: RECEIVE_REGION_BYTES });
  readonly slotCount: number;

  readonly #kernel: Kernel;
  readonly #packets: PacketKernel;
  readonly #seals: SealKernel;
  readonly #sealSlots: SealSlots;
  readonly #words: Int32Array;
  readonly #decoded = new PacketFields();

  constructor(engine: Engine, kernel: Kernel, buffer: ArrayBuffer, fallbackReason?: string) {
    this.engine = engine;
    if (fallbackReason !== undefined) this.fallbackReason = fallbackReason;
    this.bytes = new Uint8Array(buffer);
    this.#kernel = kernel;
    this.#packets = kernel.packets;
    this.#seals = kernel.seals;
    this.#sealSlots = new SealSlots(kernel.seals, this.bytes);
    this.#words = new Int32Array(buffer, 0, PACKETS_START >> 2);
    this.slotCount = this.#word(POOL_RECORD + POOL_SLOT_COUNT);
  }

  get freeSlotCount(): number {
    return this.#word(POOL_RECORD + POOL_FREE_COUNT) + this.#word(POOL_RECORD + POOL_KEPT + LIST_COUNT);
  }

  encodeStop(offset: number, isExtended = false): number {
    checkStretch("packet", offset, 1, PACKETS_START, PACKETS_END);
    return this.#packets.encodeStop(
      offset,
      isExtended ? PacketFlag.STOP | PacketFlag.EXTENSION : PacketFlag.STOP,
    );
  }

  encodeAck(offset: number, flags: number, ack: SequenceNumber): number {
    checkStretch("packet", offset, 3, PACKETS_START, PACKETS_END);
    checkFlags(flags);
    checkWireNumber("acknowledgement", ack);
    return this.#packets.encodeAck(offset, flags, ack);
  }

  encodeOpeningAck(offset: number, flags: number, ack: SequenceNumber): number {
    checkStretch("packet", offset, OPENING_ACK_BYTES, PACKETS_START, PACKETS_END);
    checkFlags(flags);
    checkWireNumber("acknowledgement", ack);
    this.bytes[offset + OPENING_ACK_BYTES - 1] = 0;
    this.#packets.encodeAck(offset, PacketFlag.EXTENSION | (flags & OWN_BITS), ack);
    return OPENING_ACK_BYTES;
  }

  encodeExtendedAck(offset: number, flags: number, ack: SequenceNumber, report: ExtendedAck): number {
    checkWhole("bitmap length", report.bitmapLength, 0, BITMAP_BYTES);
    const length = EXTENDED_ACK_BYTES + report.bitmapLength;
    checkStretch("packet", offset, length, PACKETS_START, PACKETS_END);
    checkFlags(flags);
    checkWireNumber("acknowledgement", ack);
    const type = PacketFlag.EXTENSION | (PacketType.EXTENDED_ACK << TYPE_SHIFT);
    putExtendedAck(this.#words, type | (flags & OWN_BITS), ack, report);
    return this.#packets.encodeExtendedAck(offset);
  }

  encodeRepair(
    offset: number,
    flags: number,
    ack: SequenceNumber,
    window: SendWindow,
    first: SequenceNumber,
    count: number,
    seed: number,
  ): number {
    checkStretch("packet", offset, REPAIR_BYTES, PACKETS_START, PACKETS_END);
    checkFlags(flags);
    checkWireNumber("acknowledgement", ack);
    checkWireNumber("seed", seed);
    checkWhole("messages of a repair", count, 1, REPAIR_MESSAGES);
    if (!(window instanceof CheckedSendWindow)) throw new RangeError("this send window is of no core");
    const handle = window.handleOfSent(this.bytes.buffer, first, count);
    return this.#kernel.repairs.encode(offset, flags, ack, handle, first, count, seed);
  }

  encodeData(
    offset: number,
    flags: number,
    ack: SequenceNumber,
    sequence: SequenceNumber,
    messageOffset: number,
    messageLength: number,
  ): number {
    checkMessageLength(messageLength);
    checkStretch("packet", offset, DATA_HEADER_BYTES + messageLength, PACKETS_START, PACKETS_END);
    checkStretch("message", messageOffset, messageLength, 0, this.bytes.length);
    checkFlags(flags);
    checkWireNumber("acknowledgement", ack);
    checkWireNumber("sequence number", sequence);
    return this.#packets.encodeData(offset, flags, ack, sequence, messageOffset, messageLength);
  }

  decode(offset: number, length: number): DecodedPacket {
    checkWhole("packet length", length, 0, this.bytes.length);
    checkStretch("packet", offset, length, 0, this.bytes.length);
    this.#packets.decode(offset, length);
    const decoded = this.#decoded;
    decoded.kind = this.#word(PACKET_RECORD + PACKET_KIND) as PacketKind;
    decoded.flags = this.#word(PACKET_RECORD + PACKET_FLAGS);
    decoded.ack = this.#word(PACKET_RECORD + PACKET_ACK);
    decoded.sequence = this.#word(PACKET_RECORD + PACKET_SEQUENCE);
    decoded.messageOffset = this.#word(PACKET_RECORD + PACKET_MESSAGE_OFFSET);
    decoded.messageLength = this.#word(PACKET_RECORD + PACKET_MESSAGE_LENGTH);
    decoded.isExtended = (decoded.flags & PacketFlag.EXTENSION) !== 0;
    decoded.transmission =
      decoded.isExtended && decoded.kind === PacketKind.DATA
        ? (decoded.flags >> TYPE_SHIFT) & PacketType.TRANSMISSION_LIMIT
        : 0;
    if (decoded.kind === PacketKind.EXTENDED_ACK) takeExtendedAck(this.#words, decoded.extendedAck);
    if (decoded.kind === PacketKind.REPAIR) takeRepair(this.#words, decoded.repair);
    return decoded;
  }

  createSendWindow(limit: number): SendWindow {
    checkWhole("window limit", limit, 1, WINDOW_LIMIT);
    const handle = this.#created(this.#kernel.sendWindows.create(limit));
    return new CheckedSendWindow(this.#kernel.sendWindows, this.bytes.buffer, handle);
  }

  createReceiveWindow(limit: number): ReceiveWindow {
    checkWhole("window limit", limit, 1, WINDOW_LIMIT);
    const handle = this.#created(this.#kernel.receiveWindows.create(limit));
    return new CheckedReceiveWindow(this.#kernel.receiveWindows, this.bytes.buffer, handle);
  }

  createDecoder(window: ReceiveWindow): Decoder {
    if (!(window instanceof CheckedReceiveWindow)) throw new RangeError("this receive window is of no core");
    const owner = window.handleWithoutDecoder(this.bytes.buffer);
    const handle = this.#created(this.#kernel.decoders.create(owner));
    return new CheckedDecoder(this.#kernel.decoders, this.bytes.buffer, window, handle);
  }

  createSealKey(bytes: Uint8Array): SealKey {
    return this.#sealSlots.createKey(bytes);
  }

  seal(key: SealKey, offset: number, length: number): void {
    checkWhole("text length", length, 0, PACKETS_END);
    checkStretch(
      "sealed text",
      offset - SEAL_HEAD_BYTES,
      SEAL_HEAD_BYTES + length,
      PACKETS_START,
      PACKETS_END,
    );
    this.#seals.seal(this.#sealSlots.slotOf(key), offset - SEAL_HEAD_BYTES, length);
  }

  open(key: SealKey, offset: number, length: number): boolean {
    checkWhole("sealed length", length, 0, PACKETS_END);
    checkStretch("sealed text", offset, length, PACKETS_START, PACKETS_END);
    const slot = this.#sealSlots.slotOf(key);
    if (length < SEAL_HEAD_BYTES) return false;
    return Boolean(this.#seals.open(slot, offset, length - SEAL_HEAD_BYTES));
  }

  #created(handle: WindowHandle): WindowHandle {
    if (handle === 0) {
      throw new RangeError(`the pool has no free slot: all ${this.slotCount} are in use`);
    }
    return handle;
  }

  /** A word of the records below the transmit region. */
  #word(address: number): number {
    return this.#words[address >> 2] as number;
  }
}

const OPENING_ACK_BYTES = 4;
/** Most bytes of a repair. */
const REPAIR_BYTES = REPAIR_HEADER_BYTES + SYMBOL_BYTES;
/** The flag bits that are the caller's in packets whose type the codec sets. */
const OWN_BITS = 0x0f;
