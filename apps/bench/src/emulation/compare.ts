import { type Figures, intervalMs, type Stream } from "./stream.ts";

/** The same stream through ours and through another emulator. */
export interface Comparison {
  readonly profile: string;
  readonly load: number;
  /** Time that a packet takes onto the link: the token bucket of tbf lets one through at once where our link takes this time. */
  readonly packetMs: number;
  readonly emulator: "ns-3" | "tc netem" | "tc tbf";
  readonly ours: Figures;
  readonly theirs: Figures;
}

export function compare(
  profile: string,
  stream: Stream,
  emulator: Comparison["emulator"],
  ours: Figures,
  theirs: Figures,
): Comparison {
  const { load } = stream;
  return { profile, load, packetMs: intervalMs({ ...stream, load: 1 }), emulator, ours, theirs };
}

/** Whether a figure differs by more than chance explains, and, in real time, a machine that does other things too. */
export function differs({ load, emulator, packetMs, ours, theirs }: Comparison): boolean {
  const { rate, missing, delay, delayMs } = emulator === "ns-3" ? SIMULATED : REAL_TIME;
  // Below the link's rate, what arrives in real time is what this machine came to send.
  const isLimited = emulator === "ns-3" || load > 1;
  const bucketMs = emulator === "ns-3" ? 0 : packetMs;
  return (
    (isLimited && Math.abs(ours.rate - theirs.rate) > rate) ||
    Math.abs(ours.missing - theirs.missing) > missing ||
    Math.abs(ours.p50Ms - theirs.p50Ms) > bucketMs + delayMs + delay * theirs.p50Ms
  );
}

export function textLine(comparison: Comparison): string {
  const { profile, load, emulator, ours, theirs } = comparison;
  const figures = ({ rate, missing, p50Ms, p99Ms }: Figures) =>
    `rate ${rate.toFixed(3)} missing ${missing.toFixed(3)} delay ${p50Ms.toFixed(1)} to ${p99Ms.toFixed(1)} ms`;
  const verdict = differs(comparison) ? "  DIFFERS" : "";
  return `${profile} x ${load}  ours: ${figures(ours)}  ${emulator}: ${figures(theirs)}${verdict}`;
}

/** Rate and what is missing, of the link's rate and of the packets; delay, of itself and in ms. */
const SIMULATED = { rate: 0.01, missing: 0.01, delay: 0.02, delayMs: 0.1 };
const REAL_TIME = { rate: 0.03, missing: 0.03, delay: 0.1, delayMs: 3 };
