import type { Clock, TimerHandle } from "./clock.ts";
import { type LinkConfig, type ParsedLinkConfig, parseLinkConfig } from "./config.ts";
import { createLossModel, type LossModel } from "./loss.ts";
import type { Random } from "./random.ts";

/** Why a packet did not cross. */
export type DropReason =
  /** Larger than mtuBytes. */
  | "mtu"
  /** Offered while the link was down. */
  | "down"
  /** The queue was full. */
  | "queue"
  /** The loss model. */
  | "loss"
  /** Damaged, and there is no `mutate`: as behind a checksum. */
  | "damage";

export type MutationKind = "corrupt" | "truncate";

export interface LinkOptions<P> {
  readonly clock: Clock;
  /** The link takes five forks of it, at once: one for each kind of chance. */
  readonly random: Random;
  readonly config?: Partial<LinkConfig>;
  /** Bytes of `packet` on the emulated wire. */
  readonly sizeBytes: (packet: P) => number;
  /** Takes in what arrives; called from timers only. A duplicate is the same `packet` again: do not write to it. */
  readonly deliver: (packet: P) => void;
  /** Makes the damaged copy, from `random` alone; must leave `packet` as it is. Without it, a damaged packet is dropped. */
  readonly mutate?: (packet: P, kind: MutationKind, random: Random) => P;
  /** Told of each drop; may be called within {@link Link.send}. */
  readonly drop?: (packet: P, reason: DropReason) => void;
}

/**
 * Counts since the link was made. At any time
 * offered + duplicated = delivered + all the dropped + {@link Link.queuedPackets} + {@link Link.inFlightPackets}.
 */
export interface LinkStats {
  readonly offered: number;
  readonly offeredBytes: number;
  readonly delivered: number;
  /** Sizes as offered, also of packets cut short on the way. */
  readonly deliveredBytes: number;
  readonly droppedMtu: number;
  readonly droppedDown: number;
  readonly droppedQueue: number;
  readonly droppedLoss: number;
  readonly droppedDamage: number;
  /** Copies made. */
  readonly duplicated: number;
  readonly corrupted: number;
  readonly truncated: number;
  /** Held back by the explicit reordering; what jitter let overtake is not counted. */
  readonly reordered: number;
  /** Longest the queue has been, in packets, the one being sent included. */
  readonly queuePeakPackets: number;
}

/**
 * One direction of a link between two ends. The same seed, configuration and sequence of calls give the same
 * trace; what one kind of chance does, such as loss, does not depend on whether another, such as jitter, is on.
 * The link keeps `packet` itself until it is delivered or dropped, never a copy.
 *
 * Memory: the queue as configured, and whatever is under way: rate times delay.
 *
 * @example
 * const clock = new VirtualClock();
 * const link = new Link<Uint8Array>({
 *   clock,
 *   random: createRandom(1),
 *   config: { rateBitsPerSecond: 1e6, delayMs: 20, loss: { model: "bernoulli", p: 0.1 } },
 *   sizeBytes: (packet) => packet.length,
 *   deliver: (packet) => console.log(clock.now(), packet.length),
 * });
 * link.send(new Uint8Array(125));
 * clock.runUntil(1000); // 21 125, unless it was lost
 */
export class Link<P> {
  readonly #options: LinkOptions<P>;
  readonly #random: Record<Chance, Random>;
  readonly #stats = emptyStats();
  #config: ParsedLinkConfig;
  #loss: LossModel;
  readonly #waiting: Sized<P>[] = [];
  #waitingBytes = 0;
  #sending: (Sized<P> & { doneMs: number; timer: TimerHandle }) | undefined;
  #inFlightPackets = 0;
  /** Nothing that keeps its place may arrive before this. */
  #lastDueMs = Number.NEGATIVE_INFINITY;

  /** Throws as parseLinkConfig does. */
  constructor(options: LinkOptions<P>) {
    this.#options = options;
    const { random } = options;
    this.#random = {
      loss: random.fork(),
      duplicate: random.fork(),
      damage: random.fork(),
      jitter: random.fork(),
      reorder: random.fork(),
    };
    this.#config = parseLinkConfig(options.config ?? {});
    this.#loss = createLossModel(this.#config.loss, this.#random.loss);
  }

  get config(): ParsedLinkConfig {
    return this.#config;
  }

  /** A live view: read it, or copy it with a spread. */
  get stats(): LinkStats {
    return this.#stats;
  }

  /** Packets in the queue, the one being sent included. */
  get queuedPackets(): number {
    return this.#waiting.length + (this.#sending === undefined ? 0 : 1);
  }

  /** Their bytes. */
  get queuedBytes(): number {
    return this.#waitingBytes + (this.#sending?.sizeBytes ?? 0);
  }

  /** Packets that have left the queue and not arrived yet. */
  get inFlightPackets(): number {
    return this.#inFlightPackets;
  }

  /**
   * Change some fields at run time; throws as parseLinkConfig does, changing nothing. Packets in flight keep their
   * times; the one being sent is finished at the old rate; a queue over its new limit drains without drops. Going down
   * puts the packet being sent back at the head of the queue; it starts anew. A loss model starts anew if given.
   */
  configure(change: Partial<LinkConfig>): void {
    this.#config = parseLinkConfig(change, this.#config);
    if (change.loss !== undefined) this.#loss = createLossModel(this.#config.loss, this.#random.loss);
    if (!this.#config.up) this.#pause();
    this.#sendNext(this.#options.clock.now());
  }

  /** Offer one packet. Never delivers before it returns. */
  send(packet: P): void {
    const sizeBytes = this.#options.sizeBytes(packet);
    this.#stats.offered += 1;
    this.#stats.offeredBytes += sizeBytes;
    const reason = this.#refusal(sizeBytes);
    if (reason !== undefined) {
      this.#drop(packet, reason);
      return;
    }
    this.#waiting.push({ packet, sizeBytes });
    this.#waitingBytes += sizeBytes;
    this.#stats.queuePeakPackets = Math.max(this.#stats.queuePeakPackets, this.queuedPackets);
    this.#sendNext(this.#options.clock.now());
  }

  #refusal(sizeBytes: number): DropReason | undefined {
    const { mtuBytes, up, holdWhileDown, queuePackets, queueBytes } = this.#config;
    if (sizeBytes > mtuBytes) return "mtu";
    if (!up && !holdWhileDown) return "down";
    if (up && this.#sending === undefined) return undefined;
    const full = this.#waiting.length >= queuePackets || this.#waitingBytes + sizeBytes > queueBytes;
    return full ? "queue" : undefined;
  }

  /**
   * Start on the next packet at `fromMs`, when the one before was done: a late timer does not slow the link. Does
   * nothing while a packet is being sent; looks at each turn, because `drop` may have called back into the link.
   */
  #sendNext(fromMs: number): void {
    let startMs = fromMs;
    while (this.#config.up && this.#sending === undefined) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#waitingBytes -= next.sizeBytes;
      const doneMs = startMs + (8000 * next.sizeBytes) / this.#config.rateBitsPerSecond;
      if (doneMs > this.#options.clock.now()) {
        const timer = this.#options.clock.setTimer(doneMs, () => this.#sent());
        this.#sending = { ...next, doneMs, timer };
      } else {
        this.#depart(next, doneMs);
        startMs = doneMs;
      }
    }
  }

  #sent(): void {
    const sent = this.#sending!;
    this.#sending = undefined;
    this.#depart(sent, sent.doneMs);
    this.#sendNext(sent.doneMs);
  }

  #pause(): void {
    const sending = this.#sending;
    if (sending === undefined) return;
    sending.timer.cancel();
    this.#sending = undefined;
    this.#waiting.unshift({ packet: sending.packet, sizeBytes: sending.sizeBytes });
    this.#waitingBytes += sending.sizeBytes;
  }

  /** The last bit left at `atMs`: what happens on the air. */
  #depart(sized: Sized<P>, atMs: number): void {
    if (this.#loss.isLost()) {
      this.#drop(sized.packet, "loss");
      return;
    }
    this.#carry(sized, atMs);
    if (this.#happens("duplicate", this.#config.duplicate)) {
      this.#stats.duplicated += 1;
      this.#carry(sized, atMs);
    }
  }

  #carry(sized: Sized<P>, atMs: number): void {
    const packet = this.#damaged(sized.packet);
    if (packet === undefined) {
      this.#drop(sized.packet, "damage");
      return;
    }
    const dueMs = this.#dueMs(atMs);
    this.#inFlightPackets += 1;
    this.#options.clock.setTimer(dueMs, () => {
      this.#inFlightPackets -= 1;
      this.#stats.delivered += 1;
      this.#stats.deliveredBytes += sized.sizeBytes;
      this.#options.deliver(packet.value);
    });
  }

  /** The packet, or its damaged copy; undefined if it was damaged and there is no telling how. */
  #damaged(packet: P): { value: P } | undefined {
    const { mutate } = this.#options;
    let value = packet;
    for (const kind of ["corrupt", "truncate"] as const) {
      if (!this.#happens("damage", this.#config[kind])) continue;
      this.#stats[kind === "corrupt" ? "corrupted" : "truncated"] += 1;
      if (mutate === undefined) return undefined;
      value = mutate(value, kind, this.#random.damage);
    }
    return { value };
  }

  #dueMs(atMs: number): number {
    const { delayMs, jitterMs, jitterReorders, reorder, reorderMs } = this.#config;
    const dueMs = atMs + delayMs + (jitterMs > 0 ? this.#random.jitter.next() * jitterMs : 0);
    if (this.#happens("reorder", reorder)) {
      this.#stats.reordered += 1;
      return dueMs + reorderMs;
    }
    const inOrderMs = Math.max(dueMs, this.#lastDueMs);
    this.#lastDueMs = inOrderMs;
    return jitterReorders ? dueMs : inOrderMs;
  }

  #happens(kind: Chance, probability: number): boolean {
    return probability > 0 && this.#random[kind].next() < probability;
  }

  #drop(packet: P, reason: DropReason): void {
    this.#stats[DROP_COUNTER[reason]] += 1;
    this.#options.drop?.(packet, reason);
  }
}

/** What is drawn, each from a generator of its own. */
type Chance = "loss" | "duplicate" | "damage" | "jitter" | "reorder";

interface Sized<P> {
  readonly packet: P;
  readonly sizeBytes: number;
}

const DROP_COUNTER = {
  mtu: "droppedMtu",
  down: "droppedDown",
  queue: "droppedQueue",
  loss: "droppedLoss",
  damage: "droppedDamage",
} as const satisfies Record<DropReason, keyof LinkStats>;

function emptyStats(): { -readonly [K in keyof LinkStats]: number } {
  return {
    offered: 0,
    offeredBytes: 0,
    delivered: 0,
    deliveredBytes: 0,
    droppedMtu: 0,
    droppedDown: 0,
    droppedQueue: 0,
    droppedLoss: 0,
    droppedDamage: 0,
    duplicated: 0,
    corrupted: 0,
    truncated: 0,
    reordered: 0,
    queuePeakPackets: 0,
  };
}
