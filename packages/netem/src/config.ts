/**
 * What one direction of a link does to packets, in the order in which it does it. JSON-able, but for Infinity: leave
 * those fields out. A packet meets, in turn: MTU, up or down, the queue, the rate, loss, duplication, corruption,
 * truncation, delay. Lost packets have used up their share of the rate, as on a radio.
 */
export interface LinkConfig {
  /** Larger packets are dropped. Bytes, 1 or more. Default Infinity. */
  readonly mtuBytes: number;
  /** False: a blackhole, a partition. Nothing starts across, what has left the queue arrives still. Default true. */
  readonly up: boolean;
  /**
   * What becomes of packets offered while down: true, they join the queue; false, they are lost. Packets that were in
   * the queue before, the one being sent included, are kept either way and go on when the link is up. Default false.
   */
  readonly holdWhileDown: boolean;
  /** Most packets that wait behind the one being sent; one more is dropped. 0 or more. Default 1000. */
  readonly queuePackets: number;
  /** Most bytes that wait behind the packet being sent. 0 or more. Default Infinity. */
  readonly queueBytes: number;
  /** Bits per second, above 0; a packet of n bytes takes 8000 n / rate ms. Default Infinity: nothing ever waits. */
  readonly rateBitsPerSecond: number;
  readonly loss: LossConfig;
  /** Share of the packets that arrive twice, 0..1; the copy gets its own delay and damage. Default 0. */
  readonly duplicate: number;
  /** Share of the packets with some bytes changed, 0..1. Default 0. */
  readonly corrupt: number;
  /** Share of the packets cut short, 0..1. Default 0. */
  readonly truncate: number;
  /** Time across, after the last bit was sent. Milliseconds, 0 or more. Default 0. */
  readonly delayMs: number;
  /** A further delay for each packet, drawn evenly from 0..jitterMs. Milliseconds, 0 or more. Default 0. */
  readonly jitterMs: number;
  /** Whether jitter, or a lowered delay, lets a packet overtake; if not, it waits for those before it. Default false. */
  readonly jitterReorders: boolean;
  /** Share of the packets held back by a further {@link reorderMs} while others overtake them, 0..1. Default 0. */
  readonly reorder: number;
  /** Milliseconds, 0 or more; above 0 if reorder is. Default 0. */
  readonly reorderMs: number;
}

/** Which packets are lost. */
export type LossConfig =
  | { readonly model: "none" }
  /** Each with probability `p`, 0..1, whatever happened to the others. */
  | { readonly model: "bernoulli"; readonly p: number }
  /**
   * In bursts: a good state loses nothing, a bad one everything. `meanLoss`, 0 to below 1, of all packets;
   * `meanBurstPackets`, 1 or more and at least meanLoss / (1 - meanLoss), is the mean length of a run of losses.
   */
  | { readonly model: "gilbert-elliott"; readonly meanLoss: number; readonly meanBurstPackets: number };

declare const parsed: unique symbol;

/** Complete, within range, frozen: comes from {@link parseLinkConfig} only. */
export type ParsedLinkConfig = LinkConfig & { readonly [parsed]: true };

/**
 * Parse a change to `base`. A wrong type or an unknown field is a TypeError, a value out of range a RangeError; both
 * name the field and the value.
 *
 * @example parseLinkConfig({ delayMs: 30, loss: { model: "bernoulli", p: 0.02 } }).queuePackets // 1000
 */
export function parseLinkConfig(
  change: Partial<LinkConfig>,
  base: LinkConfig = DEFAULT_LINK_CONFIG,
): ParsedLinkConfig {
  if (typeof change !== "object" || change === null) {
    throw new TypeError(`link: ${String(change)} is not an object`);
  }
  for (const field of Object.keys(change)) {
    if (!Object.hasOwn(DEFAULT_LINK_CONFIG, field)) {
      throw new TypeError(
        `link: no field "${field}" (there are ${Object.keys(DEFAULT_LINK_CONFIG).join(", ")})`,
      );
    }
  }
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  const merged: LinkConfig = { ...base, ...given };
  const config: LinkConfig = {
    mtuBytes: number(merged, "mtuBytes", 1),
    up: flag(merged, "up"),
    holdWhileDown: flag(merged, "holdWhileDown"),
    queuePackets: number(merged, "queuePackets", 0),
    queueBytes: number(merged, "queueBytes", 0),
    rateBitsPerSecond: number(merged, "rateBitsPerSecond", Number.MIN_VALUE),
    loss: parseLoss(merged.loss),
    duplicate: number(merged, "duplicate", 0, 1),
    corrupt: number(merged, "corrupt", 0, 1),
    truncate: number(merged, "truncate", 0, 1),
    delayMs: number(merged, "delayMs", 0, Number.MAX_VALUE),
    jitterMs: number(merged, "jitterMs", 0, Number.MAX_VALUE),
    jitterReorders: flag(merged, "jitterReorders"),
    reorder: number(merged, "reorder", 0, 1),
    reorderMs: number(merged, "reorderMs", 0, Number.MAX_VALUE),
  };
  if (config.reorder > 0 && config.reorderMs === 0) {
    throw new RangeError(`reorderMs: 0 would hold nothing back (reorder is ${config.reorder})`);
  }
  return Object.freeze(config) as ParsedLinkConfig;
}

/** A wire without faults: no rate limit, no delay. */
export const DEFAULT_LINK_CONFIG: LinkConfig = Object.freeze({
  mtuBytes: Number.POSITIVE_INFINITY,
  up: true,
  holdWhileDown: false,
  queuePackets: 1000,
  queueBytes: Number.POSITIVE_INFINITY,
  rateBitsPerSecond: Number.POSITIVE_INFINITY,
  loss: Object.freeze({ model: "none" }),
  duplicate: 0,
  corrupt: 0,
  truncate: 0,
  delayMs: 0,
  jitterMs: 0,
  jitterReorders: false,
  reorder: 0,
  reorderMs: 0,
});

function parseLoss(loss: LossConfig): LossConfig {
  if (typeof loss !== "object" || loss === null)
    throw new TypeError(`loss: ${String(loss)} is not an object`);
  const { model } = loss;
  if (model === "none") return Object.freeze({ model });
  if (model === "bernoulli") return Object.freeze({ model, p: number(loss, "p", 0, 1, "loss.") });
  if (model !== "gilbert-elliott") {
    throw new RangeError(`loss.model: "${model as string}" is none of none, bernoulli, gilbert-elliott`);
  }
  const meanLoss = number(loss, "meanLoss", 0, 1, "loss.");
  const meanBurstPackets = number(loss, "meanBurstPackets", 1, Number.MAX_VALUE, "loss.");
  if (meanLoss === 1) throw new RangeError("loss.meanLoss: 1 has no bursts; use bernoulli");
  // Shorter bursts would have to begin more often than at every packet that gets through.
  if (meanBurstPackets < meanLoss / (1 - meanLoss)) {
    throw new RangeError(
      `loss.meanBurstPackets: ${meanBurstPackets} is too short for a mean loss of ${meanLoss} (at least ${meanLoss / (1 - meanLoss)})`,
    );
  }
  return Object.freeze({ model, meanLoss, meanBurstPackets });
}

function number<T>(
  from: T,
  field: keyof T & string,
  lowest: number,
  highest = Number.POSITIVE_INFINITY,
  prefix = "",
): number {
  const value: unknown = from[field];
  if (typeof value !== "number") throw new TypeError(`${prefix}${field}: ${String(value)} is not a number`);
  if (!(value >= lowest && value <= highest)) {
    const from = lowest === Number.MIN_VALUE ? "more than 0" : `${lowest} or more`;
    const range = highest === Number.POSITIVE_INFINITY ? from : `within ${lowest} to ${highest}`;
    throw new RangeError(`${prefix}${field}: ${value} is not ${range}`);
  }
  return value;
}

function flag<T>(from: T, field: keyof T & string): boolean {
  const value: unknown = from[field];
  if (typeof value !== "boolean") throw new TypeError(`${field}: ${String(value)} is not true or false`);
  return value;
}
