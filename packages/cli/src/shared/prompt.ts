import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Report } from "./report.ts";

/** Where answers are typed: the standard input of a terminal. */
export type PromptInput = Readable & { setRawMode?(isRaw: boolean): unknown };

/**
 * Asks the person at the terminal, one question at a time. Only what is typed after a question answers it: whatever
 * was typed before, to no question or to one whose asker has gone, is dropped.
 */
export class Prompt {
  readonly #input: PromptInput;
  readonly #output: Writable;
  readonly #report: Report;
  #quietMs = QUIET_MS;

  constructor(input: PromptInput, output: Writable, report: Report) {
    this.#input = input;
    this.#output = output;
    this.#report = report;
  }

  /**
   * Show the line `heading`, then `question`, and wait for a line; resolves to undefined at an end of file. Rejects with
   * the signal's reason when that fires, and the question is withdrawn. Not to be called before the last call has settled.
   */
  async ask(heading: string, question: string, signal: AbortSignal): Promise<string | undefined> {
    let terminal: Interface | undefined;
    try {
      await this.#dropPending(signal);
      this.#quietMs = QUIET_MS;
      if (this.#input.readableEnded) return undefined;
      terminal = createInterface({
        input: this.#input,
        output: this.#output,
        terminal: true,
        historySize: 0,
      });
      return await this.#readLine(terminal, heading, question, signal);
    } catch (error) {
      // Whoever is about to answer a question that is gone needs a moment to see it.
      if (terminal !== undefined) this.#quietMs = QUIET_AFTER_WITHDRAWAL_MS;
      throw error;
    } finally {
      this.#report.endQuestion();
      terminal?.close();
      this.#input.pause();
      this.#input.setRawMode?.(false);
    }
  }

  /** Swallow what is typed already, until nothing comes for a moment. */
  async #dropPending(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const input = this.#input;
    // Without it the terminal would keep back a line that has no end yet, and count it to the answer.
    input.setRawMode?.(true);
    await new Promise<void>((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        input.off("data", drop);
        signal.removeEventListener("abort", abort);
        settle();
      };
      const timer = setTimeout(() => finish(resolve), this.#quietMs);
      const abort = (): void => finish(() => reject(signal.reason));
      const drop = (chunk: Buffer | string): void => {
        if (chunk.includes(CONTROL_C)) interrupt();
        timer.refresh();
      };
      signal.addEventListener("abort", abort);
      input.on("data", drop);
      input.resume();
    });
  }

  #readLine(
    terminal: Interface,
    heading: string,
    question: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    this.#report.beginQuestion(() => terminal.prompt(true));
    this.#output.write(`${heading}\n`);
    terminal.setPrompt(question);
    // At a prompt, readline keeps ^C for itself.
    terminal.on("SIGINT", interrupt);
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        terminal.off("line", answer);
        terminal.off("close", end);
        signal.removeEventListener("abort", withdraw);
        act();
      };
      const answer = (line: string): void => settle(() => resolve(line));
      const end = (): void => {
        this.#output.write("\n");
        settle(() => resolve(undefined));
      };
      const withdraw = (): void => {
        this.#output.write("\n");
        settle(() => reject(signal.reason));
      };
      terminal.on("line", answer);
      terminal.on("close", end);
      signal.addEventListener("abort", withdraw);
      terminal.prompt();
    });
  }
}

function interrupt(): void {
  process.kill(process.pid, "SIGINT");
}

const CONTROL_C = "\u0003";

/** What the terminal has already is read long before this is over. */
const QUIET_MS = 50;
const QUIET_AFTER_WITHDRAWAL_MS = 1000;
