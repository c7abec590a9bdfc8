import type { WindowHandle } from "../kernel.ts";
import {
  SAMPLE_ACK_ELAPSED_MS,
  SAMPLE_ARRIVED_COUNT,
  SAMPLE_ARRIVED_LOST_COUNT,
  SAMPLE_BYTES,
  SAMPLE_IS_APP_LIMITED,
  SAMPLE_NEWEST,
  SAMPLE_NEWEST_SENT_AT_MS,
  SAMPLE_NEWEST_TRANSMISSIONS,
  SAMPLE_PRIOR_DELIVERED,
  SAMPLE_PRIOR_DELIVERED_AT_MS,
  SAMPLE_RECORD,
  SAMPLE_SEND_ELAPSED_MS,
  SAMPLE_WINDOW,
} from "../memory-map.ts";
import type { DeliverySample } from "../send-window.ts";
import type { SequenceNumber } from "../sequence.ts";

/** A window's sample, copied from the record that all windows of a core share. */
export class SampleFields implements DeliverySample {
  arrivedCount = 0;
  arrivedLostCount = 0;
  newest: SequenceNumber | -1 = -1;
  newestSentAtMs = 0;
  newestTransmissions = 0;
  priorDelivered = 0;
  priorDeliveredAtMs = 0;
  sendElapsedMs = 0;
  ackElapsedMs = 0;
  isAppLimited = false;

  readonly #words: Int32Array;
  readonly #floats: Float64Array;

  constructor(buffer: ArrayBufferLike) {
    this.#words = new Int32Array(buffer, SAMPLE_RECORD, SAMPLE_BYTES >> 2);
    this.#floats = new Float64Array(buffer, SAMPLE_RECORD, SAMPLE_BYTES >> 3);
  }

  /** Copy what the record says, which must be about `window`: else RangeError. */
  take(window: WindowHandle): void {
    if (this.#word(SAMPLE_WINDOW) !== window) {
      throw new RangeError("the sample is another window's: read it before the next beginSample of any");
    }
    this.arrivedCount = this.#word(SAMPLE_ARRIVED_COUNT);
    this.arrivedLostCount = this.#word(SAMPLE_ARRIVED_LOST_COUNT);
    this.newest = this.#word(SAMPLE_NEWEST);
    this.newestSentAtMs = this.#float(SAMPLE_NEWEST_SENT_AT_MS);
    this.newestTransmissions = this.#word(SAMPLE_NEWEST_TRANSMISSIONS);
    this.priorDelivered = this.#float(SAMPLE_PRIOR_DELIVERED);
    this.priorDeliveredAtMs = this.#float(SAMPLE_PRIOR_DELIVERED_AT_MS);
    this.sendElapsedMs = this.#float(SAMPLE_SEND_ELAPSED_MS);
    this.ackElapsedMs = this.#float(SAMPLE_ACK_ELAPSED_MS);
    this.isAppLimited = this.#word(SAMPLE_IS_APP_LIMITED) !== 0;
  }

  #word(field: number): number {
    return this.#words[field >> 2] as number;
  }

  #float(field: number): number {
    return this.#floats[field >> 3] as number;
  }
}
