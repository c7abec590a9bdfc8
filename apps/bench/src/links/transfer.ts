import type { Profile } from "../matrix/profiles.ts";
import { Process } from "./process.ts";
import type { RelayReport, RelayRequest } from "./relay.ts";
import type { SubjectReport, SubjectRequest } from "./subject.ts";

/** A program that moves bytes: one of the files beside this one. */
export interface Subject {
  readonly name: "ours" | "udx";
  /** Bytes of its largest datagram that are not the application's. */
  readonly headerBytes: (largestBytes: number) => number;
}

export const SUBJECTS: readonly Subject[] = [
  { name: "ours", headerBytes: (largestBytes) => largestBytes - 1024 },
  { name: "udx", headerBytes: () => UDX_HEADER_BYTES },
];

/** One transfer in real time. */
export interface Outcome {
  readonly goodputKbps: number;
  /** Of rate x (1 - loss) x (payload / datagram). */
  readonly share: number;
  readonly completed: boolean;
  readonly datagramBytes: number;
}

/** Move the profile's bytes through a relay that is its link: three processes on this machine. */
export async function transfer(subject: Subject, profile: Profile, seed: number): Promise<Outcome> {
  const relay = new Process<RelayReport>("relay");
  const receiver = new Process<SubjectReport>(subject.name);
  const sender = new Process<SubjectReport>(subject.name);
  try {
    const { link, bytes } = profile;
    relay.ask({ link, seed } satisfies RelayRequest);
    const { ports } = await relay.next(START_MS);
    receiver.ask({ role: "receiver", relayPort: ports[1], bytes } satisfies SubjectRequest);
    const ready = await receiver.next(START_MS);
    const self = ready.kind === "ready" ? ready.self : undefined;
    sender.ask({ role: "sender", relayPort: ports[0], bytes, receiver: self } satisfies SubjectRequest);
    await sender.next(START_MS);
    const started = await sender.next(START_MS);
    if (started.kind !== "started") throw new Error(`${subject.name}: ${started.kind} instead of started`);
    const end = await progress(receiver, bytes, started.atMs, profile.withinMs ?? LIMIT_MS);
    relay.ask("end");
    const { largestBytes } = await relay.next(START_MS);
    const goodputKbps = end.atMs > started.atMs ? (8 * end.bytes) / (end.atMs - started.atMs) : 0;
    const payload = 1 - subject.headerBytes(largestBytes) / largestBytes;
    return {
      goodputKbps,
      share: goodputKbps / ((link.rateBitsPerSecond! / 1000) * (1 - meanLoss(profile)) * payload),
      completed: end.bytes >= bytes,
      datagramBytes: largestBytes,
    };
  } finally {
    for (const process of [relay, receiver, sender]) process.end();
  }
}

/** What had come at the end, or when the time was up. */
async function progress(
  receiver: Process<SubjectReport>,
  bytes: number,
  startedMs: number,
  withinMs: number,
): Promise<{ bytes: number; atMs: number }> {
  const deadlineMs = performance.now() + withinMs;
  let last = { bytes: 0, atMs: startedMs };
  while (last.bytes < bytes) {
    const leftMs = deadlineMs - performance.now();
    const report = await receiver.next(Math.max(1, leftMs)).catch(() => undefined);
    if (report === undefined) return { ...last, atMs: startedMs + withinMs };
    if (report.kind === "progress") last = report;
  }
  return last;
}

function meanLoss({ link: { loss } }: Profile): number {
  if (loss === undefined || loss.model === "none") return 0;
  return loss.model === "bernoulli" ? loss.p : loss.meanLoss;
}

const UDX_HEADER_BYTES = 20;
const START_MS = 30_000;
const LIMIT_MS = 120_000;
