import { DECODER_UNKNOWNS, type Decoder, type RepairOutcome } from "../decoder.ts";
import type { DecoderHandle, DecoderKernel } from "../kernel.ts";
import {
  DECODER_CONTRADICTIONS,
  DECODER_ROWS,
  RECOVERED_COUNT,
  RECOVERED_NUMBERS,
  RECOVERED_RECORD,
} from "../memory-map.ts";
import { REPAIR_COUNT_LIMIT, SYMBOL_BYTES, SYMBOL_HEADER_BYTES } from "../packet.ts";
import type { SequenceNumber } from "../sequence.ts";
import { checkStretch, checkWhole, checkWireNumber } from "./misuse.ts";
import type { CheckedReceiveWindow } from "./receive-window.ts";

const STATE_WORDS = 4;

/** A decoder whose arguments are checked; the work is the kernel's. */
export class CheckedDecoder implements Decoder {
  readonly #kernel: DecoderKernel;
  readonly #window: CheckedReceiveWindow;
  readonly #memoryBytes: number;
  #handle: DecoderHandle;
  /** The decoder's public words, read in place. */
  readonly #state: Int32Array;
  readonly #recovered: Int32Array;

  constructor(
    kernel: DecoderKernel,
    buffer: ArrayBufferLike,
    window: CheckedReceiveWindow,
    handle: DecoderHandle,
  ) {
    this.#kernel = kernel;
    this.#window = window;
    this.#memoryBytes = buffer.byteLength;
    this.#handle = handle;
    this.#state = new Int32Array(buffer, handle, STATE_WORDS);
    const recoveredWords = (RECOVERED_NUMBERS >> 2) + DECODER_UNKNOWNS;
    this.#recovered = new Int32Array(buffer, RECOVERED_RECORD, recoveredWords);
  }

  get missingRank(): number {
    return this.#isReleased ? 0 : this.#kernel.missingRank(this.#handle);
  }

  get storedCount(): number {
    return this.#isReleased ? 0 : (this.#state[DECODER_ROWS >> 2] as number);
  }

  get contradictionCount(): number {
    return this.#isReleased ? 0 : (this.#state[DECODER_CONTRADICTIONS >> 2] as number);
  }

  get recoveredCount(): number {
    return this.#isReleased ? 0 : (this.#recovered[RECOVERED_COUNT >> 2] as number);
  }

  addRepair(
    first: SequenceNumber,
    count: number,
    seed: number,
    offset: number,
    length: number,
  ): RepairOutcome {
    checkWireNumber("sequence number", first);
    checkWhole("messages of a repair", count, 1, REPAIR_COUNT_LIMIT);
    checkWireNumber("seed", seed);
    checkWhole("symbol length", length, SYMBOL_HEADER_BYTES, SYMBOL_BYTES);
    checkStretch("symbol", offset, length, 0, this.#memoryBytes);
    return this.#kernel.addRepair(this.#live(), first, count, seed, offset, length) as RepairOutcome;
  }

  handleArrival(sequence: SequenceNumber): number {
    checkWireNumber("sequence number", sequence);
    return this.#kernel.handleArrival(this.#live(), sequence);
  }

  recovered(index: number): SequenceNumber {
    checkWhole("index of a recovered message", index, 0, this.recoveredCount - 1);
    return this.#recovered[(RECOVERED_NUMBERS >> 2) + index] as number;
  }

  release(): void {
    if (this.#isReleased) return;
    this.#kernel.release(this.#handle);
    this.#handle = 0;
  }

  get #isReleased(): boolean {
    return this.#handle === 0 || this.#window.isReleased;
  }

  #live(): DecoderHandle {
    if (this.#isReleased) throw new RangeError("this decoder was released");
    return this.#handle;
  }
}
