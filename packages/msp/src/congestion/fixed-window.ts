import type { CongestionController } from "./controller.ts";

/** As deployed peers do it: 4 messages, whatever happens, and no pacing (docs/wire.md W2). For comparison. */
export class FixedWindow implements CongestionController {
  readonly windowPackets: number;
  readonly pacingPerMs = Number.POSITIVE_INFINITY;
  readonly burstPackets: number;
  readonly trainPackets = 1;
  readonly lossRatio = 0;

  constructor(windowPackets: number) {
    this.windowPackets = windowPackets;
    this.burstPackets = windowPackets;
  }

  handleConnected(): void {}
  handleReport(): void {}
  handleSilence(): void {}
}

/** The window of deployed peers (docs/wire.md W2). */
export const LEGACY_WINDOW_PACKETS = 4;
