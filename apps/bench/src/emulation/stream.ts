import type { LinkConfig } from "@meshstream/netem";
import { percentile } from "../matrix/measure.ts";

/** The same plain stream for every emulator: packets of one size at an even pace, one way. */
export interface Stream {
  /** Of one direction. */
  readonly link: Partial<LinkConfig>;
  /** What is offered, as a share of the link's rate. */
  readonly load: number;
  readonly packets: number;
}

/** What came out at the far end. */
export interface Figures {
  /** Arrived, as a share of the link's rate. */
  readonly rate: number;
  /** Did not arrive, as a share of what was offered. */
  readonly missing: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Bytes of each packet on the link: those of a full message. */
export const PACKET_BYTES = 1100;

/** From one packet to the next. */
export function intervalMs({ link, load }: Stream): number {
  return (8000 * PACKET_BYTES) / ((link.rateBitsPerSecond ?? 0) * load);
}

/** Figures from when each packet arrived, and how long it took. */
export function figuresOf(
  stream: Stream,
  arrivals: readonly { readonly atMs: number; readonly tookMs: number }[],
): Figures {
  const times = arrivals.map(({ atMs }) => atMs);
  const spanMs = Math.max(...times) - Math.min(...times);
  const took = arrivals.map(({ tookMs }) => tookMs);
  const bits = (arrivals.length - 1) * PACKET_BYTES * 8;
  return {
    rate: spanMs > 0 ? bits / spanMs / ((stream.link.rateBitsPerSecond ?? 0) / 1000) : 0,
    missing: 1 - arrivals.length / stream.packets,
    p50Ms: percentile(took, 0.5),
    p99Ms: percentile(took, 0.99),
  };
}
