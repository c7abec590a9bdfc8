import { Arrival, type DeliverySample } from "../../src/index.ts";

// A slow and readable account of what a core does, in plain arrays and maps, written from the comments of
// src/ alone. It has no memory: a message is an array of bytes of its own.

const LAP = 65536;

function after(sequence: number, steps: number): number {
  return (((sequence + steps) % LAP) + LAP) % LAP;
}

/** Counts the slots that windows take. */
export class TwinPool {
  readonly slotCount: number;
  readonly windows: (TwinSendWindow | TwinReceiveWindow)[] = [];
  /** Messages kept after they were taken, the longest kept first. */
  kept: { readonly window: TwinReceiveWindow; readonly sequence: number }[] = [];
  /** The window whose sample began last. */
  sampled: TwinSendWindow | undefined;

  constructor(slotCount: number) {
    this.slotCount = slotCount;
  }

  /** Slots that nobody uses, and those that only kept messages do. */
  get freeSlotCount(): number {
    return this.unusedCount + this.kept.length;
  }

  createSendWindow(limit: number): TwinSendWindow {
    return this.#created(new TwinSendWindow(this, limit));
  }

  createReceiveWindow(limit: number): TwinReceiveWindow {
    return this.#created(new TwinReceiveWindow(this, limit));
  }

  /** True if `window` can grow by another message, kept ones given up as need be. */
  canGrow(window: TwinSendWindow | TwinReceiveWindow, sequence: number): boolean {
    while (window.slotCountWith(sequence) - window.slotCount > this.unusedCount) {
      if (!this.#reclaim()) return false;
    }
    return true;
  }

  /** Slots that not even a kept message uses. */
  get unusedCount(): number {
    return this.windows.reduce((free, window) => free - window.slotCount, this.slotCount);
  }

  #reclaim(): boolean {
    const oldest = this.kept[0];
    oldest?.window.dropOldestKept();
    return oldest !== undefined;
  }

  #created<Window extends TwinSendWindow | TwinReceiveWindow>(window: Window): Window {
    if (this.unusedCount < 1 && !this.#reclaim()) throw new RangeError("the pool is empty");
    this.windows.push(window);
    return window;
  }
}

/** Entries of a window's index. */
function indexSize(limit: number): number {
  return [256, 512, 1024, 2048, 4096, 8192].find((size) => size >= limit) as number;
}

/**
 * Slots of a window: its own, one for each message, and one for each page of 256 index entries in use but the first,
 * which lies in the window's own slot.
 */
function slotsOf(limit: number, numbers: readonly number[]): number {
  const pages = new Set(numbers.map((sequence) => Math.floor((sequence % indexSize(limit)) / 256)));
  pages.delete(0);
  return 1 + numbers.length + pages.size;
}

interface TwinMessage {
  readonly sequence: number;
  readonly bytes: Uint8Array;
  flags: number;
  transmissions: number;
  sentAtMs: number;
  hasArrived: boolean;
  isReportedMissing: boolean;
  /** What the window's bookkeeping said when it was sent last. */
  prior: { delivered: number; deliveredAtMs: number; firstSentAtMs: number; isAppLimited: boolean };
}

const NO_SAMPLE: DeliverySample = {
  arrivedCount: 0,
  arrivedLostCount: 0,
  newest: -1,
  newestSentAtMs: 0,
  newestTransmissions: 0,
  priorDelivered: 0,
  priorDeliveredAtMs: 0,
  sendElapsedMs: 0,
  ackElapsedMs: 0,
  isAppLimited: false,
};

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
  arrived = 0;
  deliveredCount = 0;
  missingSentAtMs = Number.POSITIVE_INFINITY;
  #nowMs = 0;
  #deliveredAtMs = 0;
  #firstSentAtMs = 0;
  #appLimitedUntil = 0;
  #sample = NO_SAMPLE;

  constructor(pool: TwinPool, limit: number) {
    this.#pool = pool;
    this.limit = limit;
  }

  /** As if everything before `sequence` had been sent and acknowledged. */
  spin(sequence: number): void {
    this.next = sequence;
    this.arrived = sequence;
    this.deliveredCount = sequence;
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

  get arrivedCount(): number {
    return this.#messages.filter((message) => message.hasArrived).length;
  }

  get sample(): DeliverySample {
    if (this.#pool.sampled !== this) throw new RangeError("another window's");
    return this.#sample;
  }

  numbers(): number[] {
    return this.#messages.map((message) => message.sequence);
  }

  slotCountWith(sequence: number): number {
    return slotsOf(this.limit, [...this.numbers(), sequence]);
  }

  /** True where the core's `push` returns an offset. */
  push(bytes: Uint8Array): boolean {
    if (bytes.length > 1024) throw new RangeError("too long");
    if (this.heldCount === this.limit || !this.#pool.canGrow(this, this.next)) return false;
    this.slotCount = this.slotCountWith(this.next);
    const prior = { delivered: 0, deliveredAtMs: 0, firstSentAtMs: 0, isAppLimited: false };
    const state = { flags: 0, transmissions: 0, sentAtMs: 0, hasArrived: false, isReportedMissing: false };
    this.#messages.push({ sequence: this.next, bytes, ...state, prior });
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
    if (message.hasArrived) throw new RangeError("has arrived");
    if (this.inFlightCount === 0) {
      this.#deliveredAtMs = nowMs;
      this.#firstSentAtMs = nowMs;
    }
    this.#unlist(sequence);
    this.#inFlight.push(sequence);
    message.transmissions = Math.min(message.transmissions + 1, 65535);
    message.sentAtMs = nowMs;
    message.isReportedMissing = false;
    message.prior = {
      delivered: this.deliveredCount,
      deliveredAtMs: this.#deliveredAtMs,
      firstSentAtMs: this.#firstSentAtMs,
      isAppLimited: this.#appLimitedUntil !== 0,
    };
  }

  markLost(sequence: number): void {
    const message = this.message(sequence);
    if (message.transmissions === 0) throw new RangeError("never sent");
    if (message.hasArrived) throw new RangeError("has arrived");
    if (this.#lost.includes(sequence)) return;
    this.#unlist(sequence);
    this.#lost.push(sequence);
  }

  markMissing(arrived: number, base: number, bitmap: Uint8Array, sentBeforeMs: number): number {
    const missing = [after(arrived, 1)];
    for (let bit = 0; bit < bitmap.length * 8; bit += 1) {
      if (!hasBit(bitmap, bit)) missing.push(after(base, bit));
    }
    this.missingSentAtMs = Number.POSITIVE_INFINITY;
    let count = 0;
    for (const sequence of new Set(missing.filter((number) => this.#inFlight.includes(number)))) {
      const message = this.message(sequence);
      if (message.sentAtMs < sentBeforeMs) {
        this.markLost(sequence);
        count += 1;
      } else {
        message.isReportedMissing = true;
        this.missingSentAtMs = Math.min(this.missingSentAtMs, message.sentAtMs);
      }
    }
    return count;
  }

  markOverdue(sentBeforeMs: number): number {
    const missing = this.#inFlight
      .map((sequence) => this.message(sequence))
      .filter((message) => message.isReportedMissing);
    const overdue = missing.filter((message) => message.sentAtMs < sentBeforeMs);
    const young = missing.filter((message) => message.sentAtMs >= sentBeforeMs);
    for (const { sequence } of overdue) this.markLost(sequence);
    this.missingSentAtMs = Math.min(...young.map((message) => message.sentAtMs));
    return overdue.length;
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

  isArrived(sequence: number): boolean {
    return this.message(sequence).hasArrived;
  }

  beginSample(nowMs: number): void {
    this.#pool.sampled = this;
    this.#sample = NO_SAMPLE;
    this.#nowMs = nowMs;
  }

  markAppLimited(): void {
    this.#appLimitedUntil = Math.max(this.deliveredCount + this.inFlightCount, 1);
  }

  arriveThrough(arrived: number): number {
    const count = this.#sentUpTo(arrived);
    if (count === -1) return -1;
    let fresh = 0;
    for (const message of this.#messages.slice(0, count)) fresh += this.#arrive(message);
    if (count > after(this.arrived, -this.base)) this.arrived = after(arrived, 1);
    return fresh;
  }

  arriveBitmap(base: number, bitmap: Uint8Array): number {
    let fresh = 0;
    for (let bit = 0; bit < bitmap.length * 8; bit += 1) {
      const sequence = after(base, bit);
      const message = this.#messages.find((held) => held.sequence === sequence);
      if (hasBit(bitmap, bit) && message !== undefined && message.transmissions > 0) {
        fresh += this.#arrive(message);
      }
    }
    return fresh;
  }

  acknowledge(ack: number): number {
    const count = this.#sentUpTo(ack);
    if (count === -1) return -1;
    this.arriveThrough(ack);
    this.#messages.splice(0, count);
    this.slotCount = slotsOf(this.limit, this.numbers());
    return count;
  }

  release(): void {
    this.#pool.windows.splice(this.#pool.windows.indexOf(this), 1);
    if (this.#pool.sampled === this) this.#pool.sampled = undefined;
  }

  /** Messages up to and including `last`; -1 if not all of them are held and sent, 0 if it is the number before them. */
  #sentUpTo(last: number): number {
    if (last === after(this.base, -1)) return 0;
    const at = this.#messages.findIndex((message) => message.sequence === last && message.transmissions > 0);
    return at === -1 ? -1 : at + 1;
  }

  #arrive(message: TwinMessage): number {
    if (message.hasArrived) return 0;
    const wasLost = this.#lost.includes(message.sequence);
    message.hasArrived = true;
    this.#unlist(message.sequence);
    this.deliveredCount += 1;
    this.#deliveredAtMs = this.#nowMs;
    if (this.deliveredCount > this.#appLimitedUntil) this.#appLimitedUntil = 0;
    if (this.#pool.sampled === this) this.#enter(message, wasLost);
    return 1;
  }

  #enter(message: TwinMessage, wasLost: boolean): void {
    const before = this.#sample;
    const arrivedCount = before.arrivedCount + 1;
    const arrivedLostCount = before.arrivedLostCount + (wasLost ? 1 : 0);
    this.#sample = { ...before, arrivedCount, arrivedLostCount };
    const isLater = message.sentAtMs > before.newestSentAtMs;
    const isBeside = message.sentAtMs === before.newestSentAtMs;
    const isHigher = after(message.sequence, -before.newest) < LAP / 2;
    if (before.newest !== -1 && !isLater && !(isBeside && isHigher)) return;
    const { prior, sentAtMs } = message;
    this.#sample = {
      arrivedCount,
      arrivedLostCount,
      newest: message.sequence,
      newestSentAtMs: sentAtMs,
      newestTransmissions: message.transmissions,
      priorDelivered: prior.delivered,
      priorDeliveredAtMs: prior.deliveredAtMs,
      sendElapsedMs: sentAtMs - prior.firstSentAtMs,
      ackElapsedMs: this.#nowMs - prior.deliveredAtMs,
      isAppLimited: prior.isAppLimited,
    };
    this.#firstSentAtMs = sentAtMs;
  }

  #unlist(sequence: number): void {
    this.#inFlight = this.#inFlight.filter((other) => other !== sequence);
    this.#lost = this.#lost.filter((other) => other !== sequence);
  }
}

export class TwinReceiveWindow {
  readonly limit: number;
  /** Slots that the window takes at the moment. */
  slotCount = 1;
  readonly #pool: TwinPool;
  readonly #messages = new Map<number, { bytes: Uint8Array; flags: number }>();
  #kept: number[] = [];
  #keep = 0;
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

  get highest(): number {
    const ahead = this.numbers().map((sequence) => after(sequence, -this.taken));
    return after(this.taken, Math.max(-1, ...ahead));
  }

  get heldCount(): number {
    return this.#messages.size;
  }

  get keptCount(): number {
    return this.#kept.length;
  }

  numbers(): number[] {
    return [...this.#messages.keys()];
  }

  slotCountWith(sequence: number): number {
    return slotsOf(this.limit, [...this.numbers(), ...this.#kept, sequence]);
  }

  accept(sequence: number, bytes: Uint8Array, flags: number): Arrival {
    const ahead = after(sequence, -this.taken);
    if (ahead > 32767 || this.#messages.has(sequence)) return Arrival.DUPLICATE;
    if (ahead >= this.limit) return Arrival.AHEAD;
    // No kept message may be a whole index behind what arrives.
    while (this.keptCount > 0 && ahead + this.keptCount >= indexSize(this.limit)) this.dropOldestKept();
    if (!this.#pool.canGrow(this, sequence)) return Arrival.NO_SLOT;
    const inOrder = sequence === this.arrived;
    this.#messages.set(sequence, { bytes, flags });
    this.#recount();
    return inOrder ? Arrival.IN_ORDER : Arrival.OUT_OF_ORDER;
  }

  front(): { bytes: Uint8Array; flags: number } | undefined {
    return this.#messages.get(this.taken);
  }

  take(): void {
    if (!this.#messages.delete(this.taken)) throw new RangeError("has not arrived");
    this.#kept.push(this.taken);
    this.#pool.kept.push({ window: this, sequence: this.taken });
    this.taken = after(this.taken, 1);
    this.keepTaken(this.#keep);
    this.#recount();
  }

  hasArrived(sequence: number): boolean {
    return after(sequence, -this.taken) > 32767 || this.#messages.has(sequence);
  }

  bitmap(base: number, maxBytes: number): number[] {
    const distance = after(base, -this.taken);
    const ahead = distance > 32767 ? distance - LAP : distance;
    const bytes: number[] = [];
    for (let index = 0; index < maxBytes; index += 1) {
      const bits = [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => {
        const at = ahead + 8 * index + bit;
        return at < 0 || this.#messages.has(after(this.taken, at));
      });
      bytes.push(bits.reduce((sum, bit) => sum + 2 ** bit, 0));
    }
    while (bytes.at(-1) === 0) bytes.pop();
    return bytes;
  }

  keepTaken(count: number): void {
    this.#keep = count;
    while (this.keptCount > count) this.dropOldestKept();
  }

  dropOldestKept(): void {
    const oldest = this.#kept.shift();
    this.#pool.kept = this.#pool.kept.filter(
      ({ window, sequence }) => window !== this || sequence !== oldest,
    );
    this.#recount();
  }

  release(): void {
    this.keepTaken(0);
    this.#pool.windows.splice(this.#pool.windows.indexOf(this), 1);
  }

  #recount(): void {
    this.slotCount = slotsOf(this.limit, [...this.numbers(), ...this.#kept]);
  }
}

function hasBit(bitmap: Uint8Array, bit: number): boolean {
  return Math.floor((bitmap[Math.floor(bit / 8)] as number) / 2 ** (bit % 8)) % 2 === 1;
}
