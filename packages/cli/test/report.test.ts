import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { MspError } from "@meshstream/msp";
import { formatBytes, formatDuration, printable } from "../src/shared/format.ts";
import { RateMeter, renderProgress } from "../src/shared/progress.ts";
import { Report, type ReportOptions } from "../src/shared/report.ts";
import { StandardOutput } from "../src/shared/standard-streams.ts";

test("sizes, times and a peer's text are shown so that a person and a terminal can bear them", () => {
  assert.deepEqual([0, 999, 1000, 999_949, 999_950, 2 ** 53].map(formatBytes), [
    "0 B",
    "999 B",
    "1.0 kB",
    "999.9 kB",
    "1.0 MB",
    "9.0 PB",
  ]);
  assert.deepEqual([0, 7400, 754_000, 3_723_000].map(formatDuration), ["0:00", "0:07", "12:34", "1:02:03"]);
  assert.equal(printable("a\u001b[2Jb\u202ec\n"), "a\\u{1b}[2Jb\\u{202e}c\\u{a}");
  assert.equal(printable("x".repeat(400)).length, 303);
});

test("the bar fits every width", () => {
  for (let columns = 1; columns < 200; columns++) {
    for (const doneBytes of [0, 1, 12_345_678, 99_999_999]) {
      const progress = { name: "a long name of a file.pdf", doneBytes, totalBytes: 99_999_999 };
      const line = renderProgress(progress, 1_234_567, columns);
      assert.ok(line.length <= columns, `${columns}: ${line}`);
    }
  }
  assert.equal(
    renderProgress({ name: "a", doneBytes: 5000, totalBytes: 10_000 }, 1000, 70),
    "a [##########..........] " + " 50 %  5.0 kB of 10.0 kB  1.0 kB/s  0:05 left",
  );
  assert.match(renderProgress({ name: "a", doneBytes: 0, totalBytes: 0 }, 0, 80), /100 %/);
});

test("the rate is that of the last seconds", () => {
  const meter = new RateMeter();
  assert.equal(meter.bytesPerSecond, 0);
  for (let second = 0; second <= 60; second++)
    meter.add(second * 1000, second < 50 ? second * 10 : 500 + (second - 50) * 100);
  assert.equal(meter.bytesPerSecond, 100);
  meter.add(61_000, 0);
  meter.add(62_000, 7);
  assert.equal(meter.bytesPerSecond, 7);
});

test("words go to standard error and results to standard output; with --quiet only results and what went wrong", () => {
  const say = (options: Partial<ReportOptions>) => {
    const { report, out, err } = fixture(options);
    report.note({ event: "n" }, "note");
    report.detail({ event: "d" }, "detail");
    report.result({ event: "r" }, "result");
    report.failure({ event: "f" }, "failure");
    report.error(new Error("bad\u001b"), 1);
    return { out: out(), err: err().split("\n") };
  };
  assert.deepEqual(say({}), { out: "result\n", err: ["note", "failure", "msp: bad\\u{1b}", ""] });
  assert.deepEqual(say({ quiet: true }), { out: "result\n", err: ["failure", "msp: bad\\u{1b}", ""] });
  assert.equal(say({ verbose: true }).err[1], "detail");
  assert.deepEqual(
    say({ json: true })
      .out.trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
    [{ event: "n" }, { event: "r" }, { event: "f" }, { event: "error", message: "bad\u001b", exitCode: 1 }],
  );
  assert.equal(say({ json: true, stdoutCarriesData: true }).out, "");
});

test("with -v an error is told once, and where it came from only if nobody foresaw it", () => {
  const { report, err } = fixture({ verbose: true });
  report.error(new MspError("timeout", "no answer"), 1);
  assert.equal(err(), "msp: no answer\n");
  report.error(new TypeError("x is no function"), 1);
  assert.equal(err().match(/x is no function/g)?.length, 1);
  assert.match(err(), /\n +at .*report\.test\.ts/);
});

test("progress is a bar on a terminal, sparse events with --json, and nothing elsewhere", () => {
  const run = (options: Partial<ReportOptions>, isTTY: boolean) => {
    const { report, out, err, clock } = fixture(options, isTTY);
    for (let step = 0; step <= 100; step++) {
      clock.nowMs = step * 20;
      report.progress({ sid: "A", name: "a", doneBytes: step * 1000, totalBytes: 100_000 });
    }
    report.note({ event: "n" }, "note");
    return { out: out(), err: err() };
  };
  const bars = run({}, true).err.split("\r").length - 1;
  assert.ok(bars > 15 && bars < 25, `${bars} redraws in 2 s`);
  assert.ok(run({}, true).err.endsWith("\r\u001b[Knote\n"));
  assert.equal(run({}, false).err, "note\n");
  assert.equal(run({ quiet: true }, true).err, "");
  const lines = run({ json: true }, true).out.trim().split("\n");
  assert.equal(lines.length, 6);
  assert.equal(JSON.parse(lines[0]!).sid, "A");
});

test("a standard output that fails is not forgotten", async () => {
  const broken = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error("x"), { code: "EPIPE" })),
  });
  const { report } = fixture({}, false, broken);
  report.result({ event: "r" }, "result");
  await assert.rejects(report.flush(), /standard output: the reader closed the pipe/);
});

function fixture(options: Partial<ReportOptions>, isTTY = false, stdout?: Writable) {
  let outText = "";
  let errText = "";
  const clock = { nowMs: 0 };
  const out =
    stdout ??
    new Writable({
      write: (chunk, _encoding, done) => {
        outText += chunk;
        done();
      },
    });
  const screen = {
    isTTY,
    columns: 80,
    write: (text: string, written?: () => void) => {
      errText += text;
      written?.();
    },
  };
  const report = new Report(
    { json: false, quiet: false, verbose: false, stdoutCarriesData: false, ...options },
    new StandardOutput(out),
    screen,
    () => clock.nowMs,
  );
  return { report, clock, out: () => outText, err: () => errText };
}
