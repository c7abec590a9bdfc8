import { randomFillSync } from "node:crypto";
import type { Entropy } from "@meshstream/msp";

/** The system's cryptographically strong random numbers. */
export const systemEntropy: Entropy = {
  fill: (bytes) => {
    randomFillSync(bytes);
  },
};
