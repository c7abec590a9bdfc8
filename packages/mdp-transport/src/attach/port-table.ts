import type { Sid } from "@meshstream/msp";

/** Bound ports, each of one identity or, with no SID, of all of them. The caller limits how many. */
export class PortTable<T> {
  private readonly bound = new Map<string, T>();

  get size(): number {
    return this.bound.size;
  }

  /** Note a binding. False, changing nothing, if exactly this is bound already. */
  add(sid: Sid | undefined, port: number, value: T): boolean {
    const key = keyOf(sid, port);
    if (this.bound.has(key)) return false;
    this.bound.set(key, value);
    return true;
  }

  /** Who gets what is addressed to this: the identity's own binding, else the one of all. */
  find(sid: Sid, port: number): T | undefined {
    return this.bound.get(keyOf(sid, port)) ?? this.bound.get(keyOf(undefined, port));
  }

  /** Take a binding out, named exactly as it was added. */
  remove(sid: Sid | undefined, port: number): T | undefined {
    const key = keyOf(sid, port);
    const removed = this.bound.get(key);
    this.bound.delete(key);
    return removed;
  }

  /** Take all bindings out. */
  removeAll(): T[] {
    const all = [...this.bound.values()];
    this.bound.clear();
    return all;
  }
}

function keyOf(sid: Sid | undefined, port: number): string {
  return `${port} ${sid?.hex ?? "all"}`;
}
