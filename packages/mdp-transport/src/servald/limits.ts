import {
  DATA_HEADER_BYTES,
  INBOUND_MESSAGE_BYTES,
  MESSAGE_BYTES,
  REPAIR_HEADER_BYTES,
  SYMBOL_HEADER_BYTES,
} from "@meshstream/wasm-core";

/** Everything that can grow in a client of a daemon (docs/wire.md W10), with what it costs at worst. */
export const ServaldLimit = {
  /** Longest packet handed to a daemon, in bytes: a daemon does not survive more than 1140, and MSP never needs more than this, for a repair. */
  SENT_PACKET_BYTES: REPAIR_HEADER_BYTES + SYMBOL_HEADER_BYTES + MESSAGE_BYTES,
  /** Longest packet taken from a daemon, in bytes. */
  RECEIVED_PACKET_BYTES: DATA_HEADER_BYTES + INBOUND_MESSAGE_BYTES,
  /** Answers to one question: about 1 MiB. */
  ANSWERS: 4096,
  /** SIDs of peers kept interned: about 1 MiB. */
  SIDS: 4096,
  /** Requests to a daemon back to back: its socket holds 11 datagrams and drops the rest in silence. */
  REQUEST_BURST: 4,
  /** Requests in a second, after a burst. */
  REQUESTS_PER_SECOND: 4000,
} as const;

/** When a client of a daemon does things, in milliseconds. */
export const ServaldTiming = {
  /** How long the first answer of a daemon may take. */
  START_MS: 2000,
  /** When to ask again what was not answered. */
  REPEAT_MS: 250,
  /** How often to see whether the daemon is there, and still knows us. */
  PROBE_MS: 1000,
  /** How soon after the last time to see so if the daemon refuses a packet. */
  EARLY_PROBE_MS: 100,
  /** So many of these unanswered in a row, and the daemon is gone. */
  UNANSWERED_PROBES: 5,
  /** How long a restart of a daemon is not looked for again. */
  REBIND_MS: 1000,
  /** How long to wait for daemons at several addresses. */
  FIND_MS: 300,
} as const;
