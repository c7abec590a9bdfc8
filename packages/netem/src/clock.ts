/** What a link needs of a clock. The Clock of @meshstream/msp has the same shape; netem imports nothing. */
export interface Clock {
  /** Milliseconds from any origin, fractions allowed, never backwards. */
  now(): number;
  /** Call `wake` once, when `now()` is `atMs` or a little later; never from within this call. */
  setTimer(atMs: number, wake: () => void): TimerHandle;
}

export interface TimerHandle {
  /** The timer will not wake any more. Does nothing if it has woken, or was cancelled before. */
  cancel(): void;
}

/**
 * Time that moves only when told to. Timers wake in order of their deadline; those with one and the same
 * deadline wake in the order in which they were set. A deadline that has passed counts as now.
 * What a wake function throws comes out of the call that moved time; the timer is spent, the others stand.
 *
 * Memory: one heap entry for each pending timer; a cancelled one is freed at once.
 *
 * @example
 * const clock = new VirtualClock();
 * clock.setTimer(1500, () => console.log(clock.now())); // 1500
 * clock.runUntil(2000);
 */
export class VirtualClock implements Clock {
  #nowMs: number;
  #order = 0;
  /** Wakes since time last moved on; see {@link WAKES_PER_INSTANT}. */
  #wakesNow = 0;
  readonly #heap = new TimerHeap();

  constructor(startMs = 0) {
    if (!Number.isFinite(startMs)) throw new RangeError(`startMs: ${startMs} is not a finite number`);
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  /** `atMs`: Infinity never wakes; NaN is a RangeError. */
  setTimer(atMs: number, wake: () => void): TimerHandle {
    if (Number.isNaN(atMs)) throw new RangeError("atMs: NaN is not a time");
    const timer: Timer = { atMs: Math.max(atMs, this.#nowMs), order: this.#order++, slot: -1, wake };
    this.#heap.push(timer);
    return { cancel: () => this.#heap.remove(timer) };
  }

  /** Timers set and neither woken nor cancelled. */
  get pendingCount(): number {
    return this.#heap.size;
  }

  /** Deadline of the next timer; Infinity if there is none. */
  get nextMs(): number {
    return this.#heap.first?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** Jump to the next timer and wake it, that one only. False, and time stands still, if there is none. */
  step(): boolean {
    const timer = this.#heap.first;
    if (timer === undefined || timer.atMs === Number.POSITIVE_INFINITY) return false;
    this.#heap.remove(timer);
    this.#moveTo(timer.atMs);
    this.#wakesNow += 1;
    if (this.#wakesNow > WAKES_PER_INSTANT) {
      throw new Error(
        `time stands still at ${this.#nowMs} ms: ${WAKES_PER_INSTANT} timers woke in one instant`,
      );
    }
    timer.wake();
    return true;
  }

  /** Wake everything due up to and including `atMs`, which then is now. Does nothing if `atMs` has passed. */
  runUntil(atMs: number): void {
    while (this.nextMs <= atMs && this.step());
    if (Number.isFinite(atMs)) this.#moveTo(Math.max(atMs, this.#nowMs));
  }

  /**
   * Step for as long as `condition` holds, at most `limitMs` from now. True as soon as it does not hold; false, with
   * all of `limitMs` gone by, if it still does then. For state that changes in timers; where promises take part, use
   * {@link runWhileAsync}.
   */
  runWhile(condition: () => boolean, limitMs: number): boolean {
    const endMs = this.#nowMs + limitMs;
    while (condition()) {
      if (this.nextMs > endMs || !this.step()) {
        this.runUntil(endMs);
        return !condition();
      }
    }
    return true;
  }

  /**
   * As {@link runWhile}, with a `turn` of the event loop after each step, so that whatever awaits gets on before time does.
   * Deterministic as long as nothing else in the program does I/O.
   *
   * @example await clock.runWhileAsync(() => !done, 60_000, () => new Promise((go) => setImmediate(go)));
   */
  async runWhileAsync(
    condition: () => boolean,
    limitMs: number,
    turn: () => Promise<unknown>,
  ): Promise<boolean> {
    const endMs = this.#nowMs + limitMs;
    await turn();
    while (condition()) {
      if (this.nextMs > endMs || !this.step()) {
        this.runUntil(endMs);
        return !condition();
      }
      await turn();
    }
    return true;
  }

  #moveTo(atMs: number): void {
    if (atMs > this.#nowMs) this.#wakesNow = 0;
    this.#nowMs = atMs;
  }
}

/** More than this many wakes without any time going by is a loop that would never end: better an error than a hang. */
const WAKES_PER_INSTANT = 1_000_000;

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly wake: () => void;
  /** Index in the heap; -1 when not in it. */
  slot: number;
}

/** A binary heap in which every entry knows its place, so that cancelling frees it at once. */
class TimerHeap {
  readonly #timers: Timer[] = [];

  get size(): number {
    return this.#timers.length;
  }

  get first(): Timer | undefined {
    return this.#timers[0];
  }

  push(timer: Timer): void {
    this.#timers.push(timer);
    this.#rise(timer, this.#timers.length - 1);
  }

  remove(timer: Timer): void {
    const slot = timer.slot;
    if (slot === -1) return;
    timer.slot = -1;
    const last = this.#timers.pop()!;
    if (last === timer) return;
    this.#rise(last, slot);
    this.#sink(last, last.slot);
  }

  #rise(timer: Timer, from: number): void {
    let slot = from;
    while (slot > 0) {
      const parentSlot = (slot - 1) >> 1;
      const parent = this.#timers[parentSlot]!;
      if (isBefore(parent, timer)) break;
      this.#put(parent, slot);
      slot = parentSlot;
    }
    this.#put(timer, slot);
  }

  #sink(timer: Timer, from: number): void {
    let slot = from;
    for (;;) {
      let childSlot = 2 * slot + 1;
      if (childSlot >= this.#timers.length) break;
      const right = this.#timers[childSlot + 1];
      if (right !== undefined && isBefore(right, this.#timers[childSlot]!)) childSlot += 1;
      const child = this.#timers[childSlot]!;
      if (isBefore(timer, child)) break;
      this.#put(child, slot);
      slot = childSlot;
    }
    this.#put(timer, slot);
  }

  #put(timer: Timer, slot: number): void {
    this.#timers[slot] = timer;
    timer.slot = slot;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
