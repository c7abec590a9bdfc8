import type { LinkAddress, Sid } from "@meshstream/msp";
import type { Neighbour, NeighbourTable } from "./neighbours.ts";

/** One row of the neighbour table. Plain data but for `sid`. */
export interface NeighbourInfo {
  readonly sid: Sid;
  /** Index of the link it is heard on. */
  readonly link: number;
  readonly address: LinkAddress;
  /** It hears us too, so that messages go to it. */
  readonly reachable: boolean;
  /** Since its last packet. */
  readonly heardAgoMs: number;
  /** Since it last said that it hears us; absent if it never did. */
  readonly hearsUsAgoMs?: number;
  /** Of our last 15 packets before the latest it heard, how many per cent it missed; only if reachable. */
  readonly dropPercent?: number;
  /** Of its last 15 numbered packets before the latest, how many per cent we missed; only if we had 16. */
  readonly heardDropPercent?: number;
  /** Packets to it, and from it. */
  readonly packetsSent?: number;
  readonly packetsReceived?: number;
  /** Of the packets to it, those that it acknowledged; it cannot speak of all where there are many. */
  readonly packetsAcknowledged?: number;
  /** Frames to it, and of these those sent again for want of an acknowledgement. */
  readonly framesSent?: number;
  readonly framesResent?: number;
  /** Frames that it was asked to acknowledge, and did. */
  readonly framesAcknowledged?: number;
  readonly framesReceived?: number;
  /** The least time of late in which it acknowledged a frame, its own delay of up to 500 ms included; absent before the first. */
  readonly acknowledgedInMs?: number;
}

export function neighbourInfo(table: NeighbourTable, nowMs: number): NeighbourInfo[] {
  const rows: NeighbourInfo[] = [];
  for (const node of table.nodes()) for (const relation of node.relations) rows.push(rowOf(relation, nowMs));
  return rows;
}

function rowOf(relation: Neighbour, nowMs: number): NeighbourInfo {
  const { node, link, address, reachable, heardAtMs, hearsUsAtMs, stats, received, roundTrip, ledger } =
    relation;
  const { shortestMs } = roundTrip;
  const isMaskFull = received.latest >= 0 && stats.packetsReceived > 15;
  return {
    sid: node.entry.sid,
    link: link.index,
    address,
    reachable,
    heardAgoMs: nowMs - heardAtMs,
    ...(hearsUsAtMs > Number.NEGATIVE_INFINITY && { hearsUsAgoMs: nowMs - hearsUsAtMs }),
    ...(reachable && { dropPercent: percentOf15(relation.missedOf15) }),
    ...(isMaskFull && { heardDropPercent: percentOf15(received.missedOf15) }),
    ...stats,
    packetsAcknowledged: ledger.acknowledged,
    ...(shortestMs !== undefined && { acknowledgedInMs: shortestMs }),
  };
}

function percentOf15(count: number): number {
  return Math.round((100 * count) / 15);
}
