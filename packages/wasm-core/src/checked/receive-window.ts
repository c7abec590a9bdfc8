import type { ReceiveWindowKernel, WindowHandle } from "../kernel.ts";
import { RECEIVE_ARRIVED, RECEIVE_HELD, RECEIVE_TAKEN } from "../memory-map.ts";
import type { Arrival, ReceiveWindow } from "../receive-window.ts";
import type { SequenceNumber } from "../sequence.ts";
import { checkFlags, checkMessageLength, checkStretch, checkWireNumber, throwReleased } from "./misuse.ts";

const STATE_WORDS = 3;
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
    throw new Error("not built yet");
  }
  get keptCount(): number {
    throw new Error("not built yet");
  }
  get limit(): number {
    throw new Error("not built yet");
  }
  hasArrived(): boolean {
    throw new Error("not built yet");
  }
  writeBitmap(): number {
    throw new Error("not built yet");
  }
  keepTaken(): void {
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

  #frontArrived(): boolean {
    this.#live();
    return this.taken !== this.arrived;
  }
}
