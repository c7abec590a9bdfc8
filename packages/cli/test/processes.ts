import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const COMMAND = fileURLToPath(new URL("../bin/msp.js", import.meta.url));

/** The event that a command prints with --json. */
export interface CommandEvent {
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
  readonly [field: string]: any;
}

/** A folder and the commands of one test; everything is ended and removed after it. */
export class Stage {
  readonly path: string;
  readonly #running: Msp[] = [];
  #homes = 0;

  private constructor(path: string) {
    this.path = path;
  }

  /** Run `body` on a stage of its own. */
  static async run(body: (stage: Stage) => Promise<void>): Promise<void> {
    const stage = new Stage(await mkdtemp(join(tmpdir(), "msp-test-")));
    try {
      await body(stage);
    } finally {
      for (const command of stage.#running) await command.kill();
      await rm(stage.path, { recursive: true, force: true });
    }
  }

  /** The path of `name` on this stage. */
  at(name: string): string {
    return join(this.path, name);
  }

  /** A home that has no identity yet. */
  home(): string {
    this.#homes++;
    return this.at(`home-${this.#homes}`);
  }

  /** Start `msp` in this folder. */
  start(words: readonly string[], stdio: SpawnOptions["stdio"] = ["ignore", "pipe", "pipe"]): Msp {
    const command = new Msp(words, this.path, stdio);
    this.#running.push(command);
    return command;
  }

  /** Run `msp` to its end. */
  async run(words: readonly string[], stdio?: SpawnOptions["stdio"]): Promise<Ended> {
    return this.start(words, stdio).ended;
  }

  /** A new home's identity. */
  async identity(home: string): Promise<string> {
    return (await this.run(["id", "new", "--home", home])).out.trim();
  }

  /** Start a command that waits for peers, on loopback with a home of its own, and wait until it listens. */
  async startListening(
    words: readonly string[],
    { home = this.home(), stdio }: { home?: string; stdio?: SpawnOptions["stdio"] } = {},
  ): Promise<{ command: Msp; sid: string; bound: string }> {
    const command = this.start([...words, ...lonely(home), "--json"], stdio);
    const { sid, bound } = await command.event("listening");
    return { command, sid, bound };
  }
}

/** Options for a node that meets nobody on its own. */
export function lonely(home: string): string[] {
  return ["--home", home, "--bind", "127.0.0.1:0", "--no-broadcast"];
}

/** Options for a node that knows one neighbour. */
export function near(home: string, peer: string): string[] {
  return [...lonely(home), "--peer", peer];
}

/** How a command ended. */
export interface Ended {
  /** The exit code, or the name of the signal that ended the process. */
  readonly code: number | string;
  readonly out: string;
  readonly err: string;
}

/** A running command. */
export class Msp {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly #texts: { out: string; err: string } = { out: "", err: "" };
  readonly #watchers = new Set<() => void>();

  constructor(words: readonly string[], cwd: string, stdio: SpawnOptions["stdio"]) {
    // A home given by the outside must not be touched, whatever a test forgets.
    const env = { ...process.env, MSP_HOME: join(cwd, "forgotten-home"), NO_COLOR: "1" };
    this.child = spawn(process.execPath, [COMMAND, ...words], { cwd, stdio: stdio ?? "pipe", env });
    for (const [name, stream] of [
      ["out", this.child.stdout],
      ["err", this.child.stderr],
    ] as const) {
      stream?.on("data", (chunk: Buffer) => {
        this.#texts[name] += chunk.toString("latin1");
        for (const watch of this.#watchers) watch();
      });
    }
    const patience = setTimeout(() => this.child.kill("SIGKILL"), PATIENCE_MS);
    this.ended = once(this.child, "close").then(([code, signal]) => {
      clearTimeout(patience);
      return { code: code ?? signal, ...this.#texts };
    });
  }

  get out(): string {
    return this.#texts.out;
  }

  get err(): string {
    return this.#texts.err;
  }

  /** The events told so far, on either stream. */
  get events(): CommandEvent[] {
    const lines = `${this.#texts.out}\n${this.#texts.err}`.split("\n");
    return lines
      .filter((line) => line.startsWith('{"event"'))
      .map((line) => JSON.parse(line) as CommandEvent);
  }

  /** The first event of that name, when it is told. Rejects if the command ends, or says nothing of it for 15 s. */
  event(name: string): Promise<CommandEvent> {
    return this.#until(name, () => this.events.find(({ event }) => event === name));
  }

  /** Resolves when standard output holds `text`. */
  async output(text: string): Promise<void> {
    await this.#until(text, () => this.#texts.out.includes(text) || undefined);
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill("SIGKILL");
    await this.ended;
  }

  #until<T>(what: string, find: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        this.#watchers.delete(watch);
        clearTimeout(timer);
        reject(
          new Error(`${why} "${what}" came: ${this.#texts.out.slice(-500)} ${this.#texts.err.slice(-1000)}`),
        );
      };
      const watch = (): void => {
        const found = find();
        if (found === undefined) return;
        this.#watchers.delete(watch);
        clearTimeout(timer);
        resolve(found);
      };
      const timer = setTimeout(() => fail("15 s passed before"), 15_000);
      this.#watchers.add(watch);
      void this.ended.then(({ code }) => fail(`ended with ${code} before`));
      watch();
    });
  }
}

/** A command that runs longer hangs, and is killed: its test then fails by the exit code. */
const PATIENCE_MS = 30_000;

/** Deterministic bytes without a pattern that a lost or doubled message would leave unchanged. */
export function content(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
