import type { Decoder } from "./decoder.ts";
import type { DecodedPacket, ExtendedAck } from "./packet.ts";
import type { ReceiveWindow } from "./receive-window.ts";
import type { SealKey } from "./seal.ts";
import type { SendWindow } from "./send-window.ts";
import type { SequenceNumber } from "./sequence.ts";

/** Which implementation stands behind a {@link Core}. */
export type Engine = "wasm" | "ts";

/** A stretch of {@link Core.bytes}; offset and length in bytes. */
export interface Region {
  readonly offset: number;
  readonly length: number;
}

/** Longest message that a node of this project sends, in bytes (docs/wire.md W2). */
export const MESSAGE_BYTES = 1024;

/** Longest message that is taken in, in bytes: deployed peers were seen to send more than 1024 (docs/wire.md W2). */
export const INBOUND_MESSAGE_BYTES = 1195;

/** Bytes before a message in a data packet: flags, acknowledgement, sequence number (docs/wire.md W2). */
export const DATA_HEADER_BYTES = 5;

/** Most messages that one window may hold; the 16-bit sequence space must stay far larger. */
export const WINDOW_LIMIT = 8192;

/**
 * The memory of one endpoint, and everything that is done to packets in it: the performance-critical part.
 * Two implementations, WebAssembly and pure TypeScript, behave exactly alike. It knows no policy and no clock.
 *
 * @example
 * const core = await createCore({ engine: "auto", poolBytes: 1 << 20 });
 * const window = core.createSendWindow(64);
 * core.bytes.set(new TextEncoder().encode("hello"), window.push(5));
 */
export interface Core {
  readonly engine: Engine;
  /** Why "auto" did not give the wasm engine; absent if it did, or if an engine was asked for by name. */
  readonly fallbackReason?: string;
  /** All of the memory. Sized once: this view never changes and is never detached. */
  readonly bytes: Uint8Array;
  /**
   * Where an outgoing packet is built: at least 256 bytes of headroom for headers, then the MSP packet,
   * {@link TRANSMIT_CAPACITY} bytes.
   */
  readonly transmitRegion: Region;
  /** Where a received datagram is put and opened: 16 KiB. */
  readonly receiveRegion: Region;
  /** Slots of the pool, in all and free at the moment; what receive windows keep after it was taken counts as free. */
  readonly slotCount: number;
  readonly freeSlotCount: number;

  /**
   * Write the 1-byte STOP packet at `offset`, with the bit EXTENSION if it is of a connection that speaks the
   * extension. Returns its length. This packet and all below must lie between the start of {@link Core.transmitRegion}
   * and the end of {@link Core.receiveRegion}; the flags are 0..255: else RangeError.
   */
  encodeStop(offset: number, isExtended?: boolean): number;
  /** Write a 3-byte acknowledgement at `offset`. Returns its length. */
  encodeAck(offset: number, flags: number, ack: SequenceNumber): number;
  /**
   * Write the 4-byte acknowledgement of who speaks the extension, to a peer not known to: the fourth byte is 0
   * (docs/wire.md W13). Sets EXTENSION. Returns its length.
   */
  encodeOpeningAck(offset: number, flags: number, ack: SequenceNumber): number;
  /**
   * Write an extended acknowledgement at `offset`: type and EXTENSION are set, the low four bits of `flags` kept. The
   * bitmap, `report.bitmapLength` bytes, was written at `offset` + {@link EXTENDED_ACK_BYTES} before. Returns the
   * length, 22 + bitmapLength. RangeError for a field out of its range; what saturates may have any value from 0 on.
   *
   * @example
   * report.bitmapBase = sequenceAdd(window.arrived, 1);
   * report.bitmapLength = window.writeBitmap(report.bitmapBase, offset + EXTENDED_ACK_BYTES, 32);
   * const length = core.encodeExtendedAck(offset, flags, sequenceAdd(window.taken, -1), report);
   */
  encodeExtendedAck(offset: number, flags: number, ack: SequenceNumber, report: ExtendedAck): number;
  /**
   * Write a repair at `offset`: the combination of `count` (1..64) messages of the window from `first` on, all sent
   * and not yet acknowledged, under the coefficients of `seed` (0..65535; RFC 8681 section 3.6). Type and EXTENSION
   * are set, the low four bits of `flags` kept. Returns the length, 11 + the longest message. RangeError for anything
   * else. One multiply-add for each message: 0.1 microseconds for 1 KiB with wasm.
   */
  encodeRepair(
    offset: number,
    flags: number,
    ack: SequenceNumber,
    window: SendWindow,
    first: SequenceNumber,
    count: number,
    seed: number,
  ): number;
  /**
   * Write a data packet at `offset`, copying the message (0..1195 bytes; else RangeError) from elsewhere in the memory.
   * Returns its length, 5 + messageLength.
   */
  encodeData(
    offset: number,
    flags: number,
    ack: SequenceNumber,
    sequence: SequenceNumber,
    messageOffset: number,
    messageLength: number,
  ): number;
  /**
   * Decode `length` bytes at `offset`. Never throws, whatever they are (RangeError if they are not in the memory). The
   * returned object is the same at every call.
   */
  decode(offset: number, length: number): DecodedPacket;

  /**
   * A new, empty window over at most `limit` messages (1..8192; else RangeError). Throws a RangeError naming the pool
   * if it has no slot for the window's own record.
   */
  createSendWindow(limit: number): SendWindow;
  createReceiveWindow(limit: number): ReceiveWindow;
  /**
   * A decoder that fills the holes of `window` from repairs. It takes one slot, and one for each equation that it
   * stores. RangeError if the window has one already, was released or is of another core, or if the pool has no slot.
   * Released with its window at the latest.
   */
  createDecoder(window: ReceiveWindow): Decoder;

  /**
   * A key for {@link Core.seal} and {@link Core.open}: a copy of 32 bytes, which are what `crypto_box_beforenm` gives.
   * RangeError for anything else. About 200 bytes of JavaScript's memory; wipe it when it has served.
   *
   * @example
   * const key = core.createSealKey(shared);
   * shared.fill(0);
   */
  createSealKey(bytes: Uint8Array): SealKey;
  /**
   * Seal the `length` bytes of text at `offset` in place as `crypto_box_easy_afternm` does: XSalsa20-Poly1305
   * (docs/wire.md W3.3). Their nonce, 24 bytes never used with this key before, was written at `offset` -
   * {@link SEAL_HEAD_BYTES}; the tag is put between the two. All of it must lie between the start of
   * {@link Core.transmitRegion} and the end of {@link Core.receiveRegion}; RangeError otherwise, and for a key that was
   * wiped or is of another core. The time it takes depends on `length` alone, and on whether the nonce begins with the
   * same 16 bytes as the last one sealed with this key: 1.1 microseconds for 1 KiB with wasm, else 1.3.
   *
   * @example
   * nonces.writeNext(core.bytes, offset - SEAL_HEAD_BYTES);
   * core.seal(key, offset, length);
   */
  seal(key: SealKey, offset: number, length: number): void;
  /**
   * Check and open what was sealed so, nonce first, `length` bytes at `offset` in all; the text then lies at `offset` +
   * {@link SEAL_HEAD_BYTES}. Returns false, and has changed no byte of it, if it is too short or not authentic: nothing
   * is deciphered before the tag has been checked. RangeError as for {@link Core.seal}.
   */
  open(key: SealKey, offset: number, length: number): boolean;
}

/**
 * Bytes of headroom before the MSP packet in {@link Core.transmitRegion}: MAC, nonce, ports, frame and envelope fit.
 */
export const TRANSMIT_HEADROOM = 256;

/** Room for the MSP packet in {@link Core.transmitRegion}, in bytes. */
export const TRANSMIT_CAPACITY = 1280;
