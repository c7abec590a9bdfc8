/**
 * Why bytes from the network mean nothing. A parser returns one of these; it never throws. Each reason is also the
 * name of a counter (see counters.ts).
 */
export const FAULT_REASONS = [
  "address-truncated",
  "address-form",
  "address-empty",
  "envelope-truncated",
  "envelope-version",
  "envelope-encapsulation",
  "frame-truncated",
  "frame-payload-truncated",
  "ports-truncated",
  "ports-range",
  "record-truncated",
  "record-length",
] as const;
export type FaultReason = (typeof FAULT_REASONS)[number];

/** A parser's "no": told from every meaning by `kind`. */
export interface Fault {
  readonly kind: "fault";
  readonly reason: FaultReason;
}

/** The one fault object of a reason: faults come at the rate of garbage and must cost nothing. */
export function fault(reason: FaultReason): Fault {
  return FAULTS[reason];
}

const FAULTS = Object.fromEntries(
  FAULT_REASONS.map((reason) => [reason, Object.freeze({ kind: "fault", reason })]),
) as Readonly<Record<FaultReason, Fault>>;
