// A process of the suite: what it prints, how it ends, and that it ends.
import { spawn } from "node:child_process";
import { once } from "node:events";

/** Those that run now. Nothing of the suite outlives it. */
const running = new Set();

/** Kill whatever still runs, and wait until it is gone. */
export async function killAll() {
  await Promise.all([...running].map((child) => child.kill("SIGKILL")));
}

/** What `words` print, when they are done. Throws if they fail. */
export async function output(words, options) {
  const { code, out, err } = await new Child(words, options).ended;
  if (code !== 0) throw new Error(`${words.join(" ")}: exit ${code}: ${err}${out}`);
  return out.toString();
}

export class Child {
  /** Resolves to { code, out, err }: the exit code or the signal's name, a Buffer, a text. */
  ended;
  /** When the first and the last bytes of standard output came, and how many came first: for throughput. */
  firstMs;
  firstBytes = 0;
  lastMs;
  err = "";
  #chunks = [];
  #bytes = 0;
  #process;
  #watchers = new Set();

  /** `stdin`: "ignore", "pipe", or a file descriptor. */
  constructor([program, ...args], { env = {}, stdin = "ignore", patienceMs = PATIENCE_MS } = {}) {
    this.#process = spawn(program, args, {
      env: { ...process.env, NO_COLOR: "1", ...env },
      stdio: [stdin, "pipe", "pipe"],
      // Ctrl-C is for the suite, which ends its processes itself.
      detached: true,
    });
    running.add(this);
    this.#process.stdin?.on("error", () => undefined);
    this.#process.stdout.on("data", (chunk) => this.#take(chunk));
    this.#process.stderr.setEncoding("utf8").on("data", (text) => {
      this.err += text;
      this.#look();
    });
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), patienceMs);
    const failed = once(this.#process, "error").then(([error]) => [error.message]);
    this.ended = Promise.race([once(this.#process, "close"), failed]).then(([code, signal]) => {
      clearTimeout(timer);
      running.delete(this);
      this.hasEnded = true;
      this.#look();
      return { code: code ?? signal, out: this.out, err: this.err };
    });
  }

  hasEnded = false;

  get out() {
    return Buffer.concat(this.#chunks);
  }

  get bytes() {
    return this.#bytes;
  }

  get stdin() {
    return this.#process.stdin;
  }

  get pid() {
    return this.#process.pid;
  }

  /** The events of a command with --json. */
  get events() {
    return `${this.err}\n${this.out}`
      .split("\n")
      .filter((text) => text.startsWith('{"event"'))
      .map((text) => JSON.parse(text));
  }

  /** The event of that name, when it is told. */
  async event(name, patienceMs) {
    const find = () => this.events.find(({ event }) => event === name);
    await this.until(() => find() !== undefined, `event ${name}`, patienceMs);
    return find();
  }

  /** Resolves when `test` holds; it is tried with all that is printed. Rejects if the process ends first, or after `patienceMs`. */
  until(test, what, patienceMs = 20_000) {
    return new Promise((resolve, reject) => {
      const finish = (settle, value) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        settle(value);
      };
      const fail = (why) => finish(reject, new Error(`${what}: ${why}: ${this.err.slice(-400)}`));
      const look = () => {
        if (test()) finish(resolve);
        else if (this.hasEnded) fail("ended before");
      };
      const timer = setTimeout(() => fail(`not within ${patienceMs} ms`), patienceMs);
      this.#watchers.add(look);
      look();
    });
  }

  async kill(signal = "SIGTERM") {
    if (!this.hasEnded) this.#process.kill(signal);
    await this.ended;
  }

  #take(chunk) {
    this.lastMs = performance.now();
    if (this.firstMs === undefined) {
      this.firstMs = this.lastMs;
      this.firstBytes = chunk.length;
    }
    this.#bytes += chunk.length;
    this.#chunks.push(chunk);
    this.#look();
  }

  #look() {
    for (const look of [...this.#watchers]) look();
  }
}

/** Whatever runs longer hangs. */
const PATIENCE_MS = 120_000;
