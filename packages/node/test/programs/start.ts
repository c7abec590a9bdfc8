import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

/** What a program tells. */
export interface ProgramEvent {
  readonly event: "open" | "failed";
  readonly role?: "holder" | "attached";
  readonly bound?: string;
  readonly sid?: string;
  readonly code?: string;
}

/** A mesh-program in a process of its own. */
export class Program {
  readonly exited: Promise<number | NodeJS.Signals>;
  private readonly disconnected: Promise<unknown>;
  private readonly child: ChildProcess;
  private readonly events: ProgramEvent[] = [];
  private wake: () => void = () => {};

  constructor(home: string, peers: readonly string[] = []) {
    const path = fileURLToPath(new URL("./mesh-program.ts", import.meta.url));
    this.child = fork(path, [home, ...peers], { execArgv: ["--import", "tsx"] });
    this.child.on("message", (event: ProgramEvent) => {
      this.events.push(event);
      this.wake();
    });
    // After everything that it has told.
    this.disconnected = once(this.child, "disconnect");
    this.exited = once(this.child, "exit").then(([code, signal]) => signal ?? code);
    after(() => this.child.kill("SIGKILL"));
  }

  /** What it tells next. Rejects if it ends before. */
  async next(): Promise<ProgramEvent> {
    if (this.events.length === 0) {
      const told = new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      await Promise.race([told, this.disconnected]);
    }
    const event = this.events.shift();
    if (event === undefined) throw new Error(`the program ended with ${await this.exited}`);
    return event;
  }

  close(): void {
    this.child.send("close");
  }

  kill(): void {
    this.child.kill("SIGKILL");
  }
}
