import type { LossConfig } from "./config.ts";
import type { Random } from "./random.ts";

/** Decides packet by packet, in order of departure. */
export interface LossModel {
  /** Whether the next packet is lost. */
  isLost(): boolean;
}

/** A model for a `config` from parseLinkConfig, with a state of its own, drawing from `random` only. */
export function createLossModel(config: LossConfig, random: Random): LossModel {
  switch (config.model) {
    case "none":
      return { isLost: () => false };
    case "bernoulli":
      return { isLost: () => random.next() < config.p };
    case "gilbert-elliott":
      return new GilbertElliott(config.meanLoss, config.meanBurstPackets, random);
  }
}

/**
 * Two states, good and bad; a packet is lost in the bad one. A burst ends with probability 1 / mean burst length, and
 * begins as often as makes the share of time in the bad state equal to the mean loss.
 */
class GilbertElliott implements LossModel {
  readonly #toBad: number;
  readonly #toGood: number;
  readonly #random: Random;
  #bad: boolean;

  constructor(meanLoss: number, meanBurstPackets: number, random: Random) {
    this.#toGood = 1 / meanBurstPackets;
    this.#toBad = (meanLoss / (1 - meanLoss)) * this.#toGood;
    this.#random = random;
    // From the long-run shares, not from "good": else short runs would see less than the mean loss.
    this.#bad = random.next() < meanLoss;
  }

  isLost(): boolean {
    const lost = this.#bad;
    const leave = lost ? this.#toGood : this.#toBad;
    if (this.#random.next() < leave) this.#bad = !lost;
    return lost;
  }
}
