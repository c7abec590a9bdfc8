import { fingerprint } from "./fingerprint.ts";
import { type Frame, FrameFlag } from "./frame.ts";
import { Limit } from "./limits.ts";
import { Timing } from "./timing.ts";

/**
 * Knows a frame that was sent again over a link (docs/wire.md W5). Its number cannot tell: it has 8 bits, and the
 * fresh frame 256 further on has it too. Its payload can. No two sealed payloads are alike, so theirs is enough, and a
 * frame that comes again with another number or by another way is known as well; a plain payload may be repeated on
 * purpose, so there the transmitter and the number must be the same too.
 *
 * Only frames with ACK_SOON are ever sent again, so only these are looked at. Each is remembered for
 * {@link Timing}.COPY or longer, but only until {@link Limit}.COPIES others came: that is at least 0.16 s of the
 * fastest link, and longer than the first resend takes. What slips through, MSP drops.
 */
export class CopyFilter {
  #recent = new Set<number>();
  #older = new Set<number>();
  #turnedAtMs = 0;

  /** Whether `frame`, by the transmitter with the SID `transmitter`, was here before. Remembers it. */
  isCopy(bytes: Uint8Array, frame: Frame, transmitter: Uint8Array, nowMs: number): boolean {
    if ((frame.flags & FrameFlag.ACK_SOON) === 0) return false;
    const sealed = (frame.flags & FrameFlag.CIPHERED) !== 0;
    const seed = sealed ? 0 : fingerprint(transmitter, 0, 32, frame.sequence) | 0;
    const end = frame.payloadOffset + frame.payloadLength;
    const print = fingerprint(bytes, frame.payloadOffset, end, seed);
    this.#turn(nowMs);
    if (this.#recent.has(print) || this.#older.has(print)) return true;
    this.#recent.add(print);
    return false;
  }

  #turn(nowMs: number): void {
    if (this.#recent.size < Limit.COPIES && nowMs - this.#turnedAtMs < Timing.COPY) return;
    this.#older = this.#recent;
    this.#recent = new Set();
    this.#turnedAtMs = nowMs;
  }
}
