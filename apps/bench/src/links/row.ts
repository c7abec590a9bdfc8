import type { Profile } from "../matrix/profiles.ts";

/** What the transfers of one program over one link came to; shares in order. */
export interface Row {
  readonly profile: Profile;
  readonly subject: "ours" | "udx";
  readonly share: number;
  readonly least: number;
  readonly most: number;
  readonly goodputKbps: number;
  readonly datagramBytes: number;
  readonly completed: boolean;
}

/** So much of the limit two programs may differ in real time, on a machine that does other things too. */
export const TOLERANCE = 0.02;
