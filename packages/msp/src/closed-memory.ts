import type { SequenceNumber } from "@meshstream/wasm-core";
import type { Sid } from "./address.ts";
import type { MspConfig } from "./config.ts";
import { type Between, ConnectionTable } from "./connection-table.ts";

/** A connection that was closed a short while ago. */
export interface ClosedConnection extends Between {
  /** What answers a packet of it: its last acknowledgement, or a STOP. */
  readonly answer: SequenceNumber | "stop";
  /** The flag that each packet of it had, and that the answer has, unless it is a STOP (docs/wire.md W13). */
  readonly flag: number;
  /** How long to stay after it closed, since the peer may not have that acknowledgement yet; 0 if it is known to have it. */
  readonly stayMs: number;
  readonly closedAtMs: number;
}

/**
 * Remembers closed connections, so that a peer that missed the last acknowledgement gets it again, and a late FIRST
 * does not open a second connection (docs/wire.md W11, rows 7 and 8). At most `closedMemoryEntries`, the oldest goes first.
 */
export class ClosedMemory {
  private readonly table = new ConnectionTable<ClosedConnection>();
  private readonly byAge = new Set<ClosedConnection>();
  private readonly config: MspConfig;

  constructor(config: MspConfig) {
    this.config = config;
  }

  get size(): number {
    return this.byAge.size;
  }

  add(closed: ClosedConnection): void {
    if (this.config.closedMemoryMs === 0) return;
    const { local, remote } = closed;
    const earlier = this.table.get(local.sid, local.port, remote.sid, remote.port);
    if (earlier !== undefined) this.forget(earlier);
    if (this.byAge.size >= this.config.closedMemoryEntries) this.forget(this.oldest()!);
    this.table.add(closed);
    this.byAge.add(closed);
  }

  get(
    local: Sid,
    localPort: number,
    remote: Sid,
    remotePort: number,
    nowMs: number,
  ): ClosedConnection | undefined {
    this.expire(nowMs);
    return this.table.get(local, localPort, remote, remotePort);
  }

  /** Until when a peer may be expected to ask for the last acknowledgement once more; -Infinity if none is. */
  stayUntilMs(nowMs: number): number {
    this.expire(nowMs);
    let latestMs = Number.NEGATIVE_INFINITY;
    for (const { closedAtMs, stayMs } of this.byAge) {
      if (stayMs > 0) latestMs = Math.max(latestMs, closedAtMs + stayMs);
    }
    return latestMs;
  }

  private expire(nowMs: number): void {
    for (let oldest = this.oldest(); oldest !== undefined; oldest = this.oldest()) {
      if (nowMs - oldest.closedAtMs < this.config.closedMemoryMs) return;
      this.forget(oldest);
    }
  }

  private oldest(): ClosedConnection | undefined {
    return this.byAge.values().next().value;
  }

  private forget(closed: ClosedConnection): void {
    this.table.delete(closed);
    this.byAge.delete(closed);
  }
}
