import type { Interruption } from "./interruption.ts";
import type { Report } from "./report.ts";
import type { Settings } from "./settings.ts";
import type { StandardInput, StandardOutput } from "./standard-streams.ts";

/** What a command works with. */
export interface Context {
  readonly settings: Settings;
  readonly report: Report;
  readonly interruption: Interruption;
  readonly stdin: StandardInput;
  readonly stdout: StandardOutput;
}
