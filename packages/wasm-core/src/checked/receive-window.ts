import type { ReceiveWindowKernel, WindowHandle } from "../kernel.ts";
import {
  PACKETS_END,
  PACKETS_START,
  RECEIVE_ARRIVED,
  RECEIVE_DECODER,
  RECEIVE_HELD,
  RECEIVE_HIGHEST,
  RECEIVE_KEPT,
  RECEIVE_TAKEN,
  WINDOW_MESSAGES_LIMIT,
} from "../memory-map.ts";
import { BITMAP_BYTES } from "../packet.ts";
import type { Arrival, ReceiveWindow } from "../receive-window.ts";
import type { SequenceNumber } from "../sequence.ts";
import {
  checkFlags,
  checkMessageLength,
  checkStretch,
  checkWhole,
  checkWireNumber,
  throwReleased,
} from "./misuse.ts";

const STATE_WORDS = 15;
/** Most messages kept after they were taken. */
const KEEP_LIMIT = 128;
const RELEASED = new Int32Array(0);

/** A receive window whose arguments are checked; the work is the kernel's. */
export class CheckedReceiveWindow implements ReceiveWindow {
  readonly #kernel: ReceiveWindowKernel;
  readonly #memoryBytes: number;
  #handle: WindowHandle;
  /** The window's public words, read in place; empty once it is released. */
  #state: Int32Array;

  constructor(kernel: ReceiveWindowKernel, buffer: ArrayBufferLike, handle: WindowHandle) {
    this.#kernel = kernel;
    this.#memoryBytes = buffer.byteLength;
    this.#handle = handle;
    this.#state = new Int32Array(buffer, handle, STATE_WORDS);
  }

  get taken(): SequenceNumber {
    return this.#state[RECEIVE_TAKEN >> 2] ?? 0;
  }

  get arrived(): SequenceNumber {
    return this.#state[RECEIVE_ARRIVED >> 2] ?? 0;
  }

  get heldCount(): number {
    return this.#state[RECEIVE_HELD >> 2] ?? 0;
  }

  accept(sequence: SequenceNumber, offset: number, length: number, flags: number): Arrival {
    checkWireNumber("sequence number", sequence);
    checkMessageLength(length);
    checkStretch("message", offset, length, 0, this.#memoryBytes);
    checkFlags(flags);
    return this.#kernel.accept(this.#live(), sequence, offset, length, flags) as Arrival;
  }

  frontOffset(): number {
    return this.#frontArrived() ? this.#kernel.frontOffset(this.#handle) : -1;
  }

  frontLength(): number {
    return this.#frontArrived() ? this.#kernel.frontLength(this.#handle) : -1;
  }

  frontFlags(): number {
    return this.#frontArrived() ? this.#kernel.frontFlags(this.#handle) : -1;
  }

  take(): void {
    if (!this.#frontArrived()) throw new RangeError(`message ${this.taken} has not arrived`);
    this.#kernel.take(this.#handle);
  }

  get highest(): SequenceNumber {
    return this.#state[RECEIVE_HIGHEST >> 2] ?? 0;
  }

  get keptCount(): number {
    return this.#state[RECEIVE_KEPT >> 2] ?? 0;
  }

  get limit(): number {
    return this.#state[WINDOW_MESSAGES_LIMIT >> 2] ?? 0;
  }

  hasArrived(sequence: SequenceNumber): boolean {
    checkWireNumber("sequence number", sequence);
    return Boolean(this.#kernel.hasArrived(this.#live(), sequence));
  }

  writeBitmap(base: SequenceNumber, offset: number, maxBytes: number): number {
    checkWireNumber("bitmap base", base);
    checkWhole("bitmap length", maxBytes, 0, BITMAP_BYTES);
    checkStretch("bitmap", offset, maxBytes, PACKETS_START, PACKETS_END);
    return this.#kernel.writeBitmap(this.#live(), base, offset, maxBytes);
  }

  keepTaken(count: number): void {
    checkWhole("messages to keep", count, 0, KEEP_LIMIT);
    this.#kernel.keepTaken(this.#live(), count);
  }

  release(): void {
    if (this.#handle === 0) return;
    this.#kernel.release(this.#handle);
    this.#handle = 0;
    this.#state = RELEASED;
  }

  /** For the core: the window's decoder has its slots no longer. */
  get isReleased(): boolean {
    return this.#handle === 0;
  }

  /** For the core: the handle, if the window is in that memory and has no decoder; else RangeError. */
  handleWithoutDecoder(buffer: ArrayBufferLike): WindowHandle {
    const handle = this.#live();
    if (this.#state.buffer !== buffer) throw new RangeError("this window is of another core");
    if (this.#state[RECEIVE_DECODER >> 2] !== 0) throw new RangeError("this window has a decoder already");
    return handle;
  }

  #live(): WindowHandle {
    if (this.#handle === 0) throwReleased();
    return this.#handle;
  }

  #frontArrived(): boolean {
    this.#live();
    return this.taken !== this.arrived;
  }
}
