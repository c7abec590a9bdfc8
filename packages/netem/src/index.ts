export { type Clock, type TimerHandle, VirtualClock } from "./clock.ts";
export {
  DEFAULT_LINK_CONFIG,
  type LinkConfig,
  type LossConfig,
  type ParsedLinkConfig,
  parseLinkConfig,
} from "./config.ts";
export { type DropReason, Link, type LinkOptions, type LinkStats, type MutationKind } from "./link.ts";
export { LinkPair, type LinkPairOptions } from "./link-pair.ts";
export { createLossModel, type LossModel } from "./loss.ts";
export { corruptBytes, mutateBytes, truncateBytes } from "./mutate.ts";
export { createRandom, type Random } from "./random.ts";
export { type Configurable, type Phase, schedule } from "./schedule.ts";
