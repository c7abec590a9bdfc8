import type { MspConfig } from "../config.ts";
import type { CongestionController } from "./controller.ts";
import { FixedWindow, LEGACY_WINDOW_PACKETS } from "./fixed-window.ts";
import { RadioController } from "./radio/radio.ts";
import { RenoController } from "./reno.ts";

/** The congestion controller that the configuration names. */
export function createController(config: MspConfig): CongestionController {
  const { sender, firstFlightPackets, windowPackets } = config;
  switch (sender) {
    case "legacy":
      return new FixedWindow(LEGACY_WINDOW_PACKETS);
    case "reno":
      return new RenoController(firstFlightPackets, windowPackets);
    case "auto":
      return new RadioController({ firstFlightPackets, limitPackets: windowPackets });
  }
}
