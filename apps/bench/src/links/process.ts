import { type ChildProcess, fork } from "node:child_process";

/** One of the processes that take part: what is said to it, and what it says. */
export class Process<Report> {
  readonly #child: ChildProcess;
  readonly #name: string;
  #waiting: { resolve: (report: Report) => void; reject: (error: Error) => void } | undefined;
  readonly #reports: Report[] = [];
  #exit: string | undefined;

  constructor(name: string) {
    this.#name = name;
    this.#child = fork(new URL(`./${name}.ts`, import.meta.url), { execArgv: ["--import", "tsx"] });
    this.#child.on("message", (report: Report) => {
      this.#reports.push(report);
      this.#settle();
    });
    this.#child.on("exit", (code, signal) => {
      this.#exit = `${code ?? signal}`;
      this.#settle();
    });
  }

  ask(request: unknown): void {
    this.#child.send(request as object);
  }

  /** The next thing that it says; rejects if it has ended, or says nothing for so long. */
  async next(withinMs: number): Promise<Report> {
    const next = new Promise<Report>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#settle();
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const fail = () => reject(new Error(`${this.#name} said nothing for ${withinMs / 1000} s`));
      timer = setTimeout(fail, withinMs);
    });
    return Promise.race([next, late]).finally(() => clearTimeout(timer));
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }

  #settle(): void {
    if (this.#waiting === undefined) return;
    const { resolve, reject } = this.#waiting;
    const report = this.#reports.shift();
    if (report !== undefined) resolve(report);
    else if (this.#exit !== undefined) reject(new Error(`${this.#name} ended (${this.#exit})`));
    else return;
    this.#waiting = undefined;
  }
}
