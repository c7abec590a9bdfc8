import { type MspSocket, Sid } from "@meshstream/msp";
import { FileRefusal } from "../transfer/file-refusal.ts";
import { type Offer, RefuseReason } from "../transfer/records.ts";
import type { Context } from "./context.ts";
import { formatBytes, printable } from "./format.ts";
import { Prompt } from "./prompt.ts";

/**
 * Whose files are accepted: those of the SIDs given by --from, or, without it, of those accepted at a prompt on a terminal;
 * an answer holds as long as the command runs. Questions come one at a time.
 */
export class Permission {
  readonly #context: Context;
  readonly #allowed: Set<string>;
  readonly #isAny: boolean;
  readonly #canAsk: boolean;
  readonly #prompt: Prompt;
  readonly #denied = new Set<string>();
  #lastQuestion: Promise<unknown> = Promise.resolve();

  /** Throws MspError "address" for a word that is neither a SID nor "any". */
  constructor(
    context: Context,
    from: readonly string[] | undefined,
    prompt = new Prompt(process.stdin, process.stderr, context.report),
  ) {
    this.#context = context;
    this.#prompt = prompt;
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

  /** Rejects with a FileRefusal if files of `sid` are not accepted. May wait for a person, as long as the socket lives. */
  async check(sid: Sid, offer: Offer, socket: MspSocket): Promise<void> {
    if (this.isGiven(sid)) return;
    if (this.#canAsk) {
      const question = this.#lastQuestion.then(() => this.#ask(sid, offer, socket));
      this.#lastQuestion = question.catch(() => undefined);
      await question;
      if (this.isGiven(sid)) return;
    }
    throw new FileRefusal(RefuseReason.NOT_ALLOWED, "files from this SID are not accepted here");
  }

  async #ask(sid: Sid, offer: Offer, socket: MspSocket): Promise<void> {
    if (this.isGiven(sid) || this.#denied.has(sid.hex)) return;
    const gone = new AbortController();
    const end = (): void => gone.abort();
    socket.closed.then(end, end);
    let answer: string | undefined;
    try {
      answer = await this.#prompt.ask(
        `${sid.hex} offers "${printable(offer.name)}" (${formatBytes(offer.sizeBytes)})`,
        `Accept files from ${sid.hex.slice(0, 8)}...? [y/N] `,
        gone.signal,
      );
    } catch (error) {
      // The peer has gone, or this command is ending: the session ends with the reason, and nobody was refused.
      if (gone.signal.aborted) await socket.closed;
      throw error;
    }
    if (answer !== undefined && /^y(es)?$/i.test(answer.trim())) {
      this.#allowed.add(sid.hex);
      return;
    }
    this.#denied.add(sid.hex);
    const how = answer === undefined ? "no answer (end of input): " : "";
    this.#context.report.hint(`${how}refused files from ${sid.hex} until msp receive is started again`);
  }
}
