import type { Report } from "./report.ts";

/** Why a connection was not served. */
export type RefusalReason = "not-allowed" | "busy" | "limit" | "tcp";

/**
 * Counts the connections that were refused, and says so. Whoever knocks all the time must not fill a log: of each reason
 * there is a line a second at most, with the count so far.
 */
export class Refusals {
  readonly #report: Report;
  readonly #nowMs: () => number;
  readonly #counts = new Map<RefusalReason, { total: number; saidAtMs: number }>();

  constructor(report: Report, nowMs: () => number = () => performance.now()) {
    this.#report = report;
    this.#nowMs = nowMs;
  }

  /** `who` was refused. `fields` stand in the event. */
  add(
    who: string,
    reason: RefusalReason,
    why: string,
    fields: { readonly sid: string; readonly tcp?: string },
  ): void {
    const nowMs = this.#nowMs();
    const { total, saidAtMs } = this.#counts.get(reason) ?? { total: 0, saidAtMs: Number.NEGATIVE_INFINITY };
    const count = total + 1;
    const isSaid = nowMs - saidAtMs >= QUIET_MS;
    this.#counts.set(reason, { total: count, saidAtMs: isSaid ? nowMs : saidAtMs });
    if (!isSaid) return;
    const soFar = count === 1 ? "" : ` (${count} refused for this so far)`;
    this.#report.note({ event: "refused", ...fields, reason, count }, `refused ${who}: ${why}${soFar}`);
  }
}

const QUIET_MS = 1000;
