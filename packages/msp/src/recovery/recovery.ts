import type { DecodedExtendedAck } from "@meshstream/wasm-core";

/**
 * Decides which sent messages are lost, by marking them so in the send window; what is marked is sent again as soon as the
 * congestion controller lets it. Called by the send side of a connection; knows no clock.
 */
export interface Recovery {
  /** A message has just been sent, for the first time or again. */
  handleSent(nowMs: number): void;
  /**
   * An acknowledgement came, and the window has taken it in: `window.sample` says what it brought. `report`: the extended one, if it
   * was one; then `isRemarkable`: it echoes an earlier transmission than the last. Of any other: it came without data and
   * repeated the one before. Returns how many were marked lost.
   */
  handleAck(report: DecodedExtendedAck | undefined, isRemarkable: boolean, nowMs: number): number;
  /** Called when {@link deadlineMs} has come. */
  handleTimeout(nowMs: number): Timeout;
  /** When to call handleTimeout; Infinity if nothing is in flight. */
  readonly deadlineMs: number;
  /** The peer's application seems to have stopped reading: a deployed peer cannot say so otherwise. */
  readonly readerIsStopped: boolean;
  /**
   * Whether the acknowledgement of a message sent once, at `sentAtMs`, measures the round trip: not if it may have waited
   * at the receiver for the repair of another.
   */
  isMeasure(sentAtMs: number): boolean;
}

/** What a timeout has done. */
export interface Timeout {
  /** Messages marked lost because others, sent later, have arrived: a sign of the path. */
  readonly lost: number;
  /** Send so many packets, whatever the window says: to learn how things stand. */
  readonly probePackets: number;
  /** Nothing has come back for so long that everything in flight counts as lost. */
  readonly isSilence: boolean;
}

export const NO_TIMEOUT: Timeout = { lost: 0, probePackets: 0, isSilence: false };
export const PROBE: Timeout = { lost: 0, probePackets: 1, isSilence: false };
export const SILENCE: Timeout = { lost: 0, probePackets: 0, isSilence: true };
