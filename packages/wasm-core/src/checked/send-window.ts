import { MESSAGE_BYTES } from "../core.ts";
import type { SendWindowKernel, WindowHandle } from "../kernel.ts";
import {
  SEND_BASE,
  SEND_HELD,
  SEND_IN_FLIGHT,
  SEND_LOST,
  SEND_NEXT,
  SEND_NEXT_UNSENT,
} from "../memory-map.ts";
import type { DeliverySample, SendWindow } from "../send-window.ts";
import type { SequenceNumber } from "../sequence.ts";
import { checkFlags, checkWhole, checkWireNumber, throwReleased } from "./misuse.ts";

const STATE_WORDS = 8;
const RELEASED = new Int32Array(0);

/** A send window whose arguments are checked; the work is the kernel's. */
export class CheckedSendWindow implements SendWindow {
  readonly #kernel: SendWindowKernel;
  #handle: WindowHandle;
  /** The window's public words, read in place; empty once it is released. */
  #state: Int32Array;

  constructor(kernel: SendWindowKernel, buffer: ArrayBufferLike, handle: WindowHandle) {
    this.#kernel = kernel;
    this.#handle = handle;
    this.#state = new Int32Array(buffer, handle, STATE_WORDS);
  }

  get base(): SequenceNumber {
    return this.#state[SEND_BASE >> 2] ?? 0;
  }

  get nextUnsent(): SequenceNumber {
    return this.#state[SEND_NEXT_UNSENT >> 2] ?? 0;
  }

  get next(): SequenceNumber {
    return this.#state[SEND_NEXT >> 2] ?? 0;
  }

  get heldCount(): number {
    return this.#state[SEND_HELD >> 2] ?? 0;
  }

  get inFlightCount(): number {
    return this.#state[SEND_IN_FLIGHT >> 2] ?? 0;
  }

  get lostCount(): number {
    return this.#state[SEND_LOST >> 2] ?? 0;
  }

  push(length: number): number {
    checkWhole("message length", length, 0, MESSAGE_BYTES);
    return this.#kernel.push(this.#live(), length);
  }

  messageOffset(sequence: SequenceNumber): number {
    this.#checkHeld(sequence);
    return this.#kernel.messageOffset(this.#handle, sequence);
  }

  messageLength(sequence: SequenceNumber): number {
    this.#checkHeld(sequence);
    return this.#kernel.messageLength(this.#handle, sequence);
  }

  messageFlags(sequence: SequenceNumber): number {
    this.#checkHeld(sequence);
    return this.#kernel.messageFlags(this.#handle, sequence);
  }

  setMessageFlags(sequence: SequenceNumber, flags: number): void {
    this.#checkHeld(sequence);
    checkFlags(flags);
    this.#kernel.setMessageFlags(this.#handle, sequence, flags);
  }

  markSent(sequence: SequenceNumber, nowMs: number): void {
    this.#checkHeld(sequence);
    if (sequence !== this.nextUnsent && !this.#wasSent(sequence)) {
      throw new RangeError(`message ${sequence} may not be sent before message ${this.nextUnsent}`);
    }
    this.#kernel.markSent(this.#handle, sequence, nowMs);
  }

  markLost(sequence: SequenceNumber): void {
    this.#checkHeld(sequence);
    if (!this.#wasSent(sequence)) throw new RangeError(`message ${sequence} was never sent`);
    this.#kernel.markLost(this.#handle, sequence);
  }

  transmissions(sequence: SequenceNumber): number {
    this.#checkHeld(sequence);
    return this.#kernel.transmissions(this.#handle, sequence);
  }

  sentAtMs(sequence: SequenceNumber): number {
    this.#checkHeld(sequence);
    return this.#kernel.sentAtMs(this.#handle, sequence);
  }

  oldestSent(): SequenceNumber | -1 {
    return this.#kernel.oldestSent(this.#live());
  }

  sentAfter(sequence: SequenceNumber): SequenceNumber | -1 {
    this.#checkHeld(sequence);
    const after = this.#kernel.sentAfter(this.#handle, sequence);
    if (after === -2) throw new RangeError(`message ${sequence} is not in flight`);
    return after;
  }

  firstLost(): SequenceNumber | -1 {
    return this.#kernel.firstLost(this.#live());
  }

  acknowledge(ack: SequenceNumber): number {
    checkWireNumber("acknowledgement", ack);
    return this.#kernel.acknowledge(this.#live(), ack);
  }

  get arrived(): SequenceNumber {
    throw new Error("not built yet");
  }
  get arrivedCount(): number {
    throw new Error("not built yet");
  }
  get deliveredCount(): number {
    throw new Error("not built yet");
  }
  get missingSentAtMs(): number {
    throw new Error("not built yet");
  }
  get sample(): DeliverySample {
    throw new Error("not built yet");
  }
  markMissing(): number {
    throw new Error("not built yet");
  }
  markOverdue(): number {
    throw new Error("not built yet");
  }
  isArrived(): boolean {
    throw new Error("not built yet");
  }
  beginSample(): void {
    throw new Error("not built yet");
  }
  markAppLimited(): void {
    throw new Error("not built yet");
  }
  arriveThrough(): number {
    throw new Error("not built yet");
  }
  arriveBitmap(): number {
    throw new Error("not built yet");
  }

  release(): void {
    if (this.#handle === 0) return;
    this.#kernel.release(this.#handle);
    this.#handle = 0;
    this.#state = RELEASED;
  }

  #live(): WindowHandle {
    if (this.#handle === 0) throwReleased();
    return this.#handle;
  }

  #checkHeld(sequence: SequenceNumber): void {
    this.#live();
    // The first comparison also turns away fractions, NaN and what lies outside 0..65535.
    if ((sequence & 0xffff) !== sequence || ((sequence - this.base) & 0xffff) >= this.heldCount) {
      throw new RangeError(
        `message ${sequence} is not in the window: it holds ${this.heldCount} from ${this.base} on`,
      );
    }
  }

  #wasSent(sequence: SequenceNumber): boolean {
    return ((sequence - this.base) & 0xffff) < ((this.nextUnsent - this.base) & 0xffff);
  }
}
