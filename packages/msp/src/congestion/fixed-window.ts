import type { CongestionController } from "./controller.ts";

/** A window that never changes, but for the first flight: towards a peer that may not be there, fewer. */
export class FixedWindow implements CongestionController {
  windowPackets: number;
  private readonly fullPackets: number;

  constructor(fullPackets: number, firstFlightPackets: number) {
    this.fullPackets = fullPackets;
    this.windowPackets = Math.min(fullPackets, firstFlightPackets);
  }

  handleConnected(): void {
    this.windowPackets = this.fullPackets;
  }
}

/** The window of deployed peers (docs/wire.md W2). */
export const LEGACY_WINDOW_PACKETS = 4;
