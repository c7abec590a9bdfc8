import { formatBytes, formatDuration, formatRate } from "./format.ts";

/** How far one file is. */
export interface Progress {
  /** The peer's, 64 upper-case hex digits. */
  readonly sid: string;
  readonly name: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** One line for a terminal of `columns` characters: name, bar, share, bytes, rate, time left. Never longer. */
export function renderProgress(
  progress: Omit<Progress, "sid">,
  bytesPerSecond: number,
  columns: number,
): string {
  const { name, doneBytes, totalBytes } = progress;
  const share = totalBytes === 0 ? 1 : Math.min(1, doneBytes / totalBytes);
  const left =
    bytesPerSecond > 0 ? formatDuration(((totalBytes - doneBytes) / bytesPerSecond) * 1000) : "-:--";
  const figures = `${String(Math.floor(share * 100)).padStart(3)} %  ${formatBytes(doneBytes)} of ${formatBytes(
    totalBytes,
  )}  ${formatRate(bytesPerSecond)}  ${left} left`;
  const room = columns - figures.length - 4;
  if (room < 12) return figures.slice(0, columns);
  const nameWidth = Math.min(Math.floor(room / 2), 30);
  const shown = name.length > nameWidth ? `${name.slice(0, nameWidth - 3)}...` : name;
  const barWidth = Math.min(room - shown.length, 40);
  const filled = Math.floor(share * barWidth);
  return `${shown} [${"#".repeat(filled)}${".".repeat(barWidth - filled)}] ${figures}`;
}

/**
 * The rate of a transfer, as a mean over the last few seconds, so that "time left" follows what the link does.
 * Times are in ms of any monotonic clock.
 */
export class RateMeter {
  #samples: { readonly atMs: number; readonly bytes: number }[] = [];

  add(atMs: number, bytes: number): void {
    const oldest = this.#samples[0];
    // A new file begins at 0 again.
    if (oldest !== undefined && bytes < oldest.bytes) this.#samples = [];
    this.#samples.push({ atMs, bytes });
    while (this.#samples.length > 2 && this.#samples[0]!.atMs < atMs - RATE_SPAN_MS) this.#samples.shift();
  }

  get bytesPerSecond(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0;
    return ((last.bytes - first.bytes) / (last.atMs - first.atMs)) * 1000;
  }
}

const RATE_SPAN_MS = 5000;
