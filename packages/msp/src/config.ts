import { MESSAGE_BYTES, WINDOW_LIMIT } from "@meshstream/wasm-core";
import { MspError } from "./errors.ts";

/**
 * Everything about MSP that may be chosen. Complete and frozen: {@link parseConfig} is the only way to make one.
 * Times are in milliseconds. Memory named here is slots of the core's pool, 1280 bytes each, held only while in use.
 */
export interface MspConfig {
  readonly [brand]: true;
  /**
   * How much is sent how fast: "auto" by a model of the path, which does not take a radio's losses for a full queue; "reno" as TCP's NewReno, for
   * comparison; "legacy" as deployed peers do it: 4 messages, repeated after 1500 ms (docs/wire.md W2).
   */
  readonly sender: Sender;
  /** Most messages in flight: 1..8190; towards a peer without the extension never more than 256 (docs/wire.md W2.18). */
  readonly windowPackets: number;
  /** Messages in flight before anything was heard from the peer: 1..64. */
  readonly firstFlightPackets: number;
  /**
   * Messages that a connection queues, in flight or not: 1..8190. Worst case per connection: this many slots; but a connection whose path is slow takes no more
   * than twice its present window, 256 at least.
   */
  readonly sendQueueMessages: number;
  /**
   * Messages received and not yet taken: 8..8192. Worst case per connection: this many slots, but a peer that speaks the extension
   * is promised no more than half of what is left of the pool (docs/wire.md W13).
   */
  readonly receiveWindowMessages: number;
  /** Whether to speak the extension with a peer that speaks it too (docs/wire.md W13). False: as deployed peers do. */
  readonly extension: boolean;
  /**
   * Whether messages are also repaired by coding, with a peer that can: "auto" where it makes messages earlier and nothing later; "on" also where a
   * transfer fills the link, for comparison; "off" sends no repairs and asks for none (docs/wire.md W13).
   */
  readonly coding: "off" | "auto" | "on";
  /** Connections of one endpoint, 1..65536; more are not accepted and counted. */
  readonly connectionsLimit: number;
  /** Retransmission timeout before the first RTT sample. */
  readonly initialRtoMs: number;
  /** Bounds of the retransmission timeout, backoff included. */
  readonly minRtoMs: number;
  readonly maxRtoMs: number;
  /** Towards a peer without the extension, taken messages are acknowledged at the latest so long after ... */
  readonly ackDelayMs: number;
  /** ... or as soon as there are this many: 1..64. */
  readonly ackEveryMessages: number;
  /** A packet is sent at the latest so long after the last one (docs/wire.md W2: 1500). */
  readonly keepAliveMs: number;
  /** A connection that hears nothing for so long has failed (docs/wire.md W2: 10 000). */
  readonly patienceMs: number;
  /** A packet that the transport dropped for want of a route is tried again after this. */
  readonly noRouteRetryMs: number;
  /** A closed connection's address and last acknowledgement are kept so long, to answer repeats (docs/wire.md W2: 15 000). */
  readonly closedMemoryMs: number;
  /** Closed connections remembered, 1..65536; the oldest goes first. About 300 bytes each. */
  readonly closedMemoryEntries: number;
}

export type Sender = "auto" | "reno" | "legacy";

declare const brand: unique symbol;

/**
 * A complete configuration from a partial one. Throws MspError "argument" that names the field, its value and its range.
 *
 * @example parseConfig({ windowPackets: 32 }).keepAliveMs // 1500
 */
export function parseConfig(partial: Partial<Omit<MspConfig, typeof brand>> = {}): MspConfig {
  const unknown = Object.keys(partial).find((name) => !Object.hasOwn(DEFAULTS, name));
  if (unknown !== undefined) {
    throw new MspError(
      "argument",
      `no such setting: ${unknown} (there are ${Object.keys(DEFAULTS).join(", ")})`,
    );
  }
  const given = Object.fromEntries(Object.entries(partial).filter(([, value]) => value !== undefined));
  const config = { ...DEFAULTS, ...given };
  if (!["auto", "reno", "legacy"].includes(config.sender)) {
    throw new MspError("argument", `sender: ${String(config.sender)} (must be "auto", "reno" or "legacy")`);
  }
  whole("windowPackets", config.windowPackets, 1, WINDOW_LIMIT - SHUTDOWN_RESERVE);
  whole("firstFlightPackets", config.firstFlightPackets, 1, 64);
  whole("sendQueueMessages", config.sendQueueMessages, 1, WINDOW_LIMIT - SHUTDOWN_RESERVE);
  if (typeof config.extension !== "boolean") {
    throw new MspError("argument", `extension: ${String(config.extension)} (must be true or false)`);
  }
  if (!["off", "auto", "on"].includes(config.coding)) {
    throw new MspError("argument", `coding: ${String(config.coding)} (must be "off", "auto" or "on")`);
  }
  whole("receiveWindowMessages", config.receiveWindowMessages, 8, WINDOW_LIMIT);
  whole("connectionsLimit", config.connectionsLimit, 1, 65536);
  whole("ackEveryMessages", config.ackEveryMessages, 1, 64);
  whole("closedMemoryEntries", config.closedMemoryEntries, 1, 65536);
  milliseconds("minRtoMs", config.minRtoMs, 1, 60_000);
  milliseconds("maxRtoMs", config.maxRtoMs, config.minRtoMs, 60_000);
  milliseconds("initialRtoMs", config.initialRtoMs, config.minRtoMs, config.maxRtoMs);
  milliseconds("ackDelayMs", config.ackDelayMs, 0, 1000);
  milliseconds("keepAliveMs", config.keepAliveMs, 10, 60_000);
  milliseconds("patienceMs", config.patienceMs, 100, 3_600_000);
  milliseconds("noRouteRetryMs", config.noRouteRetryMs, 1, 60_000);
  milliseconds("closedMemoryMs", config.closedMemoryMs, 0, 3_600_000);
  return Object.freeze(config) as MspConfig;
}

/** Places of a send window kept for the SHUTDOWN message and the empty one that may precede it. */
export const SHUTDOWN_RESERVE = 2;

/** Longest message, in bytes: the document's MSP_MESSAGE_SIZE. */
export const MESSAGE_SIZE = MESSAGE_BYTES;

const DEFAULTS = {
  sender: "auto" as Sender,
  windowPackets: 4096,
  firstFlightPackets: 16,
  sendQueueMessages: 4096,
  receiveWindowMessages: 4096,
  extension: true,
  coding: "auto" as "off" | "auto" | "on",
  connectionsLimit: 1024,
  initialRtoMs: 1000,
  minRtoMs: 200,
  maxRtoMs: 3000,
  ackDelayMs: 1,
  ackEveryMessages: 1,
  keepAliveMs: 1500,
  patienceMs: 10_000,
  noRouteRetryMs: 50,
  closedMemoryMs: 15_000,
  closedMemoryEntries: 4096,
};

function whole(name: string, value: number, lowest: number, highest: number): void {
  if (!Number.isInteger(value)) throw outside(name, value, `a whole number, ${lowest} to ${highest}`);
  milliseconds(name, value, lowest, highest);
}

function milliseconds(name: string, value: number, lowest: number, highest: number): void {
  // A string or null would compare like a number.
  const isWithin = typeof value === "number" && value >= lowest && value <= highest;
  if (!isWithin) throw outside(name, value, `${lowest} to ${highest}`);
}

function outside(name: string, value: number, range: string): MspError {
  return new MspError("argument", `${name}: ${value} (must be ${range})`);
}
