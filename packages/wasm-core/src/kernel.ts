import type { SequenceNumber } from "./sequence.ts";

/**
 * Address of a window's record in the core's memory (src/memory-map.ts), for the kernel that gave it out. Never 0.
 * Its first words are the window's public state, which the checked face reads without a call.
 */
export type WindowHandle = number;

/**
 * What an engine does: numbers in, numbers out, over one memory laid out as src/memory-map.ts says. Arguments are
 * within their ranges already: the classes in src/checked/ see to that, once for both engines. A kernel that is called
 * wrongly all the same throws (TypeScript) or traps (wasm) where it would otherwise corrupt its memory.
 */
export interface Kernel {
  readonly packets: PacketKernel;
  readonly sendWindows: SendWindowKernel;
  readonly receiveWindows: ReceiveWindowKernel;
}

export interface PacketKernel {
  encodeStop(offset: number): number;
  encodeAck(offset: number, flags: number, ack: SequenceNumber): number;
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
  /** The message was sent before, or is `nextUnsent`. */
  markSent(window: WindowHandle, sequence: SequenceNumber, nowMs: number): void;
  /** The message was sent before. */
  markLost(window: WindowHandle, sequence: SequenceNumber): void;
  transmissions(window: WindowHandle, sequence: SequenceNumber): number;
  sentAtMs(window: WindowHandle, sequence: SequenceNumber): number;
  oldestSent(window: WindowHandle): number;
  /** -2 if `sequence` is not in flight. */
  sentAfter(window: WindowHandle, sequence: SequenceNumber): number;
  firstLost(window: WindowHandle): number;
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
  release(window: WindowHandle): void;
}
