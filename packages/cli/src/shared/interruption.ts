import { constants } from "node:os";

/** SIGINT, SIGTERM and SIGHUP as an AbortSignal: the first asks everything to end, a second one ends the process. */
export class Interruption {
  readonly #controller = new AbortController();
  readonly #handlers: readonly (readonly [NodeJS.Signals, () => void])[];
  #exitCode: number | undefined;

  constructor() {
    this.#handlers = SIGNALS.map((name) => [name, () => this.#interrupt(128 + constants.signals[name])]);
    for (const [name, handler] of this.#handlers) process.on(name, handler);
  }

  /** Aborted at the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** 128 + the number of the signal, once there was one. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  [Symbol.dispose](): void {
    for (const [name, handler] of this.#handlers) process.off(name, handler);
  }

  #interrupt(exitCode: number): void {
    if (this.#exitCode !== undefined) process.exit(exitCode);
    this.#exitCode = exitCode;
    this.#controller.abort();
  }
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
