import type { SequenceNumber } from "@meshstream/wasm-core";

/**
 * Watches for trains: eight first transmissions whose numbers begin at a multiple of eight, arriving whole and in a row.
 * A sender puts them back to back at the start; how far the link spread them tells it the bandwidth (docs/wire.md W13.8).
 */
export class TrainMeter {
  /** Number of the last train that arrived whole: its sequence numbers divided by eight, modulo 256. */
  train = 0;
  /** Last arrival less first, in microseconds, at least 16; 0 while no train has arrived. */
  spreadUs = 0;
  private next: SequenceNumber | undefined;
  private firstAtMs = 0;

  handleData(sequence: SequenceNumber, isFirstTransmission: boolean, nowMs: number): void {
    const place = sequence & LAST_PLACE;
    if (!isFirstTransmission || (place !== 0 && sequence !== this.next)) {
      this.next = undefined;
      return;
    }
    if (place === 0) this.firstAtMs = nowMs;
    this.next = sequence + 1;
    if (place !== LAST_PLACE) return;
    this.next = undefined;
    this.train = (sequence >> 3) & 0xff;
    this.spreadUs = Math.max((nowMs - this.firstAtMs) * 1000, SHORTEST_US);
  }
}

const LAST_PLACE = 7;

/** One step of the field on the wire, where 0 means that there was no train. */
const SHORTEST_US = 16;
