import type { SendWindow } from "@meshstream/wasm-core";
import type { Recovery } from "./recovery.ts";

/** Recovery as deployed peers do it: each message is sent again 1500 ms after its last transmission, without backoff (docs/wire.md W2). */
export class FixedTimerRecovery implements Recovery {
  private readonly window: SendWindow;

  constructor(window: SendWindow) {
    this.window = window;
  }

  get deadlineMs(): number {
    const oldest = this.window.oldestSent();
    return oldest === -1 ? Number.POSITIVE_INFINITY : this.window.sentAtMs(oldest) + RETRANSMIT_MS;
  }

  handleTimeout(nowMs: number): void {
    while (this.deadlineMs <= nowMs) this.window.markLost(this.window.oldestSent());
  }

  isMeasure(): boolean {
    return false; // this timer does not depend on the round trip
  }

  handleSent(): void {}
  handleProgress(): void {}
  handleRepetition(): void {}
}

const RETRANSMIT_MS = 1500;
