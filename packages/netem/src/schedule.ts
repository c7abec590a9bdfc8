import type { Clock, TimerHandle } from "./clock.ts";
import type { LinkConfig } from "./config.ts";

/** A link, a pair of links, or anything else whose configuration changes in parts. */
export interface Configurable {
  configure(change: Partial<LinkConfig>): void;
}

/** Settings, and for how long until the next phase: milliseconds, above 0, finite. */
export interface Phase {
  readonly forMs: number;
  readonly config: Partial<LinkConfig>;
}

/**
 * Take `target` through `phases`, the first one at once; after the last, begin again if `repeat` is set, else its settings
 * stay. Cancelling leaves the settings as they are. Throws a RangeError if there is no phase, or one without a duration.
 *
 * @example schedule(clock, link, [{ forMs: 5000, config: { up: true } }, { forMs: 2000, config: { up: false } }], { repeat: true });
 */
export function schedule(
  clock: Clock,
  target: Configurable,
  phases: readonly Phase[],
  options: { readonly repeat?: boolean } = {},
): TimerHandle {
  if (phases.length === 0) throw new RangeError("phases: there is none");
  for (const { forMs } of phases) {
    if (!(forMs > 0 && Number.isFinite(forMs))) {
      throw new RangeError(`forMs: ${forMs} is not a finite number above 0`);
    }
  }
  let timer: TimerHandle | undefined;
  const enter = (index: number, atMs: number): void => {
    const phase = phases[index]!;
    target.configure(phase.config);
    const next = index + 1 < phases.length ? index + 1 : 0;
    if (next === 0 && options.repeat !== true) return;
    const endMs = atMs + phase.forMs;
    timer = clock.setTimer(endMs, () => enter(next, endMs));
  };
  enter(0, clock.now());
  return { cancel: () => timer?.cancel() };
}
