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

/** What the bytes of an MSP packet mean (docs/wire.md W2); the first two are faults. */
export const PacketKind = {
  /** No bytes at all. */
  FAULT_EMPTY: 0,
  /** More message bytes than {@link INBOUND_MESSAGE_BYTES}. */
  FAULT_OVERSIZE: 1,
  /** Length 1 with STOP set: the connection is gone. */
  STOP: 2,
  /** Length 1 or 2 that is not a STOP: carries nothing but its flags. */
  NOTHING: 3,
  /** Length 3 or 4: an acknowledgement or a keep-alive. */
  ACK: 4,
  /** Length 5 or more: a message, of no bytes if the length is 5. */
  DATA: 5,
} as const;
export type PacketKind = (typeof PacketKind)[keyof typeof PacketKind];

/** Flag bits of an MSP packet (docs/wire.md W2). */
export const PacketFlag = { SHUTDOWN: 0x01, ACK: 0x02, FIRST: 0x04, STOP: 0x08 } as const;

/** A decoded packet. The codec fills one and the same object at every call: read it before the next. */
export interface DecodedPacket {
  readonly kind: PacketKind;
  /** The whole flag byte, unknown bits included. 0 for FAULT_EMPTY. */
  readonly flags: number;
  /** 0..65535; 65535 where the packet carries none. Valid only if {@link PacketFlag.ACK} is set. */
  readonly ack: SequenceNumber;
  /** 0..65535, of a DATA packet; else 0. */
  readonly sequence: SequenceNumber;
  /** Offset of the message in {@link Core.bytes}, of a DATA packet; else 0. */
  readonly messageOffset: number;
  /** Bytes of the message; 0 unless DATA. */
  readonly messageLength: number;
}

/** What {@link ReceiveWindow.accept} did with a message. */
export const Arrival = {
  /** Kept, and it is the next one in order. */
  IN_ORDER: 0,
  /** Kept, but at least one before it is missing. */
  OUT_OF_ORDER: 1,
  /** Had been received before: nothing kept. */
  DUPLICATE: 2,
  /** Further ahead than the window reaches: nothing kept. */
  AHEAD: 3,
  /** The pool has no free slot: nothing kept. */
  NO_SLOT: 4,
} as const;
export type Arrival = (typeof Arrival)[keyof typeof Arrival];

/**
 * The messages that one side has queued, sent and not yet seen acknowledged, in order of sequence number.
 *
 * Each is in one of three states: *unsent*, *in flight* (sent, listed in order of its last transmission) or
 * *lost* (declared so by the caller, listed in order of declaration). `base` <= `nextUnsent` <= `next`, modulo 2^16.
 * A sequence number passed in must lie within [base, next): anything else throws a RangeError.
 * Worst-case memory: {@link WINDOW_LIMIT} slots and their index, all from the core's pool.
 */
export interface SendWindow {
  /** Oldest message not yet acknowledged; equals `next` if there is none. */
  readonly base: SequenceNumber;
  /** First message never sent; equals `next` if there is none. */
  readonly nextUnsent: SequenceNumber;
  /** Number that the next queued message gets. */
  readonly next: SequenceNumber;
  /** Messages held in any state. */
  readonly heldCount: number;
  readonly inFlightCount: number;
  readonly lostCount: number;

  /**
   * Queue a message of `length` bytes (0..1024; else RangeError). Returns the offset in {@link Core.bytes} to copy
   * it to at once, or -1 if the window holds `limit` messages or the pool is empty.
   */
  push(length: number): number;
  messageOffset(sequence: SequenceNumber): number;
  messageLength(sequence: SequenceNumber): number;
  /** The message's own flag bits, 0 when pushed: SHUTDOWN rides here. */
  messageFlags(sequence: SequenceNumber): number;
  setMessageFlags(sequence: SequenceNumber, flags: number): void;

  /** Note a transmission at `nowMs`: the message goes to the end of the in-flight list; `nextUnsent` moves on past it. An unsent message may be marked only if it is `nextUnsent`: else RangeError. */
  markSent(sequence: SequenceNumber, nowMs: number): void;
  /** Move an in-flight message to the end of the lost list. Does nothing if it is lost already; RangeError if unsent. */
  markLost(sequence: SequenceNumber): void;
  /** Times this message was sent, 0..65535. */
  transmissions(sequence: SequenceNumber): number;
  /** Time of the last transmission as passed to markSent; 0 if never sent. */
  sentAtMs(sequence: SequenceNumber): number;
  /** In-flight message whose last transmission is the oldest, or -1. */
  oldestSent(): SequenceNumber | -1;
  /** The in-flight message sent next after `sequence` (which must be in flight), or -1. */
  sentAfter(sequence: SequenceNumber): SequenceNumber | -1;
  /** The message declared lost first, or -1. */
  firstLost(): SequenceNumber | -1;

  /**
   * Take in a cumulative acknowledgement: every message up to and including `ack` is done and its slot is freed.
   * Returns how many that were (0 for a repetition), or -1, changing nothing, if `ack` is outside
   * [base - 1, nextUnsent - 1] (docs/wire.md W2: an acknowledgement is checked against what was sent).
   */
  acknowledge(ack: SequenceNumber): number;
  /** Give every slot back to the pool; again: nothing happens. Any other use from then on throws a RangeError, and all counts read 0. */
  release(): void;
}

/**
 * The messages that have arrived and that the application has not taken yet.
 * `taken` <= `arrived`, modulo 2^16. Worst-case memory: `limit` slots and their index, all from the core's pool.
 */
export interface ReceiveWindow {
  /** Next number that the application will take. The acknowledgement to send is one less, modulo 2^16 (docs/wire.md W2). */
  readonly taken: SequenceNumber;
  /** Lowest number that has not arrived. */
  readonly arrived: SequenceNumber;
  /** Messages held, in order or not. */
  readonly heldCount: number;
  /**
   * Copy a message of `length` bytes (0..1195; else RangeError) at `offset` of {@link Core.bytes} into a slot.
   * It is kept if its number is 0 .. limit-1 ahead of `taken`, and nothing has arrived under that number.
   * A number more than 32767 ahead of `taken` counts as behind: DUPLICATE.
   */
  accept(sequence: SequenceNumber, offset: number, length: number, flags: number): Arrival;
  /** Offset in {@link Core.bytes} of message `taken`, or -1 if it has not arrived. */
  frontOffset(): number;
  /** Its length in bytes; -1 if it has not arrived. */
  frontLength(): number;
  /** Its packet's flag byte; -1 if it has not arrived. */
  frontFlags(): number;
  /** Let message `taken` go: its slot is freed and `taken` moves on. RangeError if it has not arrived. */
  take(): void;
  /** Give every slot back to the pool; again: nothing happens. Any other use from then on throws a RangeError, and all counts read 0. */
  release(): void;
}

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
  /** Where an outgoing packet is built: at least 256 bytes of headroom for headers, then the MSP packet, {@link TRANSMIT_CAPACITY} bytes. */
  readonly transmitRegion: Region;
  /** Where a received datagram is put and opened: 16 KiB. */
  readonly receiveRegion: Region;
  /** Slots of the pool, in all and free at the moment. */
  readonly slotCount: number;
  readonly freeSlotCount: number;

  /**
   * Write the 1-byte STOP packet at `offset`. Returns its length. This packet and the next two must lie between the
   * start of {@link Core.transmitRegion} and the end of {@link Core.receiveRegion}; the flags are 0..255: else RangeError.
   */
  encodeStop(offset: number): number;
  /** Write a 3-byte acknowledgement at `offset`. Returns its length. */
  encodeAck(offset: number, flags: number, ack: SequenceNumber): number;
  /** Write a data packet at `offset`, copying the message (0..1195 bytes; else RangeError) from elsewhere in the memory. Returns its length, 5 + messageLength. */
  encodeData(
    offset: number,
    flags: number,
    ack: SequenceNumber,
    sequence: SequenceNumber,
    messageOffset: number,
    messageLength: number,
  ): number;
  /** Decode `length` bytes at `offset`. Never throws, whatever they are (RangeError if they are not in the memory). The returned object is the same at every call. */
  decode(offset: number, length: number): DecodedPacket;

  /** A new, empty window over at most `limit` messages (1..8192; else RangeError). Throws a RangeError naming the pool if it has no slot for the window's own record. */
  createSendWindow(limit: number): SendWindow;
  createReceiveWindow(limit: number): ReceiveWindow;
}

/** Bytes of headroom before the MSP packet in {@link Core.transmitRegion}: MAC, nonce, ports, frame and envelope fit. */
export const TRANSMIT_HEADROOM = 256;

/** Room for the MSP packet in {@link Core.transmitRegion}, in bytes. */
export const TRANSMIT_CAPACITY = 1280;
