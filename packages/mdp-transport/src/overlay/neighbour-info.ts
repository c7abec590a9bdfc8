import type { LinkAddress, Sid } from "@meshstream/msp";
import type { NeighbourTable } from "./neighbours.ts";

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
  /** Of our last 15 packets before the latest it heard, how many per cent it missed; only if reachable. */
  readonly dropPercent?: number;
}

export function neighbourInfo(table: NeighbourTable, nowMs: number): NeighbourInfo[] {
  const rows: NeighbourInfo[] = [];
  for (const node of table.nodes()) {
    for (const relation of node.relations) {
      rows.push({
        sid: node.entry.sid,
        link: relation.link.index,
        address: relation.address,
        reachable: relation.reachable,
        heardAgoMs: nowMs - relation.heardAtMs,
        ...(relation.reachable && { dropPercent: Math.round((100 * relation.missedOf15) / 15) }),
      });
    }
  }
  return rows;
}
