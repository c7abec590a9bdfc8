/**
 * The share of packets that the path loses for reasons of its own, not because a queue is full. Only rounds without a standing
 * queue are counted. Even so a short queue may overflow unseen, because of the very packets that make up for the losses; so
 * now and then some rounds go without these, and are counted a second time by themselves: losses that a full queue made are
 * absent there, those of a radio are not.
 * Memory: five numbers.
 */
export class LossEstimate {
  /** 0..0.4: beyond, sending faster to make up for it would starve everybody else (docs/benchmarks.md). */
  ratio = 0;
  private readonly all = new DecayedShare();
  private readonly plain = new DecayedShare();
  private trust = 1;

  /** The fate of a round's packets is known, which were not sent above the path's rate and met no standing queue. `isPlain`: nor to make up for losses. */
  add(lost: number, arrived: number, isPlain: boolean): void {
    this.all.add(lost, arrived);
    if (isPlain) this.plain.add(lost, arrived);
    this.ratio = this.estimate();
  }

  /** A round is over that was not sent above the path's rate. If a queue stands all the same, too much was made up for. */
  judge(queueStands: boolean): void {
    this.trust = queueStands ? Math.max(this.trust - DISTRUST, 0) : Math.min(this.trust + REGAIN, 1);
  }

  /** What to make up for: the ratio, or less of it. */
  get madeUp(): number {
    return this.trust * this.ratio;
  }

  private estimate(): number {
    const { all, plain } = this;
    const ratio = all.packets < SPARSE_PACKETS ? 0 : all.share;
    if (plain.packets < SPARSE_PACKETS) return Math.min(ratio, LIMIT);
    // Two standard deviations of what was counted then, for losses that come in bursts of four.
    const margin = 2 * Math.sqrt((BURST * (plain.share + 1 / plain.packets)) / plain.packets);
    return Math.min(ratio, plain.share + margin, LIMIT);
  }
}

/** lost / all, where what was counted {@link MEMORY_PACKETS} ago counts a third. */
class DecayedShare {
  packets = 0;
  private lost = 0;

  add(lost: number, arrived: number): void {
    const keep = Math.exp(-(lost + arrived) / MEMORY_PACKETS);
    this.packets = this.packets * keep + lost + arrived;
    this.lost = this.lost * keep + lost;
  }

  get share(): number {
    return this.lost / (this.packets + DOUBT_PACKETS);
  }
}

/** Long enough that bursts of losses even out, short enough that a radio which gets better is believed in seconds. */
const MEMORY_PACKETS = 600;

/** Fewer say nothing. */
const SPARSE_PACKETS = 30;

/** As if so many had arrived before: the first burst of losses must not look like the path's share. */
const DOUBT_PACKETS = 40;

/** Down within a few rounds, for the queue is everybody's; up again in twice as many. */
const DISTRUST = 0.2;
const REGAIN = 0.1;

const BURST = 4;

const LIMIT = 0.4;
