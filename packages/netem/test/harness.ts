import {
  createRandom,
  type DropReason,
  Link,
  type LinkConfig,
  mutateBytes,
  VirtualClock,
} from "../src/index.ts";

/** What came out of the link: which packet, when, and its bytes. */
export interface Arrival {
  readonly id: number;
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

export interface Rig {
  readonly clock: VirtualClock;
  readonly link: Link<Numbered>;
  readonly arrivals: Arrival[];
  readonly drops: { id: number; reason: DropReason }[];
  /** Offer `count` packets of `sizeBytes`, numbered on, one every `everyMs`; the first one now. */
  offer(count: number, sizeBytes?: number, everyMs?: number): Numbered[];
}

export interface Numbered {
  readonly id: number;
  readonly bytes: Uint8Array;
}

/** A link that carries numbered packets of bytes, with everything that came out of it. */
export function createRig(seed: number, config: Partial<LinkConfig>, withMutate = true): Rig {
  const clock = new VirtualClock();
  const arrivals: Arrival[] = [];
  const drops: { id: number; reason: DropReason }[] = [];
  const link = new Link<Numbered>({
    clock,
    random: createRandom(seed),
    config,
    sizeBytes: (packet) => packet.bytes.length,
    deliver: ({ id, bytes }) => arrivals.push({ id, bytes, atMs: clock.now() }),
    drop: ({ id }, reason) => drops.push({ id, reason }),
    ...(withMutate && {
      mutate: (packet, kind, random) => ({ ...packet, bytes: mutateBytes(packet.bytes, kind, random) }),
    }),
  });
  let id = 0;
  return {
    clock,
    link,
    arrivals,
    drops,
    offer(count, sizeBytes = 100, everyMs = 0) {
      const packets = Array.from({ length: count }, () => ({
        id: id++,
        bytes: new Uint8Array(sizeBytes).fill(7),
      }));
      for (const packet of packets) {
        link.send(packet);
        if (everyMs > 0) clock.runUntil(clock.now() + everyMs);
      }
      return packets;
    },
  };
}
