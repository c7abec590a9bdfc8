import { type Core, DATA_HEADER_BYTES, type Engine, type Region, WINDOW_LIMIT } from "../core.ts";
import type { Decoder } from "../decoder.ts";
import type { Kernel, PacketKernel, WindowHandle } from "../kernel.ts";
import {
  PACKET_ACK,
  PACKET_FLAGS,
  PACKET_KIND,
  PACKET_MESSAGE_LENGTH,
  PACKET_MESSAGE_OFFSET,
  PACKET_RECORD,
  PACKET_SEQUENCE,
  POOL_FREE_COUNT,
  POOL_RECORD,
  POOL_SLOT_COUNT,
  RECEIVE_REGION,
  RECEIVE_REGION_BYTES,
  TRANSMIT_REGION,
  TRANSMIT_REGION_BYTES,
} from "../memory-map.ts";
import { type DecodedExtendedAck, type DecodedPacket, type DecodedRepair, PacketKind } from "../packet.ts";
import type { ReceiveWindow } from "../receive-window.ts";
import type { SendWindow } from "../send-window.ts";
import type { SequenceNumber } from "../sequence.ts";
import { checkFlags, checkMessageLength, checkStretch, checkWhole, checkWireNumber } from "./misuse.ts";
import { CheckedReceiveWindow } from "./receive-window.ts";
import { CheckedSendWindow } from "./send-window.ts";

/** The memory between the start of the transmit region and the end of the receive region: packets are written there only. */
const PACKETS_START = TRANSMIT_REGION;
const PACKETS_END = RECEIVE_REGION + RECEIVE_REGION_BYTES;

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
  readonly #words: Int32Array;
  readonly #decoded = new PacketFields();

  constructor(engine: Engine, kernel: Kernel, buffer: ArrayBuffer, fallbackReason?: string) {
    this.engine = engine;
    if (fallbackReason !== undefined) this.fallbackReason = fallbackReason;
    this.bytes = new Uint8Array(buffer);
    this.#kernel = kernel;
    this.#packets = kernel.packets;
    this.#words = new Int32Array(buffer, 0, PACKETS_START >> 2);
    this.slotCount = this.#word(POOL_RECORD + POOL_SLOT_COUNT);
  }

  get freeSlotCount(): number {
    return this.#word(POOL_RECORD + POOL_FREE_COUNT);
  }

  encodeStop(offset: number): number {
    checkStretch("packet", offset, 1, PACKETS_START, PACKETS_END);
    return this.#packets.encodeStop(offset);
  }

  encodeAck(offset: number, flags: number, ack: SequenceNumber): number {
    checkStretch("packet", offset, 3, PACKETS_START, PACKETS_END);
    checkFlags(flags);
    checkWireNumber("acknowledgement", ack);
    return this.#packets.encodeAck(offset, flags, ack);
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

  encodeOpeningAck(): number {
    throw new Error("not built yet");
  }

  encodeExtendedAck(): number {
    throw new Error("not built yet");
  }

  encodeRepair(): number {
    throw new Error("not built yet");
  }

  createDecoder(): Decoder {
    throw new Error("not built yet");
  }

  #created(handle: WindowHandle): WindowHandle {
    if (handle === 0) {
      throw new RangeError(`the pool has no free slot for a window: all ${this.slotCount} are in use`);
    }
    return handle;
  }

  /** A word of the records below the transmit region. */
  #word(address: number): number {
    return this.#words[address >> 2] as number;
  }
}

/** The one object that `decode` fills; of a class, so that its shape never changes. */
class PacketFields implements DecodedPacket {
  kind: PacketKind = PacketKind.FAULT_EMPTY;
  flags = 0;
  ack: SequenceNumber = 0xffff;
  sequence: SequenceNumber = 0;
  messageOffset = 0;
  messageLength = 0;
  isExtended = false;
  transmission = 0;
  extendedAck!: DecodedExtendedAck;
  repair!: DecodedRepair;
}
