import { MspError } from "@meshstream/msp";
import { printable } from "./format.ts";
import { type Progress, RateMeter, renderProgress } from "./progress.ts";
import type { StandardOutput } from "./standard-streams.ts";

/** One thing that happened, as --json prints it: a line of JSON with the field "event" first. */
export interface ReportEvent {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** A stream that people read: standard error. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string, written?: () => void): unknown;
}

export interface ReportOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Whether standard output carries a peer's bytes, so that nothing else may go there. */
  readonly stdoutCarriesData: boolean;
}

/**
 * Says what happens: in words on standard error (results on standard output), or as lines of JSON.
 * Each call names the event once and gives both forms of it.
 */
export class Report {
  readonly #options: ReportOptions;
  readonly #stdout: StandardOutput;
  readonly #stderr: Screen;
  readonly #nowMs: () => number;
  /** By SID and file name: several sessions may be under way. */
  readonly #meters = new Map<string, RateMeter>();
  #lastProgressMs = Number.NEGATIVE_INFINITY;
  #isBarShown = false;
  /** Shows the open question again. */
  #redrawQuestion: (() => void) | undefined;
  #output: Promise<void> = Promise.resolve();
  #outputError: unknown;

  constructor(options: ReportOptions, stdout: StandardOutput, stderr: Screen, nowMs: () => number) {
    this.#options = options;
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#nowMs = nowMs;
  }

  /** Whether a person can be asked and sees the answer. */
  get isInteractive(): boolean {
    return !this.#options.json && !this.#options.quiet && this.#stderr.isTTY === true;
  }

  /** What the command was asked for: on standard output, and with --quiet too. */
  result(event: ReportEvent, text: string): void {
    if (this.#options.json) this.#writeJson(event);
    else this.#writeOut(`${text}\n`);
  }

  /** What is good to know. */
  note(event: ReportEvent, text: string): void {
    if (this.#options.json) this.#writeJson(event);
    else if (!this.#options.quiet) this.#writeLine(text);
  }

  /** What helps only a person who looks on while it happens. */
  hint(text: string): void {
    if (this.isInteractive) this.#writeLine(text);
  }

  /** What only -v tells. */
  detail(event: ReportEvent, text: string): void {
    if (this.#options.verbose) this.note(event, text);
  }

  /** What did not come about, though nothing broke: told with --quiet too. */
  failure(event: ReportEvent, text: string): void {
    if (this.#options.json) this.#writeJson(event);
    else this.#writeLine(text);
  }

  /** What went wrong: always told. */
  error(error: unknown, exitCode: number): void {
    const message = error instanceof Error ? error.message : String(error);
    const stack = this.#options.verbose ? framesOf(error) : undefined;
    if (this.#options.json) {
      const code = error instanceof MspError ? error.code : undefined;
      this.#writeJson({ event: "error", code, message, exitCode, stack });
      return;
    }
    this.#writeLine(`msp: ${printable(message, 1000)}`);
    if (stack !== undefined) this.#writeLine(stack);
  }

  /** How far a file is: a bar on a terminal, an event twice a second with --json. */
  progress(progress: Progress): void {
    const { json, quiet } = this.#options;
    const isDone = progress.doneBytes >= progress.totalBytes;
    const nowMs = this.#nowMs();
    if (nowMs - this.#lastProgressMs < (json ? JSON_PROGRESS_MS : BAR_MS) && !isDone) return;
    this.#lastProgressMs = nowMs;
    const rate = this.#rateOf(progress, nowMs);
    if (json) {
      this.#writeJson({ event: "progress", ...progress, bytesPerSecond: Math.round(rate) });
    } else if (!quiet && this.#stderr.isTTY === true && this.#redrawQuestion === undefined) {
      this.#isBarShown = true;
      this.#stderr.write(
        `\r${CLEAR_LINE}${renderProgress(progress, rate, (this.#stderr.columns || 80) - 1)}`,
      );
    }
  }

  /** Take the bar away, so that something else can stand in its line. */
  clearProgress(): void {
    if (!this.#isBarShown) return;
    this.#isBarShown = false;
    this.#stderr.write(`\r${CLEAR_LINE}`);
  }

  /** A question stands in the last line of the screen from now on: no bar is shown, and it is drawn again below what is said. */
  beginQuestion(redraw: () => void): void {
    this.clearProgress();
    this.#redrawQuestion = redraw;
  }

  endQuestion(): void {
    this.#redrawQuestion = undefined;
  }

  /** Wait for everything said to be written. Rejects with a LocalFileError if standard output failed. */
  async flush(): Promise<void> {
    this.clearProgress();
    await this.#output;
    await new Promise<void>((resolve) => {
      this.#stderr.write("", () => resolve());
    });
    if (this.#outputError !== undefined) throw this.#outputError;
  }

  #rateOf({ sid, name, doneBytes, totalBytes }: Progress, nowMs: number): number {
    const key = `${sid} ${name}`;
    let meter = this.#meters.get(key);
    if (meter === undefined) {
      // Files that broke off stay behind: forget them all at once.
      if (this.#meters.size >= METERS_LIMIT) this.#meters.clear();
      meter = new RateMeter();
      this.#meters.set(key, meter);
    }
    meter.add(nowMs, doneBytes);
    if (doneBytes >= totalBytes) this.#meters.delete(key);
    return meter.bytesPerSecond;
  }

  #writeJson(event: ReportEvent): void {
    const line = `${JSON.stringify(event)}\n`;
    if (this.#options.stdoutCarriesData) this.#stderr.write(line);
    else this.#writeOut(line);
  }

  #writeOut(text: string): void {
    this.clearProgress();
    const written = this.#stdout.write(text).catch((error: unknown) => {
      this.#outputError ??= error;
    });
    this.#output = Promise.all([this.#output, written]).then(() => undefined);
  }

  #writeLine(text: string): void {
    this.clearProgress();
    const redraw = this.#redrawQuestion;
    this.#stderr.write(redraw === undefined ? `${text}\n` : `\r${CLEAR_LINE}${text}\n`);
    redraw?.();
  }
}

/** Where an error that nobody foresaw came from, without its message; those of our own say all in theirs. */
function framesOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !UNFORESEEN.has(error.name)) return undefined;
  return error.stack?.match(/^ +at .*$/gm)?.join("\n");
}

const UNFORESEEN: ReadonlySet<string> = new Set(["Error", "TypeError", "RangeError", "ReferenceError"]);
const METERS_LIMIT = 32;
const BAR_MS = 100;
const JSON_PROGRESS_MS = 500;
const CLEAR_LINE = "\u001b[K";
