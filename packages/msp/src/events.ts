import type { Connection } from "./connection.ts";

/**
 * What happened, for the application. In this order within one connection: "incoming" (on the listening side only),
 * "connected", then "readable", "writable" and "shutdown" as they come, perhaps "failed", and "closed" exactly once, last.
 */
export interface EndpointEvent<Path> {
  readonly type: EventType;
  readonly connection: Connection<Path>;
}

export type EventType =
  /** A peer has opened a connection to `connection.listener`. */
  | "incoming"
  /** The first packet from the peer came. */
  | "connected"
  /** A message can be taken that could not before. */
  | "readable"
  /** There is room for a message again, after send() had returned false. */
  | "writable"
  /** The peer has shut down and every message before that is taken. */
  | "shutdown"
  /** The connection no longer works: `connection.failure` says why. Messages that had arrived can still be taken. */
  | "failed"
  /** The connection is over: `connection.outcome` says how. */
  | "closed";

/** How a connection ended. */
export type Outcome =
  /** Both directions shut down, everything acknowledged. */
  | "clean"
  /** As clean, but that the peer has seen our bare SHUTDOWN was never confirmed (docs/wire.md W11): nothing is missing. */
  | "unconfirmed"
  /** stop() on this side. */
  | "stopped"
  /** `connection.failure` says why. */
  | "failed";
