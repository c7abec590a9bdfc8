import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { Sid } from "@meshstream/msp";
import type { Context } from "../src/shared/context.ts";
import { Report } from "../src/shared/report.ts";
import { SendReport } from "../src/shared/send-report.ts";
import { StandardOutput } from "../src/shared/standard-streams.ts";

const [A, B, C] = ["a", "b", "c"].map((name) => ({
  name,
  sizeBytes: 10,
  mode: undefined,
  modifiedMs: undefined,
})) as [Offer, Offer, Offer];
type Offer = Parameters<SendReport["offered"]>[0];

test("a session that breaks off names the file it was in, and those that had no turn", () => {
  const { report, said } = fixture();
  report.accepted(A);
  report.progress(A, 10);
  report.finished({ name: "a", result: "done", sha256: "" });
  report.accepted(B);
  report.progress(B, 9);
  report.brokenOff([A, B, C]);
  assert.deepEqual(said().split("\n").slice(1), ["b was not sent completely", "c was not sent", ""]);
});

test("a file that only lacks the peer's word is said to be unconfirmed, and one without an answer not sent", () => {
  const whole = fixture();
  whole.report.accepted(A);
  whole.report.progress(A, 10);
  whole.report.brokenOff([A]);
  assert.equal(whole.said(), "a was sent, but the peer has not confirmed it\n");
  const unanswered = fixture();
  unanswered.report.offered(A);
  unanswered.report.brokenOff([A]);
  assert.equal(unanswered.said(), "a was not sent\n");
});

test("a person who looks on is told when the receiver takes more than a second over an offer", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { report, said, connect } = fixture(true);
  report.offered(A);
  t.mock.timers.tick(5000);
  assert.equal(said(), "", "it has not connected yet");
  connect();
  await Promise.resolve();
  t.mock.timers.tick(999);
  assert.equal(said(), "");
  t.mock.timers.tick(1);
  assert.equal(said(), "waiting for the receiver to accept a\n");
  report.offered(B);
  await Promise.resolve();
  report.accepted(B);
  t.mock.timers.tick(5000);
  assert.equal(said(), "waiting for the receiver to accept a\n");
});

function fixture(isTTY = false) {
  let text = "";
  const screen = {
    isTTY,
    write: (chunk: string) => {
      text += chunk;
    },
  };
  const options = { json: false, quiet: false, verbose: false, stdoutCarriesData: false };
  const report = new Report(options, new StandardOutput(new Writable()), screen, () => 0);
  const context = { report, interruption: { exitCode: undefined } } as Context;
  let connect = (): void => undefined;
  const connected = new Promise<void>((resolve) => {
    connect = resolve;
  });
  const remote = { sid: Sid.fromHex("A".repeat(64)), port: 4111 };
  return { report: new SendReport(context, { remote, connected }), said: () => text, connect };
}
