import type { RepairKernel, WindowHandle } from "../kernel.ts";
import {
  BLOCK_KIND,
  BLOCK_PAYLOAD,
  KIND_SEND_WINDOW,
  MESSAGE_FLAGS,
  MESSAGE_LENGTH,
  MESSAGE_SEQUENCE,
} from "../memory-map.ts";
import { PacketFlag, PacketType, REPAIR_HEADER_BYTES, SYMBOL_HEADER_BYTES, TYPE_SHIFT } from "../packet.ts";
import { type SequenceNumber, sequenceAdd } from "../sequence.ts";
import { TinyMt32 } from "./coefficients.ts";
import { invariant, type Pool } from "./pool.ts";
import { addSymbol } from "./symbol.ts";
import { indexLookup } from "./window-index.ts";

/** Writes repairs: one multiply-add for each message. */
export class TsRepairs implements RepairKernel {
  readonly #pool: Pool;
  readonly #coefficients = new TinyMt32();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  encode(
    offset: number,
    flags: number,
    ack: SequenceNumber,
    window: WindowHandle,
    first: SequenceNumber,
    count: number,
    seed: number,
  ): number {
    const pool = this.#pool;
    const { bytes } = pool;
    let longest = 0;
    for (let index = 0; index < count; index += 1) {
      const message = this.#message(window, sequenceAdd(first, index));
      longest = Math.max(longest, pool.load(message + MESSAGE_LENGTH));
    }
    const symbol = offset + REPAIR_HEADER_BYTES;
    const symbolLength = SYMBOL_HEADER_BYTES + longest;
    bytes[offset] = PacketFlag.EXTENSION | (PacketType.REPAIR << TYPE_SHIFT) | (flags & 0x0f);
    bytes[offset + 1] = ack;
    bytes[offset + 2] = ack >> 8;
    bytes[offset + 3] = first;
    bytes[offset + 4] = first >> 8;
    bytes[offset + 5] = count;
    bytes[offset + 6] = seed;
    bytes[offset + 7] = seed >> 8;
    bytes.fill(0, symbol, symbol + symbolLength);
    this.#coefficients.start(seed);
    for (let index = 0; index < count; index += 1) {
      const message = this.#message(window, sequenceAdd(first, index));
      const ownFlags = pool.load(message + MESSAGE_FLAGS) & PacketFlag.SHUTDOWN;
      const length = pool.load(message + MESSAGE_LENGTH);
      const factor = this.#coefficients.nextCoefficient();
      addSymbol(bytes, symbol, message + BLOCK_PAYLOAD, length, ownFlags, factor);
    }
    return REPAIR_HEADER_BYTES + symbolLength;
  }

  #message(window: WindowHandle, sequence: SequenceNumber): number {
    const pool = this.#pool;
    invariant(pool.load(window + BLOCK_KIND) === KIND_SEND_WINDOW);
    const message = indexLookup(pool, window, sequence);
    invariant(message !== 0 && pool.load(message + MESSAGE_SEQUENCE) === sequence);
    return message;
  }
}
