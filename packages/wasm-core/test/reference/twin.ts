import { Arrival, PacketKind } from "../../src/index.ts";
import type { PlainFields } from "../support.ts";

// A slow and readable account of what a core does, in plain arrays and maps, written from the comments of
// src/core.ts and docs/wire.md W2 alone. It has no memory: a message is an array of bytes of its own.

const LAP = 65536;

function after(sequence: number, steps: number): number {
  return (((sequence + steps) % LAP) + LAP) % LAP;
}

/** Counts the slots that windows take. */
export class TwinPool {
  readonly slotCount: number;
  readonly windows: (TwinSendWindow | TwinReceiveWindow)[] = [];

  constructor(slotCount: number) {
    this.slotCount = slotCount;
  }

  get freeSlotCount(): number {
    return this.windows.reduce((free, window) => free - window.slotCount, this.slotCount);
  }

  createSendWindow(limit: number): TwinSendWindow {
    return this.#created(new TwinSendWindow(this, limit));
  }

  createReceiveWindow(limit: number): TwinReceiveWindow {
    return this.#created(new TwinReceiveWindow(this, limit));
  }

  #created<Window extends TwinSendWindow | TwinReceiveWindow>(window: Window): Window {
    if (this.freeSlotCount < 1) throw new RangeError("the pool is empty");
    this.windows.push(window);
    return window;
  }
}

/**
 * Slots of a window: its own, one for each message, and one for each page of 256 index entries in use but the first,
 * which lies in the window's own slot.
 */
function slotsOf(limit: number, numbers: readonly number[]): number {
  const indexSize = [256, 512, 1024, 2048, 4096, 8192].find((size) => size >= limit) as number;
  const pages = new Set(numbers.map((sequence) => Math.floor((sequence % indexSize) / 256)));
  pages.delete(0);
  return 1 + numbers.length + pages.size;
}

interface TwinMessage {
  readonly sequence: number;
  readonly bytes: Uint8Array;
  flags: number;
  transmissions: number;
  sentAtMs: number;
}

export class TwinSendWindow {
  readonly limit: number;
  /** Slots that the window takes at the moment. */
  slotCount = 1;
  readonly #pool: TwinPool;
  /** All held messages, the oldest first. */
  #messages: TwinMessage[] = [];
  /** Sequence numbers, in order of last transmission and in order of declaration. */
  #inFlight: number[] = [];
  #lost: number[] = [];
  next = 0;

  constructor(pool: TwinPool, limit: number) {
    this.#pool = pool;
    this.limit = limit;
  }

  get base(): number {
    return this.#messages[0]?.sequence ?? this.next;
  }

  get nextUnsent(): number {
    return this.#messages.find((message) => message.transmissions === 0)?.sequence ?? this.next;
  }

  get heldCount(): number {
    return this.#messages.length;
  }

  get inFlightCount(): number {
    return this.#inFlight.length;
  }

  get lostCount(): number {
    return this.#lost.length;
  }

  numbers(): number[] {
    return this.#messages.map((message) => message.sequence);
  }

  /** True where the core's `push` returns an offset. */
  push(bytes: Uint8Array): boolean {
    if (bytes.length > 1024) throw new RangeError("too long");
    const slotCount = slotsOf(this.limit, [...this.numbers(), this.next]);
    if (this.heldCount === this.limit || slotCount - this.slotCount > this.#pool.freeSlotCount) return false;
    this.slotCount = slotCount;
    this.#messages.push({ sequence: this.next, bytes, flags: 0, transmissions: 0, sentAtMs: 0 });
    this.next = after(this.next, 1);
    return true;
  }

  message(sequence: number): TwinMessage {
    const message = this.#messages.find((held) => held.sequence === sequence);
    if (message === undefined) throw new RangeError("not held");
    return message;
  }

  markSent(sequence: number, nowMs: number): void {
    const message = this.message(sequence);
    if (message.transmissions === 0 && sequence !== this.nextUnsent) throw new RangeError("not its turn");
    this.#lost = this.#lost.filter((other) => other !== sequence);
    this.#inFlight = [...this.#inFlight.filter((other) => other !== sequence), sequence];
    message.transmissions = Math.min(message.transmissions + 1, 65535);
    message.sentAtMs = nowMs;
  }

  markLost(sequence: number): void {
    if (this.message(sequence).transmissions === 0) throw new RangeError("never sent");
    if (this.#lost.includes(sequence)) return;
    this.#inFlight = this.#inFlight.filter((other) => other !== sequence);
    this.#lost.push(sequence);
  }

  oldestSent(): number {
    return this.#inFlight[0] ?? -1;
  }

  sentAfter(sequence: number): number {
    this.message(sequence);
    if (!this.#inFlight.includes(sequence)) throw new RangeError("not in flight");
    return this.#inFlight[this.#inFlight.indexOf(sequence) + 1] ?? -1;
  }

  firstLost(): number {
    return this.#lost[0] ?? -1;
  }

  acknowledge(ack: number): number {
    if (ack === after(this.base, -1)) return 0;
    const at = this.#messages.findIndex((message) => message.sequence === ack && message.transmissions > 0);
    for (const done of this.#messages.splice(0, at + 1)) {
      this.#inFlight = this.#inFlight.filter((other) => other !== done.sequence);
      this.#lost = this.#lost.filter((other) => other !== done.sequence);
    }
    this.slotCount = slotsOf(this.limit, this.numbers());
    return at === -1 ? -1 : at + 1;
  }

  release(): void {
    this.#pool.windows.splice(this.#pool.windows.indexOf(this), 1);
  }
}

export class TwinReceiveWindow {
  readonly limit: number;
  /** Slots that the window takes at the moment. */
  slotCount = 1;
  readonly #pool: TwinPool;
  readonly #messages = new Map<number, { bytes: Uint8Array; flags: number }>();
  taken = 0;

  constructor(pool: TwinPool, limit: number) {
    this.#pool = pool;
    this.limit = limit;
  }

  get arrived(): number {
    let arrived = this.taken;
    while (this.#messages.has(arrived)) arrived = after(arrived, 1);
    return arrived;
  }

  get heldCount(): number {
    return this.#messages.size;
  }

  numbers(): number[] {
    return [...this.#messages.keys()];
  }

  accept(sequence: number, bytes: Uint8Array, flags: number): Arrival {
    const ahead = after(sequence, -this.taken);
    if (ahead > 32767 || this.#messages.has(sequence)) return Arrival.DUPLICATE;
    if (ahead >= this.limit) return Arrival.AHEAD;
    const slotCount = slotsOf(this.limit, [...this.numbers(), sequence]);
    if (slotCount - this.slotCount > this.#pool.freeSlotCount) return Arrival.NO_SLOT;
    this.slotCount = slotCount;
    const inOrder = sequence === this.arrived;
    this.#messages.set(sequence, { bytes, flags });
    return inOrder ? Arrival.IN_ORDER : Arrival.OUT_OF_ORDER;
  }

  front(): { bytes: Uint8Array; flags: number } | undefined {
    return this.#messages.get(this.taken);
  }

  take(): void {
    if (!this.#messages.delete(this.taken)) throw new RangeError("has not arrived");
    this.slotCount = slotsOf(this.limit, this.numbers());
    this.taken = after(this.taken, 1);
  }

  release(): void {
    this.#pool.windows.splice(this.#pool.windows.indexOf(this), 1);
  }
}

/** A data packet as the wire has it. */
export function twinEncodeData(
  flags: number,
  ack: number,
  sequence: number,
  message: Uint8Array,
): Uint8Array {
  const low = (value: number) => value % 256;
  const high = (value: number) => Math.floor(value / 256);
  return Uint8Array.of(flags, low(ack), high(ack), low(sequence), high(sequence), ...message);
}

/** What the bytes mean; `messageOffset` is relative to them, and -1 where there is no message. */
export function twinDecode(bytes: Uint8Array): PlainFields {
  const at = (index: number) => bytes[index] as number;
  const decoded = {
    kind: PacketKind.FAULT_EMPTY as PacketKind,
    flags: bytes.length > 0 ? at(0) : 0,
    ack: bytes.length >= 3 ? at(1) + 256 * at(2) : 65535,
    sequence: 0,
    messageOffset: -1,
    messageLength: 0,
  };
  if (bytes.length === 0) return decoded;
  if (bytes.length < 3) {
    const stops = bytes.length === 1 && Math.floor(at(0) / 8) % 2 === 1;
    return { ...decoded, kind: stops ? PacketKind.STOP : PacketKind.NOTHING };
  }
  if (bytes.length < 5) return { ...decoded, kind: PacketKind.ACK };
  if (bytes.length > 1200) return { ...decoded, kind: PacketKind.FAULT_OVERSIZE };
  return {
    ...decoded,
    kind: PacketKind.DATA,
    sequence: at(3) + 256 * at(4),
    messageOffset: 5,
    messageLength: bytes.length - 5,
  };
}
