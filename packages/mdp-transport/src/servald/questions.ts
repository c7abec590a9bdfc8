import { MspError } from "@meshstream/msp";
import type { MdpRecord } from "../mdp2/record.ts";
import type { DaemonChannel } from "./channel.ts";
import { ServaldLimit, ServaldTiming } from "./limits.ts";

/** What a daemon can be asked: the remote port of the question (docs/wire.md W10.5). */
export const DaemonQuestion = { IDENTITIES: 2, ROUTES: 5 } as const;

interface Question {
  /** Payloads by their first bytes, the SID: a repeated question has its answers twice. */
  readonly answers: Map<string, Uint8Array>;
  readonly answered: Promise<Answers>;
  resolve(answers: Answers): void;
  reject(error: MspError): void;
  repeatAtMs: number;
}

export interface Answers {
  /** The daemon's primary identity: it stands in the records of every answer. A copy. */
  readonly primary: Uint8Array;
  /** In the daemon's order. Copies. */
  readonly payloads: readonly Uint8Array[];
}

/** Questions to a daemon about itself, asked again until they are answered. One at a time for each kind. */
export class Questions {
  private readonly channel: DaemonChannel;
  private readonly open = new Map<number, Question>();

  constructor(channel: DaemonChannel) {
    this.channel = channel;
  }

  /** Ask, or wait for the same question's answer that is under way. Rejects when {@link end} is called. */
  ask(kind: number, nowMs: number): Promise<Answers> {
    const under = this.open.get(kind);
    if (under !== undefined) return under.answered;
    let settle: Pick<Question, "resolve" | "reject"> | undefined;
    const answered = new Promise<Answers>((resolve, reject) => {
      settle = { resolve, reject };
    });
    this.open.set(kind, {
      ...settle!,
      answered,
      answers: new Map(),
      repeatAtMs: nowMs + ServaldTiming.REPEAT_MS,
    });
    this.channel.ask(kind);
    return answered;
  }

  /** A record from the daemon itself. False if nothing was asked. */
  handleAnswer({ kind, local, remote, payload }: MdpRecord): boolean {
    const question = this.open.get(remote.port);
    if (question === undefined) return false;
    if (kind === "data") {
      if (question.answers.size < ServaldLimit.ANSWERS)
        question.answers.set(String.fromCharCode(...payload.subarray(0, KEY_BYTES)), payload.slice());
      return true;
    }
    this.open.delete(remote.port);
    if (kind === "close")
      question.resolve({ primary: local.sid.slice(), payloads: [...question.answers.values()] });
    else
      question.reject(new MspError("argument", `the daemon does not answer such questions (${remote.port})`));
    return true;
  }

  /** Ask again what is due. Returns when to call again. */
  step(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [kind, question] of this.open) {
      if (question.repeatAtMs <= nowMs) {
        this.channel.ask(kind);
        question.repeatAtMs = nowMs + ServaldTiming.REPEAT_MS;
      }
      nextMs = Math.min(nextMs, question.repeatAtMs);
    }
    return nextMs;
  }

  end(error: MspError): void {
    for (const question of this.open.values()) question.reject(error);
    this.open.clear();
  }
}

/** Bytes of the SID that begins every answer. */
const KEY_BYTES = 32;
