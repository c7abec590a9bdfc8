import type { LinkConfig } from "@meshstream/netem";

/** A link that is off for a while, again and again: on first. What is offered while off is lost, the queue is kept. */
export interface Blackhole {
  readonly onMs: number;
  readonly offMs: number;
}

/** Messages at an even pace: a latency run. */
export interface Messages {
  readonly perSecond: number;
  readonly bytes: number;
  readonly forMs: number;
}

/** One kind of link and the work done on it: a row of the matrix (docs/benchmarks.md). */
export interface Profile {
  /** P1 .. P12, S7, or "custom". */
  readonly name: string;
  readonly title: string;
  /** Data direction; the way back is the same unless {@link back} says otherwise. */
  readonly link: Partial<LinkConfig>;
  readonly back?: Partial<LinkConfig>;
  /** Bytes of the transfer: MB is 1000 x 1000. */
  readonly bytes: number;
  readonly blackhole?: Blackhole;
  /** The run is stopped after so much simulated time. */
  readonly withinMs?: number;
  /** Instead of a transfer. */
  readonly messages?: Messages;
  /** Share of the limit that the median run shall reach. */
  readonly goal?: number;
  /** Milliseconds that the whole transfer may take, where there is no rate to measure against. */
  readonly goalElapsedMs?: { readonly median: number; readonly worst: number };
  /** The longest p99 of message latency of the median run, in milliseconds. */
  readonly goalP99Ms?: number;
  /** The longest wait of the median run for something new after the link's return, in milliseconds. */
  readonly goalReturnMs?: number;
  /** Of others, measured or computed elsewhere: shares of the limit, and the goodput of two deployed peers. */
  readonly references?: { readonly cubic?: number; readonly udx?: number; readonly deployedKbps?: number };
}

const MEGA = 1e6;

/** A link of that rate and round trip, half of it each way. */
function link(rate: number, rttMs: number, queuePackets: number, more: Partial<LinkConfig> = {}) {
  return { rateBitsPerSecond: rate, delayMs: rttMs / 2, queuePackets, ...more };
}

const random = (p: number) => ({ loss: { model: "bernoulli", p } as const });
const bursts = (meanLoss: number, meanBurstPackets: number) => ({
  loss: { model: "gilbert-elliott", meanLoss, meanBurstPackets } as const,
});

/** The round trip of a small packet, in milliseconds, with the mean of the jitter; nothing queued. */
export function roundTripMs({ link, back = link }: Profile): number {
  const oneWayMs = ({ delayMs = 0, jitterMs = 0 }: Partial<LinkConfig>) => delayMs + jitterMs / 2;
  return oneWayMs(link) + oneWayMs(back);
}

/** The twelve profiles, and two special ones: a short transfer and sparse messages. */
export const PROFILES: readonly Profile[] = [
  {
    name: "P1",
    title: "LAN",
    link: link(100 * MEGA, 2, 200),
    bytes: 30 * MEGA,
    goal: 0.97,
    references: { cubic: 93_000 / 93_091, udx: 0.99, deployedKbps: 15_700 },
  },
  {
    name: "P2",
    title: "10 Mb/s, 30 ms",
    link: link(10 * MEGA, 30, 25),
    bytes: 10 * MEGA,
    goal: 0.97,
    references: { cubic: 1, udx: 0.99, deployedKbps: 1061 },
  },
  {
    name: "P3",
    title: "10 Mb/s, 30 ms, 2 % loss",
    link: link(10 * MEGA, 30, 25, random(0.02)),
    bytes: 10 * MEGA,
    goal: 0.98,
    references: { cubic: 1670 / 9129, udx: 0.99, deployedKbps: 239 },
  },
  {
    name: "P4",
    title: "reordering, 5 % loss",
    link: link(10 * MEGA, 60, 200, { ...random(0.05), jitterMs: 32.5, jitterReorders: true }),
    bytes: 10 * MEGA,
    goal: 0.93,
    references: { cubic: 350 / 8842, udx: 0.87, deployedKbps: 94 },
  },
  {
    name: "P5",
    title: "long fat, 1 % loss",
    link: link(100 * MEGA, 100, 1200, random(0.01)),
    bytes: 40 * MEGA,
    goal: 0.88,
    references: { cubic: 950 / 92_182, udx: 0.75, deployedKbps: 206 },
  },
  {
    name: "P6",
    title: "ad hoc, one hop",
    link: link(6 * MEGA, 10, 100, { ...random(0.05), jitterMs: 2.5 }),
    bytes: 5 * MEGA,
    goal: 0.97,
    references: { cubic: 870 / 5305, udx: 0.98, deployedKbps: 114 },
  },
  {
    name: "P7",
    title: "mesh, three hops",
    link: link(2 * MEGA, 60, 60, { ...bursts(0.1, 4), jitterMs: 10 }),
    bytes: 2 * MEGA,
    goal: 0.97,
    references: { cubic: 190 / 1680, udx: 0.98, deployedKbps: 52 },
  },
  {
    name: "P8",
    title: "harsh mesh",
    link: link(1 * MEGA, 200, 60, { ...bursts(0.2, 8), jitterMs: 20 }),
    bytes: 1 * MEGA,
    goal: 0.95,
    references: { cubic: 39 / 747, udx: 1, deployedKbps: 23 },
  },
  {
    name: "P9",
    title: "UHF packet radio",
    link: link(128_000, 400, 20, bursts(0.05, 3)),
    bytes: 200_000,
    goal: 0.96,
    references: { cubic: 105 / 113, udx: 0.98, deployedKbps: 48 },
  },
  {
    name: "P10",
    title: "satellite",
    link: link(10 * MEGA, 600, 700, random(0.03)),
    bytes: 20 * MEGA,
    goal: 0.8,
    references: { cubic: 140 / 9033, udx: 0.46, deployedKbps: 42 },
  },
  {
    name: "P11",
    title: "very long RTT",
    link: link(10 * MEGA, 1500, 25),
    bytes: 20 * MEGA,
    withinMs: 60_000,
    goal: 0.7,
    references: { udx: 0.01, deployedKbps: 22 },
  },
  {
    name: "P12",
    title: "blackhole",
    link: link(10 * MEGA, 30, 25),
    blackhole: { onMs: 5000, offMs: 2000 },
    bytes: 40 * MEGA,
    goal: 0.95,
    goalReturnMs: 300,
  },
  {
    name: "S7",
    title: "1 MB, 10 ms and 10 % loss each way",
    link: { delayMs: 10, ...random(0.1) },
    bytes: 1 * MEGA,
    goalElapsedMs: { median: 200, worst: 500 },
  },
  {
    name: "S9",
    title: "20 messages a second, 100 ms RTT, 10 % loss",
    link: link(1 * MEGA, 100, 60, random(0.1)),
    bytes: 0,
    messages: { perSecond: 20, bytes: 200, forMs: 60_000 },
    goalP99Ms: 150,
  },
];
