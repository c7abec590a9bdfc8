import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { Refusals } from "../src/shared/refusals.ts";
import { Report } from "../src/shared/report.ts";
import { StandardOutput } from "../src/shared/standard-streams.ts";

test("every refusal is counted, and one a second of each reason is told, with the count", () => {
  let nowMs = 0;
  const lines: string[] = [];
  const screen = { write: (text: string) => lines.push(text) };
  const options = { json: false, quiet: false, verbose: false, stdoutCarriesData: true };
  const report = new Report(options, new StandardOutput(new Writable()), screen, () => nowMs);
  const refusals = new Refusals(report, () => nowMs);
  const knock = (reason: "not-allowed" | "limit"): void =>
    refusals.add("somebody", reason, `it is ${reason}`, { sid: "AB" });
  for (; nowMs < 2500; nowMs += 10) knock("not-allowed");
  knock("limit");
  assert.deepEqual(lines, [
    "refused somebody: it is not-allowed\n",
    "refused somebody: it is not-allowed (101 refused for this so far)\n",
    "refused somebody: it is not-allowed (201 refused for this so far)\n",
    "refused somebody: it is limit\n",
  ]);
});
