import type { SendWindow } from "@meshstream/wasm-core";
import { NO_TIMEOUT, type Recovery, type Timeout } from "./recovery.ts";

/** Recovery as deployed peers do it: each message is sent again 1500 ms after its last transmission, without backoff (docs/wire.md W2). */
export class FixedTimerRecovery implements Recovery {
  readonly readerIsStopped = false;
  private readonly window: SendWindow;

  constructor(window: SendWindow) {
    this.window = window;
  }

  get deadlineMs(): number {
    const oldest = this.window.oldestSent();
    return oldest === -1 ? Number.POSITIVE_INFINITY : this.window.sentAtMs(oldest) + DEPLOYED_RETRANSMIT_MS;
  }

  handleTimeout(nowMs: number): Timeout {
    while (this.deadlineMs <= nowMs) this.window.markLost(this.window.oldestSent());
    return NO_TIMEOUT;
  }

  isMeasure(): boolean {
    return false; // this timer does not depend on the round trip
  }

  handleSent(): void {}

  handleAck(): number {
    return 0;
  }
}

/** Deployed peers send everything again that is unacknowledged for so long (docs/wire.md W2.16). */
export const DEPLOYED_RETRANSMIT_MS = 1500;
