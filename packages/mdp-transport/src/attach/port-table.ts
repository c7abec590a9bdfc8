import type { Sid } from "@meshstream/msp";

/** What is bound under a port: one identity's port, or the port of all of them. */
interface Entry<T> {
  /** Absent: all identities. */
  readonly sid: Sid | undefined;
  readonly value: T;
}

/** Bound ports, of one identity or of all. The caller limits how many. */
export class PortTable<T> {
  private readonly ports = new Map<number, Entry<T>[]>();

  /** Note a binding. False, changing nothing, if exactly this is bound already. */
  add(sid: Sid | undefined, port: number, value: T): boolean {
    const entries = this.ports.get(port) ?? [];
    if (entries.some((entry) => entry.sid?.hex === sid?.hex)) return false;
    entries.push({ sid, value });
    this.ports.set(port, entries);
    return true;
  }

  /** Who gets what is addressed to this: the identity's own binding, else the one of all. */
  find(sid: Sid, port: number): T | undefined {
    const entries = this.ports.get(port);
    if (entries === undefined) return undefined;
    const entry =
      entries.find((entry) => entry.sid?.hex === sid.hex) ?? entries.find((entry) => entry.sid === undefined);
    return entry?.value;
  }

  /** Take a binding out, named exactly as it was added. */
  remove(sid: Sid | undefined, port: number): T | undefined {
    const entries = this.ports.get(port) ?? [];
    const index = entries.findIndex((entry) => entry.sid?.hex === sid?.hex);
    const [removed] = index < 0 ? [] : entries.splice(index, 1);
    if (entries.length === 0) this.ports.delete(port);
    return removed?.value;
  }

  /** Take all bindings out. */
  removeAll(): T[] {
    const values = [...this.ports.values()].flatMap((entries) => entries.map((entry) => entry.value));
    this.ports.clear();
    return values;
  }

  get size(): number {
    let size = 0;
    for (const entries of this.ports.values()) size += entries.length;
    return size;
  }
}
