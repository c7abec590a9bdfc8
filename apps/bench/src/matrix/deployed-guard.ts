import { DEPLOYED_PACKET_BYTES } from "./packets.ts";

/**
 * Looks at every packet that ours sends to a deployed peer, and at what comes back, and throws at the first one that must
 * not be sent to such a peer (docs/wire.md W2.16 to W2.19): too much at once, too much in flight, too long, of a type that it
 * does not know, or one of those that end a deployed daemon. The unused flags 0x10, 0x20 and 0x80 and the fourth byte of an
 * acknowledgement they ignore: with these the extension is offered.
 */
export class DeployedGuard {
  /** One beyond the highest message sent, counted through the laps. */
  #next = 0;
  /** Messages that the peer has acknowledged, counted through the laps. */
  #acknowledged = 0;
  #tokens = BURST_MESSAGES;
  #filledAtMs = 0;

  /** A packet of ours is about to leave. */
  handleSent(bytes: Uint8Array, length: number, nowMs: number): void {
    const flags = bytes[0]!;
    if (length === 0) forbid("an empty packet");
    if (length > DEPLOYED_PACKET_BYTES) forbid(`${length} bytes, the most are ${DEPLOYED_PACKET_BYTES}`);
    if (flags & EXTENDED_TYPE) forbid(`flags 0x${flags.toString(16)}: a type of the extension`);
    if (length < 3 && flags & FIRST) forbid(`a FIRST of ${length} bytes`);
    if (length < 3 && !(length === 1 && flags & STOP)) forbid(`${length} bytes, which mean nothing`);
    if (length === 4 && bytes[3] !== 0) forbid(`an acknowledgement with a fourth byte of ${bytes[3]}`);
    if (length >= 5) this.#handleMessage(bytes, flags, nowMs);
  }

  /** A packet of the peer has arrived here. */
  handleReceived(bytes: Uint8Array, length: number): void {
    if (length < 3 || !(bytes[0]! & ACK)) return;
    const newly = ((bytes[1]! | (bytes[2]! << 8)) + 1 - this.#acknowledged) & 0xffff;
    if (newly <= this.#next - this.#acknowledged) this.#acknowledged += newly;
  }

  #handleMessage(bytes: Uint8Array, flags: number, nowMs: number): void {
    const sequence = bytes[3]! | (bytes[4]! << 8);
    const ahead = (sequence - this.#next) & 0xffff;
    const index = ahead < 0x8000 ? this.#next + ahead : this.#next + ahead - 0x10000;
    if (index === 0xffff && flags & SHUTDOWN) forbid("SHUTDOWN with the number 65 535");
    this.#next = Math.max(this.#next, index + 1);
    const inFlight = this.#next - this.#acknowledged;
    if (inFlight > IN_FLIGHT_MESSAGES) forbid(`${inFlight} messages in flight`);
    this.#tokens = Math.min(BURST_MESSAGES, this.#tokens + (nowMs - this.#filledAtMs) * MESSAGES_PER_MS);
    this.#filledAtMs = nowMs;
    if (this.#tokens < 1 - ROUNDING) {
      forbid(`more than ${BURST_MESSAGES} messages back to back, then ${MESSAGES_PER_MS} a millisecond`);
    }
    this.#tokens -= 1;
  }
}

/** Something was sent that must not be sent to a deployed peer: the run is void. */
export class ForbiddenError extends Error {
  override readonly name = "ForbiddenError";
}

function forbid(what: string): never {
  throw new ForbiddenError(`sent to a deployed peer: ${what}`);
}

const SHUTDOWN = 0x01;
const ACK = 0x02;
const FIRST = 0x04;
const STOP = 0x08;
/** Set in extended acknowledgements and repairs, which a deployed peer would take for messages; it ignores the other unused bits. */
const EXTENDED_TYPE = 0x40;

/** The socket behind a deployed daemon holds 11 messages; the rest is dropped. */
const BURST_MESSAGES = 8;
const MESSAGES_PER_MS = 8;
const IN_FLIGHT_MESSAGES = 256;

/** Of sums of fractions of milliseconds. */
const ROUNDING = 1e-6;
