import type { LinkConfig } from "./config.ts";
import { Link, type LinkOptions } from "./link.ts";

export interface LinkPairOptions<P> extends Omit<LinkOptions<P>, "deliver" | "config"> {
  /** Both directions. */
  readonly config?: Partial<LinkConfig>;
  readonly deliverToA: (packet: P) => void;
  readonly deliverToB: (packet: P) => void;
}

/**
 * Both directions between two ends, a and b; each with its own chance. They start alike: configure one for asymmetry.
 *
 * @example
 * const pair = new LinkPair({ clock, random, config: { delayMs: 10 }, sizeBytes, deliverToA, deliverToB });
 * pair.aToB.send(packet);
 * pair.bToA.configure({ loss: { model: "bernoulli", p: 0.5 } });
 */
export class LinkPair<P> {
  readonly aToB: Link<P>;
  readonly bToA: Link<P>;

  constructor(options: LinkPairOptions<P>) {
    const { deliverToA, deliverToB, ...shared } = options;
    this.aToB = new Link({ ...shared, deliver: deliverToB });
    this.bToA = new Link({ ...shared, deliver: deliverToA });
  }

  /** Change both directions. */
  configure(change: Partial<LinkConfig>): void {
    this.aToB.configure(change);
    this.bToA.configure(change);
  }
}
