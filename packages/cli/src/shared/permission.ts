import { createInterface } from "node:readline/promises";
import { type MspSocket, Sid } from "@meshstream/msp";
import { FileRefusal } from "../transfer/file-refusal.ts";
import { type Offer, RefuseReason } from "../transfer/records.ts";
import type { Context } from "./context.ts";
import { formatBytes, printable } from "./format.ts";

/**
 * Whose files are taken: those of the SIDs given by --from, or, without it, of those accepted at a prompt on a terminal;
 * an answer holds as long as the command runs. Questions come one at a time.
 */
export class Permission {
  readonly #context: Context;
  readonly #allowed: Set<string>;
  readonly #isAny: boolean;
  readonly #canAsk: boolean;
  readonly #denied = new Set<string>();
  #lastQuestion: Promise<unknown> = Promise.resolve();

  /** Throws MspError "address" for a word that is neither a SID nor "any". */
  constructor(context: Context, from: readonly string[] | undefined) {
    this.#context = context;
    this.#isAny = from?.includes("any") ?? false;
    this.#allowed = new Set(from?.filter((text) => text !== "any").map((text) => Sid.fromHex(text).hex));
    this.#canAsk = from === undefined && context.stdin.isTerminal && context.report.isInteractive;
  }

  /** Whether anybody can ever be allowed. */
  get canBeGiven(): boolean {
    return this.#isAny || this.#allowed.size > 0 || this.#canAsk;
  }

  isGiven(sid: Sid): boolean {
    return this.#isAny || this.#allowed.has(sid.hex);
  }

  /** Rejects with a FileRefusal if files of `sid` are not taken. May wait for a person, as long as the socket lives. */
  async check(sid: Sid, offer: Offer, socket: MspSocket): Promise<void> {
    if (this.isGiven(sid)) return;
    if (this.#canAsk) {
      const question = this.#lastQuestion.then(() => this.#ask(sid, offer, socket));
      this.#lastQuestion = question.catch(() => undefined);
      await question;
      if (this.isGiven(sid)) return;
    }
    throw new FileRefusal(RefuseReason.NOT_ALLOWED, "files from this SID are not taken here");
  }

  async #ask(sid: Sid, offer: Offer, socket: MspSocket): Promise<void> {
    if (this.isGiven(sid) || this.#denied.has(sid.hex)) return;
    const gone = new AbortController();
    const end = (): void => gone.abort();
    socket.closed.then(end, end);
    this.#context.report.clearProgress();
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    // At a prompt, readline keeps ^C for itself.
    terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
    try {
      const answer = await terminal.question(
        `${sid.hex} offers "${printable(offer.name)}" (${formatBytes(offer.sizeBytes)}). Take files from it? [y/N] `,
        { signal: gone.signal },
      );
      (/^y(es)?$/i.test(answer.trim()) ? this.#allowed : this.#denied).add(sid.hex);
    } catch (error) {
      process.stderr.write("\n");
      // The peer has gone, or this command is ending: the session ends with the reason, and nobody was refused.
      if (gone.signal.aborted) await socket.closed;
      throw error;
    } finally {
      terminal.close();
    }
  }
}
