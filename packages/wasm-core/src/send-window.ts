import type { SequenceNumber } from "./sequence.ts";

/**
 * What the acknowledgement that is being taken in has brought, for the congestion controller: the sample of
 * draft-cheng-iccrg-delivery-rate-estimation. Times are those passed to markSent and beginSample.
 */
export interface DeliverySample {
  /** Messages not known to have arrived before. */
  readonly arrivedCount: number;
  /** How many of those were in the lost list: declared lost too early, or recovered by decoding. */
  readonly arrivedLostCount: number;
  /**
   * The one of them that was sent last (of two sent at one time: that with the higher number); -1 if there are none,
   * and then all below is 0 or false.
   */
  readonly newest: SequenceNumber | -1;
  /** Time of its last transmission. */
  readonly newestSentAtMs: number;
  /** How often it was sent: 1 or more. */
  readonly newestTransmissions: number;
  /** {@link SendWindow.deliveredCount} when it was sent. */
  readonly priorDelivered: number;
  /** Time of the last arrival before it was sent. */
  readonly priorDeliveredAtMs: number;
  /** From the sending of the message that had arrived last then, to its own. */
  readonly sendElapsedMs: number;
  /** From `priorDeliveredAtMs` to now. The rate is (deliveredCount - priorDelivered) over the larger of both times. */
  readonly ackElapsedMs: number;
  /** It was sent while the sender had nothing more to send: its rate says only that the link can do as much. */
  readonly isAppLimited: boolean;
}

/**
 * The messages that one side has queued, sent and not yet seen acknowledged, in order of sequence number.
 *
 * Each is in one of four states: *unsent*, *in flight* (sent, listed in order of its last transmission), *lost*
 * (declared so, listed in order of declaration) or *arrived* (the peer has it, its application has not taken it: it
 * keeps its slot until it is acknowledged). `base` <= `nextUnsent` <= `next`, modulo 2^16. A sequence number passed in
 * must lie within [base, next): anything else throws a RangeError. Worst-case memory: {@link WINDOW_LIMIT} slots and
 * their index, all from the core's pool.
 *
 * @example
 * // An extended acknowledgement, in this order:
 * window.beginSample(nowMs);
 * window.acknowledge(packet.ack);
 * window.arriveThrough(report.arrived);
 * window.arriveBitmap(report.bitmapBase, report.bitmapOffset, report.bitmapLength);
 * const { newest, newestSentAtMs } = window.sample;
 * window.markMissing(report.arrived, report.bitmapBase, report.bitmapOffset, report.bitmapLength, newestSentAtMs - reorderMs);
 */
export interface SendWindow {
  /** Oldest message not yet acknowledged; equals `next` if there is none. */
  readonly base: SequenceNumber;
  /** First message never sent; equals `next` if there is none. */
  readonly nextUnsent: SequenceNumber;
  /** Number that the next queued message gets. */
  readonly next: SequenceNumber;
  /** Lowest number up to which the peer has not said, by acknowledge or arriveThrough, that it has everything. */
  readonly arrived: SequenceNumber;
  /** Messages held in any state. */
  readonly heldCount: number;
  readonly inFlightCount: number;
  readonly lostCount: number;
  /** Messages held that have arrived. */
  readonly arrivedCount: number;
  /** Messages that have ever arrived, acknowledged or only reported. Never wraps. */
  readonly deliveredCount: number;

  /**
   * Queue a message of `length` bytes (0..1024; else RangeError). Returns the offset in {@link Core.bytes} to copy
   * it to at once, or -1 if the window holds `limit` messages or the pool is empty.
   */
  push(length: number): number;
  messageOffset(sequence: SequenceNumber): number;
  messageLength(sequence: SequenceNumber): number;
  /** The message's own flag bits, 0 when pushed: SHUTDOWN rides here. */
  messageFlags(sequence: SequenceNumber): number;
  setMessageFlags(sequence: SequenceNumber, flags: number): void;

  /**
   * Note a transmission at `nowMs`: the message goes to the end of the in-flight list; `nextUnsent` moves on past it.
   * An unsent message may be marked only if it is `nextUnsent`, and none that has arrived: else RangeError.
   */
  markSent(sequence: SequenceNumber, nowMs: number): void;
  /**
   * Move an in-flight message to the end of the lost list. Does nothing if it is lost already; RangeError if unsent or
   * arrived.
   */
  markLost(sequence: SequenceNumber): void;
  /**
   * Declare lost what a report says is missing: number `arrived` + 1 and each bit of the bitmap that is 0, if the
   * message is in flight and its last transmission was before `sentBeforeMs`. In order of sequence numbers. What no
   * bitmap covers is unknown, not missing, and stays. What is missing but was sent too recently is remembered until it
   * is sent again: see `markOverdue`. Returns how many were declared lost. Arguments as for arriveThrough and
   * arriveBitmap; O(bits of the bitmap), 512 at most, whatever is in flight.
   */
  markMissing(
    arrived: SequenceNumber,
    base: SequenceNumber,
    offset: number,
    length: number,
    sentBeforeMs: number,
  ): number;
  /**
   * Last transmission of the oldest message that the last `markMissing` found missing but sent too recently, in
   * milliseconds; after `markOverdue`, that of the oldest which any report has said is missing. Infinity if there is
   * none. For the timer that ends in `markOverdue`.
   */
  readonly missingSentAtMs: number;
  /**
   * Without a new report: declare lost every message in flight that one has said is missing since its last
   * transmission, if that was before `sentBeforeMs`. Returns how many. For a timer: O(messages in flight).
   */
  markOverdue(sentBeforeMs: number): number;
  /** Times this message was sent, 0..65535. */
  transmissions(sequence: SequenceNumber): number;
  /** Time of the last transmission as passed to markSent; 0 if never sent. */
  sentAtMs(sequence: SequenceNumber): number;
  /** In-flight message whose last transmission is the oldest, or -1. */
  oldestSent(): SequenceNumber | -1;
  /** The in-flight message sent next after `sequence` (which must be in flight), or -1. */
  sentAfter(sequence: SequenceNumber): SequenceNumber | -1;
  /** The message declared lost first, or -1. */
  firstLost(): SequenceNumber | -1;
  /** The peer has said that it has this message. */
  isArrived(sequence: SequenceNumber): boolean;

  /**
   * An acknowledgement has come in at `nowMs`: clear the sample. All that arrives until the next call counts as arrived
   * at `nowMs`.
   */
  beginSample(nowMs: number): void;
  /**
   * What has arrived since `beginSample`. One and the same object at every call; the record behind it is shared by all
   * send windows of the core, so read it before `beginSample` of any: RangeError if another window's came after this
   * one's.
   */
  readonly sample: DeliverySample;
  /**
   * The sender has nothing more to send, though the network would take more: what is sent until all that is in flight
   * now has arrived is marked so.
   */
  markAppLimited(): void;

  /**
   * Everything up to and including number `arrived` has arrived: messages in flight and lost become arrived. Returns
   * how many were not known to have, or -1, changing nothing, if `arrived` is outside [base - 1, nextUnsent - 1].
   * O(messages since the last call).
   */
  arriveThrough(arrived: SequenceNumber): number;
  /**
   * Bit i of byte j of the `length` bytes (0..64) at `offset` of the memory says that message base + 8j + i has
   * arrived. Returns how many were not known to have. Bits about messages that are acknowledged already or were never
   * sent change nothing.
   */
  arriveBitmap(base: SequenceNumber, offset: number, length: number): number;
  /**
   * Take in a cumulative acknowledgement: every message up to and including `ack` is done and its slot is freed; those
   * not known to have arrived count as arrived. Returns how many are done (0 for a repetition), or -1, changing
   * nothing, if `ack` is outside [base - 1, nextUnsent - 1] (docs/wire.md W2: an acknowledgement is checked against
   * what was sent).
   */
  acknowledge(ack: SequenceNumber): number;
  /**
   * Give every slot back to the pool; again: nothing happens. Any other use from then on throws a RangeError, and all
   * counts read 0.
   */
  release(): void;
}
