import type { Sid } from "@meshstream/msp";

/** Bound ports, each of one identity or, with no SID, of all of them. The caller limits how many. Asked once per packet: it makes nothing on the way. */
export class PortTable<T> {
  private readonly byPort = new Map<number, Map<string, T>>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Note a binding. False, changing nothing, if exactly this is bound already. */
  add(sid: Sid | undefined, port: number, value: T): boolean {
    const bound = this.byPort.get(port) ?? new Map<string, T>();
    if (bound.has(nameOf(sid))) return false;
    this.byPort.set(port, bound.set(nameOf(sid), value));
    this.count += 1;
    return true;
  }

  /** Who gets what is addressed to this: the identity's own binding, else the one of all. */
  find(sid: Sid, port: number): T | undefined {
    const bound = this.byPort.get(port);
    return bound?.get(sid.hex) ?? bound?.get(ALL);
  }

  /** Take a binding out, named exactly as it was added. */
  remove(sid: Sid | undefined, port: number): T | undefined {
    const bound = this.byPort.get(port);
    const removed = bound?.get(nameOf(sid));
    if (bound?.delete(nameOf(sid)) !== true) return undefined;
    this.count -= 1;
    if (bound.size === 0) this.byPort.delete(port);
    return removed;
  }

  /** Take all bindings out. */
  removeAll(): T[] {
    const all = [...this.byPort.values()].flatMap((bound) => [...bound.values()]);
    this.byPort.clear();
    this.count = 0;
    return all;
  }
}

function nameOf(sid: Sid | undefined): string {
  return sid?.hex ?? ALL;
}

const ALL = "all";
