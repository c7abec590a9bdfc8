import type { CongestionController, PathReport } from "./controller.ts";

/**
 * NewReno (RFC 5681, RFC 6582), paced: every loss is taken for a full queue, and halves the window, once a round trip. For
 * comparison, and as the other traffic when fairness is measured.
 */
export class RenoController implements CongestionController {
  windowPackets: number;
  pacingPerMs = Number.POSITIVE_INFINITY;
  readonly burstPackets = BURST_PACKETS;
  readonly trainPackets = 1;
  readonly lossRatio = 0;

  private readonly limitPackets: number;
  private thresholdPackets = Number.POSITIVE_INFINITY;
  private smoothRttMs = -1;
  /** Losses of what was sent before this many had arrived belong to the reduction that was made already. */
  private recoveryEndDelivered = 0;

  constructor(firstFlightPackets: number, limitPackets: number) {
    this.windowPackets = Math.min(firstFlightPackets, limitPackets);
    this.limitPackets = limitPackets;
  }

  handleConnected(): void {}

  handleReport(report: Readonly<PathReport>): void {
    const { arrived, lost, inFlight, rttMs, delivered, priorDelivered } = report;
    if (rttMs >= 0)
      this.smoothRttMs = this.smoothRttMs < 0 ? rttMs : this.smoothRttMs + (rttMs - this.smoothRttMs) / 8;
    const isRecovering = delivered < this.recoveryEndDelivered || priorDelivered < this.recoveryEndDelivered;
    if (lost > 0 && !isRecovering) {
      this.thresholdPackets = Math.max(this.windowPackets / 2, LEAST_PACKETS);
      this.windowPackets = this.thresholdPackets;
      this.recoveryEndDelivered = delivered + inFlight;
    } else if (arrived > 0 && !isRecovering && inFlight + arrived >= this.windowPackets / 2) {
      // RFC 7661: a window that the application does not fill says nothing, so it does not grow.
      const slowStart = this.windowPackets < this.thresholdPackets;
      const growth = slowStart ? arrived : arrived / this.windowPackets;
      this.windowPackets = Math.min(this.windowPackets + growth, this.limitPackets);
    }
    this.pace();
  }

  handleSilence(): void {
    this.thresholdPackets = Math.max(this.windowPackets / 2, LEAST_PACKETS);
    this.windowPackets = LEAST_PACKETS;
    this.recoveryEndDelivered = 0;
  }

  /** As Linux paces TCP: faster than the window by twice in slow start, by a fifth afterwards. */
  private pace(): void {
    if (this.smoothRttMs <= 0) return;
    const gain = this.windowPackets < this.thresholdPackets ? 2 : 1.2;
    this.pacingPerMs = (gain * this.windowPackets) / this.smoothRttMs;
  }
}

/** RFC 5681: two segments. */
const LEAST_PACKETS = 2;

/** As many as RFC 6928 lets a sender send at once. */
const BURST_PACKETS = 10;
