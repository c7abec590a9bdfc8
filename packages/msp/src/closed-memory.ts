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
  /** The peer may not have that acknowledgement yet. */
  readonly mayBeRepeatedTo: boolean;
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

  /** When the last connection closed whose peer may still ask for the last acknowledgement; undefined if there is none. */
  lastUnsettledMs(nowMs: number): number | undefined {
    this.expire(nowMs);
    let latest: number | undefined;
    for (const closed of this.byAge) if (closed.mayBeRepeatedTo) latest = closed.closedAtMs;
    return latest;
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
