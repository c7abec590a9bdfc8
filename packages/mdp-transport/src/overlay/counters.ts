import { FAULT_REASONS, type FaultReason } from "./fault.ts";

/** Reasons for which a whole packet, a frame or a part of one is dropped, other than that it cannot be parsed. */
export const DROP_REASONS = [
  // Packets received.
  "datagram-oversize",
  "own-packet",
  "packet-duplicate",
  "neighbours-full",
  // Addresses in them.
  "address-unknown",
  "address-ambiguous",
  "address-unusable",
  "address-no-previous",
  "address-point-to-point",
  "address-limit",
  // Frames received.
  "frame-duplicate",
  "overheard",
  "relay-ttl",
  "relay-no-route",
  "relay-back",
  "relay-type",
  "broadcast-copy",
  "broadcast-limit",
  "broadcast-not-through-us",
  "type-unknown",
  "not-ciphered",
  "not-signed",
  "service-unknown",
  "not-one-hop",
  "agreement-limit",
  "low-order",
  "own-source",
  "sealed-broadcast",
  "open-failed",
  "stale",
  "message-empty",
  "no-binding",
  // Explain and link state.
  "explain-limit",
  "ask-limit",
  "announced-full",
  "record-old",
  "unproven-limit",
  // Services.
  "service-limit",
  "trace-malformed",
  "trace-full",
  "key-question-malformed",
  // Messages to send.
  "closed",
  "no-route",
  "over-mtu",
  "queue-full",
  "queue-expired",
  "held-full",
  "frame-unacknowledged",
  "local-full",
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** Things that went well. */
export const EVENTS = [
  "packets-received",
  "packets-sent",
  "frames-received",
  "frames-resent",
  "messages-sent",
  "messages-delivered",
  "local-delivered",
  "frames-relayed",
  "broadcasts-relayed",
  "services-answered",
  "keys-answered",
  "traces-passed",
  "ticks-sent",
  "records-sent",
  "explain-asked",
  "explain-answered",
  "neighbours-found",
  "neighbours-lost",
  "neighbours-deaf",
  "neighbour-restarts",
] as const;

export type CounterName = FaultReason | DropReason | (typeof EVENTS)[number];

/** One whole number for everything that a node counts, from 0 at its start; all names are always present. */
export type Counters = Record<CounterName, number>;

export function createCounters(): Counters {
  const names: readonly CounterName[] = [...FAULT_REASONS, ...DROP_REASONS, ...EVENTS];
  return Object.fromEntries(names.map((name) => [name, 0])) as Counters;
}
