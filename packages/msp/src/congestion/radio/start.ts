/**
 * The first round trips: from nothing known to the path's rate, without flooding a slow radio. The first flight leaves as
 * trains of packets back to back; how far apart they arrive tells what the slowest link can do. The second round keeps
 * below that; from then on the rate grows as long as more comes through.
 */
export class Start {
  /** The path is full, or is known. */
  isOver = false;

  private readonly firstFlightPackets: number;
  private readonly trains: number[] = [];
  /** Median of the trains: jitter and cross traffic make single ones far too long or too short. 0 if there is none. */
  private trainPerMs = 0;
  private gain = GAIN;
  private roundCount = 0;
  private fullPerMs = 0;
  private fullRounds = 0;

  constructor(firstFlightPackets: number) {
    this.firstFlightPackets = firstFlightPackets;
  }

  addTrain(perMs: number): void {
    if (this.trains.length === TRAINS_LIMIT) return;
    this.trains.push(perMs);
    this.trains.sort((a, b) => a - b);
    this.trainPerMs = this.trains[(this.trains.length - 1) >> 1]!;
  }

  /** The peer measures no trains, and cannot tell which of many packets were lost: go on slowly, to the first loss. */
  beCautious(): void {
    this.gain = CAUTIOUS_GAIN;
  }

  /** A queue stands that is half as long as the path: there is no more to find. */
  handleQueue(): void {
    this.isOver = true;
  }

  handleLoss(): void {
    if (this.gain === CAUTIOUS_GAIN) this.isOver = true;
  }

  /** A round is over; `bandwidth` is the best rate so far, in packets per ms. */
  endRound(bandwidth: number, isAppLimited: boolean): void {
    this.roundCount += 1;
    if (isAppLimited || this.isOver) return;
    if (bandwidth >= this.fullPerMs * GROWTH) {
      this.fullPerMs = bandwidth;
      this.fullRounds = 0;
    } else this.fullRounds += 1;
    const isKnown = this.trainPerMs > 0 && bandwidth >= TRAIN_PROOF * this.trainPerMs;
    this.isOver = this.fullRounds >= FULL_ROUNDS || isKnown;
  }

  /** How fast to send now. `minRttMs`: Infinity before the first round trip is known. */
  pacingPerMs(bandwidth: number, minRttMs: number): number {
    if (minRttMs === Number.POSITIVE_INFINITY) return this.firstFlightPackets / GUESSED_RTT_MS;
    const { trainPerMs } = this;
    if (this.roundCount === 0) {
      const leapPerMs = (LEAP * this.firstFlightPackets) / minRttMs;
      if (trainPerMs > 0) return Math.min(TRAIN_TRUST * trainPerMs, leapPerMs);
      return Math.max(this.gain * bandwidth, this.firstFlightPackets / minRttMs);
    }
    const growingPerMs = this.gain * bandwidth;
    if (trainPerMs === 0) return growingPerMs;
    // The trains of the second round have told the same, or the median has moved.
    const trustedPerMs = Math.max(growingPerMs, TRAIN_TRUST * trainPerMs);
    return Math.min(trustedPerMs, Math.max(TRAIN_OVERSHOOT * trainPerMs, bandwidth));
  }

  /** What may be in flight: `gain` times what the pacing makes of the path; no more than the first flight until that is known a little. */
  windowPackets(pacingPerMs: number, minRttMs: number, gain: number): number {
    const knowsNothing = this.roundCount === 0 && this.trainPerMs === 0;
    if (knowsNothing || minRttMs === Number.POSITIVE_INFINITY) return this.firstFlightPackets;
    return Math.max(this.firstFlightPackets, gain * pacingPerMs * minRttMs);
  }
}

/** Until the first round trip is known. Long enough that a packet radio gets its trains one by one. */
const GUESSED_RTT_MS = 50;

/** What the second round may send, in first flights: knowing the rate of a long fat path is worth that much. */
const LEAP = 32;

/** Two trains are a rough measure: keep below it in the round that is sent on their word alone. */
const TRAIN_TRUST = 0.8;

/** By then it is many: believe it, but look beyond it only once it is proven. */
const TRAIN_OVERSHOOT = 1;

/** What came through proves the trains. */
const TRAIN_PROOF = 0.9;

/** BBRv1: the smallest gain that doubles the rate each round trip, 2 / ln 2 (2.89), less what the window adds. */
const GAIN = 2.77;

/** Overshoots by less than the queue of a short path holds. */
const CAUTIOUS_GAIN = 1.5;

/** BBRv1: three rounds in which the rate grew by less than a quarter. */
const GROWTH = 1.25;
const FULL_ROUNDS = 3;

const TRAINS_LIMIT = 32;
