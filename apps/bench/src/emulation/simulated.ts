import { createRandom, Link, VirtualClock } from "@meshstream/netem";
import { type Figures, figuresOf, intervalMs, PACKET_BYTES, type Stream } from "./stream.ts";

/** The stream through our emulator, in simulated time. */
export function simulated(stream: Stream): Figures {
  const clock = new VirtualClock();
  const arrivals: { atMs: number; tookMs: number }[] = [];
  const link = new Link<number>({
    clock,
    random: createRandom(SEED),
    config: stream.link,
    sizeBytes: () => PACKET_BYTES,
    deliver: (sentMs) => arrivals.push({ atMs: clock.now(), tookMs: clock.now() - sentMs }),
  });
  for (let i = 0; i < stream.packets; i++) {
    clock.runUntil(i * intervalMs(stream));
    link.send(clock.now());
  }
  while (clock.step());
  return figuresOf(stream, arrivals);
}

const SEED = 1;
