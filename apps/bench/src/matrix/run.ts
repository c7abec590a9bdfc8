import type { MspConfig, parseConfig } from "@meshstream/msp";
import type { Engine } from "@meshstream/wasm-core";
import type { Messages, Profile } from "./profiles.ts";
import { Simulation } from "./simulation.ts";
import type { TracePoint } from "./trace.ts";

/** Who is at the ends: two of ours; ours towards a deployed peer; two deployed peers. */
export type PeerKind = "ext" | "legacy" | "deployed-both";

export type PartialConfig = NonNullable<Parameters<typeof parseConfig>[0]>;

/** One cell of the matrix: everything that a run depends on, but for the seed. */
export interface Cell {
  readonly profile: Profile;
  readonly peer: PeerKind;
  readonly engine: Engine;
  /** Of every flow of ours. */
  readonly config: PartialConfig;
  /** For the tables. */
  readonly coding: string;
  /** Flows of ours that share the link, 1 or more; the figures are of the first, but for `flowsKbps`. */
  readonly flows: number;
  /** A further flow with this sender. */
  readonly cross?: MspConfig["sender"];
  /** Instead of what the profile says. */
  readonly messages?: Messages;
  /**
   * Every flow sends for as long as the run lasts, so many milliseconds; each begins 5 s after the one before, and
   * `flowsKbps` is of the second half.
   */
  readonly lastsMs?: number;
  /** Keep a time series of the run. */
  readonly isTraced?: boolean;
}

/** What one run gave. */
export interface Result {
  readonly profile: string;
  readonly peer: PeerKind;
  readonly coding: string;
  readonly seed: number;
  readonly goodputKbps: number;
  /** 0 on a link without a rate. */
  readonly limitKbps: number;
  /** goodput / limit; 0 on a link without a rate. */
  readonly share: number;
  /** From the call of send(), or the moment that a message was due, until it is handed over. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Data and repair packets sent beyond one for each message delivered, as a share of these. */
  readonly overhead: number;
  /** The bottleneck's standing queue: how long it would make a packet wait. */
  readonly queueMs: number;
  readonly completed: boolean;
  /** "transfer", "20@200" for messages at a pace, "60 s" for flows that last. */
  readonly work: string;
  /** From the first send call to the last message handed over; to the end of the run if that never was. */
  readonly elapsedMs: number;
  /** The longest wait from the link's return to something new; 0 if it never was off. */
  readonly returnMs: number;
  /** Goodput of every flow, the cross traffic last. */
  readonly flowsKbps: readonly number[];
  /** Simulated milliseconds. */
  readonly simulatedMs: number;
  /** Why it did not complete, if a connection failed. */
  readonly failure?: string;
  readonly trace?: readonly TracePoint[];
}

/**
 * Run a cell with one seed. Deterministic. Rejects if something forbidden was sent to a deployed peer, or if the program
 * has a defect; a connection that fails is a result.
 */
export async function run(cell: Cell, seed: number): Promise<Result> {
  const simulation = new Simulation(cell, seed);
  await simulation.start();
  return simulation.finish();
}
