import { type LinkAddress, TokenBucket } from "@meshstream/msp";
import {
  AddressForm,
  type AddressToWrite,
  copyAddress,
  OTHER_END_ADDRESS,
  type WireAddress,
  wholeAddress,
} from "./address.ts";
import type { AddressBook, BookEntry } from "./address-book.ts";
import type { Counters } from "./counters.ts";
import { encodeExplain, parseExplained } from "./explain.ts";
import { FrameFlag, type FrameToWrite, FrameType } from "./frame.ts";
import { Limit } from "./limits.ts";
import type { Link } from "./link.ts";
import type { Neighbour, NeighbourNode } from "./neighbours.ts";
import type { Outgoing, PayloadWriter } from "./outgoing.ts";
import type { Paths } from "./paths.ts";
import { Timing } from "./timing.ts";

/** "Please explain", in both directions (docs/wire.md W6). */
export class Explainer {
  readonly #book: AddressBook;
  readonly #paths: Paths;
  readonly #outgoing: Outgoing;
  readonly #counters: Counters;
  readonly #asks = new TokenBucket(50, 20);
  /** For what neighbours in use speak of: a large mesh, abbreviated, is learned within its first rounds. */
  readonly #neighbourAsks = new TokenBucket(200, 200);
  readonly #answers = new TokenBucket(100, 20);
  readonly #broadcastAnswers = new TokenBucket(2, 2);
  readonly #askedAtMs = new Map<string, number>();

  constructor(parts: {
    book: AddressBook;
    paths: Paths;
    outgoing: Outgoing;
    counters: Counters;
  }) {
    this.#book = parts.book;
    this.#paths = parts.paths;
    this.#outgoing = parts.outgoing;
    this.#counters = parts.counters;
  }

  /**
   * Ask a neighbour whom an abbreviation in a packet of its means. Other forms are not asked about. At most 50 a
   * second, 200 for neighbours in use, and once in 20 ms for each.
   */
  ask(bytes: Uint8Array, address: WireAddress, of: Neighbour, nowMs: number): void {
    if (address.form !== AddressForm.ABBREVIATION) return;
    const asked = copyAddress(bytes, address);
    if (!this.#mayAsk(asked, of.node, nowMs)) return;
    this.#explainTo(of, (out, offset) => encodeExplain(out, offset, [asked]));
  }

  /**
   * Ask who the transmitter of a packet is that came from `from` on `link`: the sender, and everyone on the link. On a
   * link with two ends, "this end" makes us ask who that is. Limited as {@link ask}.
   */
  askStranger(bytes: Uint8Array, address: WireAddress, link: Link, from: LinkAddress, nowMs: number): void {
    const isOtherEnd = address.form === AddressForm.THIS_END && link.isPointToPoint;
    if (address.form !== AddressForm.ABBREVIATION && !isOtherEnd) return;
    const asked = isOtherEnd ? OTHER_END_ADDRESS : copyAddress(bytes, address);
    if (!this.#mayAsk(asked, undefined, nowMs)) return;
    const write = (out: Uint8Array, offset: number) => encodeExplain(out, offset, [asked]);
    const frame: FrameToWrite = {
      flags: EXPLAIN_FLAGS | FrameFlag.BROADCAST,
      type: FrameType.EXPLAIN,
      sequence: this.#outgoing.nextBroadcastSequence(),
    };
    this.#outgoing.frame(link, from, frame, write);
    this.#outgoing.frame(link, "broadcast", frame, write);
  }

  /** Take in the payload [offset, end) of an explain frame: learn what it tells, answer what it asks. */
  handleExplain(
    bytes: Uint8Array,
    offset: number,
    end: number,
    from: Neighbour,
    packetBytes: number,
    nowMs: number,
  ): void {
    let aboutUs = false;
    const told = new Set<BookEntry>();
    let at = offset;
    for (let i = 0; at < end && i < Limit.EXPLAINED_PER_FRAME; i++) {
      const address = parseExplained(bytes, at, end);
      if (address.kind === "fault") {
        this.#counters[address.reason]++;
        break;
      }
      at = address.end;
      if (address.form === AddressForm.SID) {
        this.#book.learn(bytes, address.offset);
      } else if (address.form === AddressForm.SIGNING_KEY) {
        this.#book.learnSigningKey(bytes, address.offset, nowMs);
      } else if (address.form === AddressForm.OTHER_END) {
        aboutUs = true;
      } else {
        const matches = this.#book.matches(bytes, address.offset, address.length, Limit.ANSWERS_PER_FRAME);
        for (const entry of matches) {
          if (entry === this.#book.own[0]) aboutUs = true;
          else if (this.#mayTell(entry, from)) told.add(entry);
        }
      }
    }
    if (aboutUs) this.#answerAboutUs(from, nowMs);
    if (told.size > 0) this.#answerAbout([...told], from, packetBytes, nowMs);
  }

  /** The answer is the whole SID in the envelope. To a stranger it goes by broadcast as well. */
  #answerAboutUs(to: Neighbour, nowMs: number): void {
    to.handleAskedAboutUs(nowMs);
    if (!this.#mayAnswer(to, nowMs)) return;
    const nothing = (_: Uint8Array, offset: number) => offset;
    const frame = this.#explainTo(to, nothing);
    if (to.reachable || !this.#broadcastAnswers.take(nowMs)) return;
    this.#outgoing.frame(to.link, "broadcast", frame, nothing);
  }

  #answerAbout(entries: readonly BookEntry[], to: Neighbour, packetBytes: number, nowMs: number): void {
    if (!this.#mayAnswer(to, nowMs)) return;
    // Never more than three times what was received: a false source address must gain nothing.
    const most = Math.floor((3 * packetBytes - ANSWER_HEAD_BYTES) / 33);
    const some = entries.slice(0, Math.min(Limit.ANSWERS_PER_FRAME, most));
    if (some.length === 0) return;
    this.#explainTo(to, (out, offset) =>
      encodeExplain(
        out,
        offset,
        some.map((entry) => wholeAddress(entry.sid.bytes)),
      ),
    );
  }

  /** We tell of our own identities and of whom we reach, at any distance, not of every SID that someone mentioned. */
  #mayTell(entry: BookEntry, asker: Neighbour): boolean {
    if (entry === asker.node.entry) return false;
    return entry.ownIndex >= 0 || this.#paths.route(entry) !== undefined;
  }

  #mayAnswer(to: Neighbour, nowMs: number): boolean {
    if (to.explains.take(nowMs) && this.#answers.take(nowMs)) {
      this.#counters["explain-answered"]++;
      return true;
    }
    this.#counters["explain-limit"]++;
    return false;
  }

  #mayAsk(asked: AddressToWrite, node: NeighbourNode | undefined, nowMs: number): boolean {
    const key = asked.bytes.join();
    const askedAtMs = this.#askedAtMs.get(key);
    const isEarly = askedAtMs !== undefined && nowMs - askedAtMs < Timing.ASK_SPACING;
    const bucket = node?.reachable === undefined ? this.#asks : this.#neighbourAsks;
    if (isEarly || !bucket.take(nowMs)) {
      this.#counters["ask-limit"]++;
      return false;
    }
    if (askedAtMs === undefined && this.#askedAtMs.size >= Limit.ASKED) this.#askedAtMs.clear();
    this.#askedAtMs.set(key, nowMs);
    this.#counters["explain-asked"]++;
    return true;
  }

  /**
   * Send a frame to a neighbour, with our whole SID as transmitter. Numbered like all its packets: one without a number
   * would say that this node began anew (docs/wire.md W4.5). Returns the frame.
   */
  #explainTo(to: Neighbour, write: PayloadWriter): FrameToWrite {
    const frame: FrameToWrite = {
      flags: EXPLAIN_FLAGS,
      destination: to.node.shortAddress,
      type: FrameType.EXPLAIN,
      sequence: to.node.nextFrameSequence(),
    };
    this.#outgoing.frameTo(to, frame, write, false);
    return frame;
  }
}

const EXPLAIN_FLAGS = FrameFlag.SENDER_SAME | FrameFlag.ONE_HOP | FrameFlag.LEGACY_TYPE;

// Envelope with a whole SID, frame head with a short destination.
const ANSWER_HEAD_BYTES = 52;
