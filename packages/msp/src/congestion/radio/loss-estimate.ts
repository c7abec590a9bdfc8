/**
 * The share of packets that the path loses for reasons of its own, not because a queue is full. Only rounds without a standing
 * queue are counted. Even so a short queue may overflow unseen; so the rounds in which the sender held back are
 * counted a second time by themselves: losses that a full queue makes are absent there, those of a radio are not.
 * Memory: four numbers.
 */
export class LossEstimate {
  private readonly all = new DecayedShare();
  private readonly heldBack = new DecayedShare();

  /** A round without a standing queue is over. `gain`: how fast its packets were sent, against the path's rate. */
  add(lost: number, arrived: number, gain: number): void {
    if (gain > 1) return; // what is sent above the rate may overflow a queue
    this.all.add(lost, arrived);
    if (gain < 1) this.heldBack.add(lost, arrived);
  }

  /** 0..0.4: beyond, sending faster to make up for it would starve everybody else (docs/benchmarks.md). */
  get ratio(): number {
    const { all, heldBack } = this;
    const ratio = all.packets < SPARSE_PACKETS ? 0 : all.share;
    if (heldBack.packets < SPARSE_PACKETS) return Math.min(ratio, LIMIT);
    // Two standard deviations of what was counted while holding back, for losses that come in bursts of four.
    const margin = 2 * Math.sqrt((BURST * (heldBack.share + 1 / heldBack.packets)) / heldBack.packets);
    return Math.min(ratio, heldBack.share + margin, LIMIT);
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
    return this.packets === 0 ? 0 : this.lost / this.packets;
  }
}

/** Long enough that bursts of losses even out, short enough that a radio which gets better is believed in seconds. */
const MEMORY_PACKETS = 600;

/** Fewer say nothing. */
const SPARSE_PACKETS = 30;

const BURST = 4;

const LIMIT = 0.4;
