/** What the arrival of a message says, as far as acknowledging is concerned. */
export type ArrivalNews =
  /** It is the next in order, and the newest. */
  | "next"
  /** It is the next in order, and others that wait behind it were there before. */
  | "filled"
  /** It is the newest, and at least one before it is missing that was not known to be. */
  | "hole"
  /** It is the newest, right behind the former newest, and waits behind a hole. */
  | "waiting"
  /** It is not the newest, and waits behind a hole. */
  | "late"
  /** It had been here before: our acknowledgement may have been lost. */
  | "duplicate";

/** Decides when an acknowledgement has to go. Called by the receive side of a connection; knows no clock. */
export interface AckSchedule {
  /** Something has not been acknowledged yet. */
  readonly owes: boolean;
  /** When an acknowledgement must go by itself: -Infinity for at once, Infinity if never. */
  readonly deadlineMs: number;
  /** A data packet came. */
  handleArrival(news: ArrivalNews, nowMs: number): void;
  /** The application took a message. */
  handleTaken(nowMs: number): void;
  /** Something came that must not wait. */
  demand(): void;
  /** A packet with the cumulative acknowledgement left; `isWhole`: it said all that there is to say. */
  handleSent(isWhole: boolean, nowMs: number): void;
}
