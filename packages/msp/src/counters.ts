/** Counts, by reason, of what was dropped or refused. Reasons are a closed set of short names, so this stays small. */
export class Counters {
  private readonly counts = new Map<string, number>();

  count(reason: string): void {
    this.counts.set(reason, (this.counts.get(reason) ?? 0) + 1);
  }

  /** How often it was counted: 0 if never. */
  of(reason: string): number {
    return this.counts.get(reason) ?? 0;
  }

  /** A copy, as a plain object. */
  snapshot(): Record<string, number> {
    return Object.fromEntries(this.counts);
  }
}
