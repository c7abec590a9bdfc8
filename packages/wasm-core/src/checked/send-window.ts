import { MESSAGE_BYTES } from "../core.ts";
import type { SendWindowKernel, WindowHandle } from "../kernel.ts";
import {
  SEND_ARRIVED,
  SEND_ARRIVED_COUNT,
  SEND_BASE,
  SEND_DELIVERED,
  SEND_HELD,
  SEND_IN_FLIGHT,
  SEND_LOST,
  SEND_MISSING_SENT_AT_MS,
  SEND_NEXT,
  SEND_NEXT_UNSENT,
} from "../memory-map.ts";
import { BITMAP_BYTES } from "../packet.ts";
import type { DeliverySample, SendWindow } from "../send-window.ts";
import type { SequenceNumber } from "../sequence.ts";
import { checkFlags, checkStretch, checkTime, checkWhole, checkWireNumber, throwReleased } from "./misuse.ts";
import { SampleFields } from "./sample.ts";

const STATE_WORDS = 12;
const TIME_FLOATS = 6;
const RELEASED = new Int32Array(0);
const RELEASED_TIMES = new Float64Array(0);

/** A send window whose arguments are checked; the work is the kernel's. */
export class CheckedSendWindow implements SendWindow {
  readonly #kernel: SendWindowKernel;
  #handle: WindowHandle;
  /** The window's public words, read in place; empty once it is released. */
  #state: Int32Array;
  /** The same of the floats from SEND_DELIVERED on. */
  #times: Float64Array;
  readonly #memoryBytes: number;
  readonly #sample: SampleFields;

  constructor(kernel: SendWindowKernel, buffer: ArrayBufferLike, handle: WindowHandle) {
    this.#kernel = kernel;
    this.#handle = handle;
    this.#state = new Int32Array(buffer, handle, STATE_WORDS);
    this.#times = new Float64Array(buffer, handle + SEND_DELIVERED, TIME_FLOATS);
    this.#memoryBytes = buffer.byteLength;
    this.#sample = new SampleFields(buffer);
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

  get arrived(): SequenceNumber {
    return this.#state[SEND_ARRIVED >> 2] ?? 0;
  }

  get arrivedCount(): number {
    return this.#state[SEND_ARRIVED_COUNT >> 2] ?? 0;
  }

  get deliveredCount(): number {
    return this.#times[0] ?? 0;
  }

  get missingSentAtMs(): number {
    return this.#times[(SEND_MISSING_SENT_AT_MS - SEND_DELIVERED) >> 3] ?? Number.POSITIVE_INFINITY;
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
    checkTime("nowMs", nowMs);
    if (this.#kernel.markSent(this.#handle, sequence, nowMs) === 0) throwArrived(sequence);
  }

  markLost(sequence: SequenceNumber): void {
    this.#checkHeld(sequence);
    if (!this.#wasSent(sequence)) throw new RangeError(`message ${sequence} was never sent`);
    if (this.#kernel.markLost(this.#handle, sequence) === 0) throwArrived(sequence);
  }

  markMissing(
    arrived: SequenceNumber,
    base: SequenceNumber,
    offset: number,
    length: number,
    sentBeforeMs: number,
  ): number {
    checkWireNumber("arrived", arrived);
    this.#checkBitmap(base, offset, length);
    checkTime("sentBeforeMs", sentBeforeMs);
    return this.#kernel.markMissing(this.#live(), arrived, base, offset, length, sentBeforeMs);
  }

  markOverdue(sentBeforeMs: number): number {
    checkTime("sentBeforeMs", sentBeforeMs);
    return this.#kernel.markOverdue(this.#live(), sentBeforeMs);
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

  isArrived(sequence: SequenceNumber): boolean {
    this.#checkHeld(sequence);
    return Boolean(this.#kernel.isArrived(this.#handle, sequence));
  }

  beginSample(nowMs: number): void {
    checkTime("nowMs", nowMs);
    this.#kernel.beginSample(this.#live(), nowMs);
  }

  get sample(): DeliverySample {
    this.#sample.take(this.#live());
    return this.#sample;
  }

  markAppLimited(): void {
    this.#kernel.markAppLimited(this.#live());
  }

  arriveThrough(arrived: SequenceNumber): number {
    checkWireNumber("arrived", arrived);
    return this.#kernel.arriveThrough(this.#live(), arrived);
  }

  arriveBitmap(base: SequenceNumber, offset: number, length: number): number {
    this.#checkBitmap(base, offset, length);
    return this.#kernel.arriveBitmap(this.#live(), base, offset, length);
  }

  acknowledge(ack: SequenceNumber): number {
    checkWireNumber("acknowledgement", ack);
    return this.#kernel.acknowledge(this.#live(), ack);
  }

  release(): void {
    if (this.#handle === 0) return;
    this.#kernel.release(this.#handle);
    this.#handle = 0;
    this.#state = RELEASED;
    this.#times = RELEASED_TIMES;
  }

  /**
   * For the core: the handle, if the window is in that memory and all `count` messages from `first` on are held and
   * were sent; else RangeError.
   */
  handleOfSent(buffer: ArrayBufferLike, first: SequenceNumber, count: number): WindowHandle {
    const handle = this.#live();
    if (this.#state.buffer !== buffer) throw new RangeError("this window is of another core");
    this.#checkHeld(first);
    const sentCount = (this.nextUnsent - first) & 0xffff;
    if (!this.#wasSent(first) || count > sentCount) {
      throw new RangeError(
        `${count} messages from ${first} on were not all sent: the next is ${this.nextUnsent}`,
      );
    }
    return handle;
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

  #checkBitmap(base: SequenceNumber, offset: number, length: number): void {
    checkWireNumber("bitmap base", base);
    checkWhole("bitmap length", length, 0, BITMAP_BYTES);
    checkStretch("bitmap", offset, length, 0, this.#memoryBytes);
  }

  #wasSent(sequence: SequenceNumber): boolean {
    return ((sequence - this.base) & 0xffff) < ((this.nextUnsent - this.base) & 0xffff);
  }
}

function throwArrived(sequence: SequenceNumber): never {
  throw new RangeError(`message ${sequence} has arrived`);
}
