import type { MspConfig } from "../config.ts";
import type { AckSchedule, ArrivalNews } from "./ack-schedule.ts";

/**
 * Acknowledging to a peer without the extension: what was taken, at once; a duplicate again, for it means that the
 * acknowledgement was lost (docs/wire.md W2.16). Such a peer learns of a lost acknowledgement from nothing but the next
 * one, and waits 1500 ms: so the last one is repeated, once, if the peer then falls silent.
 */
export class LegacySchedule implements AckSchedule {
  private readonly config: MspConfig;
  private readonly srttMs: () => number | undefined;
  private takenCount = 0;
  private takenSinceMs = 0;
  private isDemanded = false;
  private repeatAtMs = Number.POSITIVE_INFINITY;

  constructor(config: MspConfig, srttMs: () => number | undefined) {
    this.config = config;
    this.srttMs = srttMs;
  }

  get owes(): boolean {
    return this.isDemanded || this.takenCount > 0;
  }

  get deadlineMs(): number {
    if (this.isDemanded || this.takenCount >= this.config.ackEveryMessages) return Number.NEGATIVE_INFINITY;
    const ackAtMs =
      this.takenCount === 0 ? Number.POSITIVE_INFINITY : this.takenSinceMs + this.config.ackDelayMs;
    return Math.min(ackAtMs, this.repeatAtMs);
  }

  handleArrival(news: ArrivalNews): void {
    this.repeatAtMs = Number.POSITIVE_INFINITY;
    // What is in order is acknowledged when it is taken; what is not tells the sender of the hole.
    if (news !== "next" && news !== "filled") this.isDemanded = true;
  }

  handleTaken(nowMs: number): void {
    if (this.takenCount === 0) this.takenSinceMs = nowMs;
    this.takenCount += 1;
  }

  demand(): void {
    this.isDemanded = true;
  }

  handleSent(_isWhole: boolean, nowMs: number): void {
    const silenceMs = Math.max((this.srttMs() ?? 0) / 2, SILENCE_MS);
    this.repeatAtMs = this.owes ? nowMs + silenceMs : Number.POSITIVE_INFINITY;
    this.isDemanded = false;
    this.takenCount = 0;
  }
}

/** Shorter is no silence: deployed peers hold small packets for up to 6 ms, and send in groups (docs/wire.md W2.16). */
const SILENCE_MS = 50;
