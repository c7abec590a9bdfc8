import type { SequenceNumber } from "./sequence.ts";

/**
 * Address of a window's record in the core's memory (src/memory-map.ts), for the kernel that gave it out. Never 0.
 * Its first words are the window's public state, which the checked face reads without a call.
 */
export type WindowHandle = number;

/** The same of a decoder. */
export type DecoderHandle = number;

/**
 * What an engine does: numbers in, numbers out, over one memory laid out as src/memory-map.ts says. Arguments are
 * within their ranges already: the classes in src/checked/ see to that, once for both engines. A kernel that is called
 * wrongly all the same throws (TypeScript) or traps (wasm) where it would otherwise corrupt its memory.
 */
export interface Kernel {
  readonly packets: PacketKernel;
  readonly sendWindows: SendWindowKernel;
  readonly receiveWindows: ReceiveWindowKernel;
  readonly repairs: RepairKernel;
  readonly decoders: DecoderKernel;
  readonly seals: SealKernel;
}

export interface PacketKernel {
  encodeStop(offset: number, flags: number): number;
  encodeAck(offset: number, flags: number, ack: SequenceNumber): number;
  /** Its fields are in the record at PACKET_RECORD, the bitmap is in place. */
  encodeExtendedAck(offset: number): number;
  encodeData(
    offset: number,
    flags: number,
    ack: SequenceNumber,
    sequence: SequenceNumber,
    messageOffset: number,
    messageLength: number,
  ): number;
  /** Fills the record at PACKET_RECORD. */
  decode(offset: number, length: number): void;
}

/** Every sequence number passed in lies within [base, next) of its window. */
export interface SendWindowKernel {
  /** A new window, or 0 if the pool is empty. */
  create(limit: number): WindowHandle;
  push(window: WindowHandle, length: number): number;
  messageOffset(window: WindowHandle, sequence: SequenceNumber): number;
  messageLength(window: WindowHandle, sequence: SequenceNumber): number;
  messageFlags(window: WindowHandle, sequence: SequenceNumber): number;
  setMessageFlags(window: WindowHandle, sequence: SequenceNumber, flags: number): void;
  /** The message was sent before, or is `nextUnsent`. 0, changing nothing, if it has arrived; else 1. */
  markSent(window: WindowHandle, sequence: SequenceNumber, nowMs: number): number;
  /** The message was sent before. 0, changing nothing, if it has arrived; else 1. */
  markLost(window: WindowHandle, sequence: SequenceNumber): number;
  markMissing(
    window: WindowHandle,
    arrived: SequenceNumber,
    base: SequenceNumber,
    offset: number,
    length: number,
    sentBeforeMs: number,
  ): number;
  markOverdue(window: WindowHandle, sentBeforeMs: number): number;
  transmissions(window: WindowHandle, sequence: SequenceNumber): number;
  sentAtMs(window: WindowHandle, sequence: SequenceNumber): number;
  oldestSent(window: WindowHandle): number;
  /** -2 if `sequence` is not in flight. */
  sentAfter(window: WindowHandle, sequence: SequenceNumber): number;
  firstLost(window: WindowHandle): number;
  /** True, or 1. */
  isArrived(window: WindowHandle, sequence: SequenceNumber): boolean | number;
  /** Clears the record at SAMPLE_RECORD, which all that arrives in this window then fills. */
  beginSample(window: WindowHandle, nowMs: number): void;
  markAppLimited(window: WindowHandle): void;
  arriveThrough(window: WindowHandle, arrived: SequenceNumber): number;
  arriveBitmap(window: WindowHandle, base: SequenceNumber, offset: number, length: number): number;
  acknowledge(window: WindowHandle, ack: SequenceNumber): number;
  release(window: WindowHandle): void;
}

export interface ReceiveWindowKernel {
  /** A new window, or 0 if the pool is empty. */
  create(limit: number): WindowHandle;
  /** An Arrival. */
  accept(
    window: WindowHandle,
    sequence: SequenceNumber,
    offset: number,
    length: number,
    flags: number,
  ): number;
  /** Of the message `taken`, which has arrived; the same holds for the next three. */
  frontOffset(window: WindowHandle): number;
  frontLength(window: WindowHandle): number;
  frontFlags(window: WindowHandle): number;
  take(window: WindowHandle): void;
  /** True, or 1. */
  hasArrived(window: WindowHandle, sequence: SequenceNumber): boolean | number;
  writeBitmap(window: WindowHandle, base: SequenceNumber, offset: number, maxBytes: number): number;
  keepTaken(window: WindowHandle, count: number): void;
  release(window: WindowHandle): void;
}

export interface RepairKernel {
  /** `count` is 1..64, and all messages are held and were sent. */
  encode(
    offset: number,
    flags: number,
    ack: SequenceNumber,
    window: WindowHandle,
    first: SequenceNumber,
    count: number,
    seed: number,
  ): number;
}

export interface DecoderKernel {
  /** A decoder of a window that has none, or 0 if the pool is empty. */
  create(window: WindowHandle): DecoderHandle;
  /** A RepairOutcome. Fills the record at RECOVERED_RECORD, as the next does. */
  addRepair(
    decoder: DecoderHandle,
    first: SequenceNumber,
    count: number,
    seed: number,
    offset: number,
    length: number,
  ): number;
  handleArrival(decoder: DecoderHandle, sequence: SequenceNumber): number;
  missingRank(decoder: DecoderHandle): number;
  /** Not after the window's release, which does it too. */
  release(decoder: DecoderHandle): void;
}

/** Sealing by the key in a slot: nonce at `offset`, then the tag, then `length` bytes of text. */
export interface SealKernel {
  /** The 32 bytes of a new key were written to the slot. */
  keyLoaded(slot: number): void;
  wipe(slot: number): void;
  seal(slot: number, offset: number, length: number): void;
  /** True, or 1, and the text is open; false, or 0, and no byte was changed: it is not authentic. */
  open(slot: number, offset: number, length: number): boolean | number;
}
