import type { Address, Sid } from "./address.ts";

/** What a {@link ConnectionTable} holds: something between two end points. */
export interface Between {
  readonly local: Address;
  readonly remote: Address;
}

/** Finds what lies between two end points without making anything on the way: it is asked once per packet. */
export class ConnectionTable<T extends Between> {
  private readonly bySid = new Map<string, Map<number, T[]>>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  get(local: Sid, localPort: number, remote: Sid, remotePort: number): T | undefined {
    const candidates = this.bySid.get(remote.hex)?.get(remotePort);
    if (candidates === undefined) return undefined;
    for (const candidate of candidates) {
      if (candidate.local.port === localPort && candidate.local.sid.hex === local.hex) return candidate;
    }
    return undefined;
  }

  /** Add what is not there yet. */
  add(item: T): void {
    const { sid, port } = item.remote;
    let byPort = this.bySid.get(sid.hex);
    if (byPort === undefined) {
      byPort = new Map();
      this.bySid.set(sid.hex, byPort);
    }
    const list = byPort.get(port);
    if (list === undefined) byPort.set(port, [item]);
    else list.push(item);
    this.count += 1;
  }

  delete(item: T): void {
    const { sid, port } = item.remote;
    const byPort = this.bySid.get(sid.hex);
    const list = byPort?.get(port);
    const index = list?.indexOf(item) ?? -1;
    if (byPort === undefined || list === undefined || index === -1) return;
    list.splice(index, 1);
    if (list.length === 0) byPort.delete(port);
    if (byPort.size === 0) this.bySid.delete(sid.hex);
    this.count -= 1;
  }

  *[Symbol.iterator](): Generator<T> {
    for (const byPort of this.bySid.values()) for (const list of byPort.values()) yield* list;
  }
}
