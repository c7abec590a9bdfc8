import {
  type Address,
  BIND_PRIMARY,
  type Clock,
  MspError,
  type SealedTransport,
  type Sid,
  type TimerHandle,
} from "@meshstream/msp";

/** What every question to a service takes. */
export interface AskOptions {
  /** Identity of this node that asks; the primary one by default. */
  readonly from?: Sid;
  /** How long to wait for the answer. Milliseconds, above 0. Default 1000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A question: one packet, to one or more nodes. */
export interface Question<Answer> {
  readonly to: readonly Address[];
  readonly payload: Uint8Array;
  /** What a packet that came to the asking port says; undefined if it is no answer. `bytes` are valid until this returns. */
  readonly read: (remote: Sid, remotePort: number, bytes: Uint8Array) => Answer | undefined;
  /** How many answers end the wait. */
  readonly enough: number;
}

export interface Answered<Answer> {
  readonly answer: Answer;
  /** From the question on, with the precision of the clock. */
  readonly rttMs: number;
}

/**
 * Ask from a port of its own, and wait until there are `enough` answers or the time is over. Nothing is sent twice:
 * where packets get lost, ask again. Rejects with MspError "aborted" (its cause: the signal's reason), "argument" for a
 * time that is none, and with whatever binding a port throws.
 */
export async function ask<Answer>(
  transport: SealedTransport,
  clock: Clock,
  question: Question<Answer>,
  { from, timeoutMs = DEFAULT_TIMEOUT_MS, signal }: AskOptions,
): Promise<Answered<Answer>[]> {
  if (!(timeoutMs > 0)) throw new MspError("argument", `timeoutMs: ${timeoutMs} is not above 0`);
  const answers: Answered<Answer>[] = [];
  let handleAnswer = (_answer: Answer): void => {};
  let timer: TimerHandle | undefined;
  let abort: (() => void) | undefined;
  const binding = transport.bind(
    { sid: from ?? BIND_PRIMARY, port: 0 },
    (_local, remote, remotePort, offset, length) => {
      const bytes = transport.core.bytes.subarray(offset, offset + length);
      const answer = question.read(remote, remotePort, bytes);
      if (answer !== undefined) handleAnswer(answer);
    },
  );
  try {
    await binding.ready;
    await new Promise<void>((resolve, reject) => {
      abort = () => reject(new MspError("aborted", "the question was given up", { cause: signal?.reason }));
      if (signal?.aborted) {
        abort();
        return;
      }
      signal?.addEventListener("abort", abort);
      const sentAtMs = clock.now();
      handleAnswer = (answer) => {
        answers.push({ answer, rttMs: clock.now() - sentAtMs });
        if (answers.length >= question.enough) resolve();
      };
      timer = clock.setTimer(sentAtMs + timeoutMs, resolve);
      for (const to of question.to) {
        // Not even a missing route ends the wait early: whoever asks in a loop would never pause.
        binding.send(binding.local.sid, to, (core, offset) => {
          core.bytes.set(question.payload, offset);
          return question.payload.length;
        });
      }
    });
    return answers;
  } finally {
    timer?.cancel();
    if (abort !== undefined) signal?.removeEventListener("abort", abort);
    binding.close();
  }
}

/** The same for one answer; rejects with MspError "timeout" if it does not come. */
export async function askOnce<Answer>(
  transport: SealedTransport,
  clock: Clock,
  question: Omit<Question<Answer>, "enough">,
  options: AskOptions,
): Promise<Answered<Answer>> {
  const [answered] = await ask(transport, clock, { ...question, enough: 1 }, options);
  if (answered !== undefined) return answered;
  const whom = question.to.map(({ sid }) => sid.hex).join(", ");
  const waitedMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  throw new MspError("timeout", `no answer from ${whom} within ${waitedMs} ms`);
}

const DEFAULT_TIMEOUT_MS = 1000;
