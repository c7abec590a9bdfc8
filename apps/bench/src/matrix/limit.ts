import type { LinkStats } from "@meshstream/netem";
import { MESSAGE_BYTES } from "@meshstream/wasm-core";
import { OVERHEAD_BYTES } from "./packets.ts";
import type { Blackhole } from "./profiles.ts";

/** What of a full packet on the link is message: 1 024 of 1 100 bytes. */
export const FULL_PACKET_SHARE = MESSAGE_BYTES / (MESSAGE_BYTES + 5 + OVERHEAD_BYTES);

/**
 * The most message bits that the link could have carried in a run, per millisecond: its rate, times the message share of
 * a full packet, times what the loss model let through in that run, times the share of the time that the link was on.
 * Infinity on a link without a rate.
 */
export function limitKbps(rateBitsPerSecond: number, throughShare: number, onShare: number): number {
  return (rateBitsPerSecond / 1000) * FULL_PACKET_SHARE * throughShare * onShare;
}

/** Of the packets that the loss model decided on, the share that it let through; 1 if there were none. */
export function throughShare(stats: LinkStats, queuedPackets: number): number {
  const { offered, droppedMtu, droppedDown, droppedQueue, droppedLoss } = stats;
  const decided = offered - droppedMtu - droppedDown - droppedQueue - queuedPackets;
  return decided === 0 ? 1 : 1 - droppedLoss / decided;
}

/** Of the time between two moments, the share that the link was on: it is on first, from 0, and off after each `onMs`. */
export function onShare(blackhole: Blackhole | undefined, fromMs: number, toMs: number): number {
  if (blackhole === undefined || toMs <= fromMs) return 1;
  return (onUntilMs(blackhole, toMs) - onUntilMs(blackhole, fromMs)) / (toMs - fromMs);
}

function onUntilMs({ onMs, offMs }: Blackhole, atMs: number): number {
  const whole = Math.floor(atMs / (onMs + offMs));
  return whole * onMs + Math.min(onMs, atMs - whole * (onMs + offMs));
}
