import type { Clock } from "@meshstream/msp";
import { type Measure, writeMessage } from "./measure.ts";
import type { PacketPool, SimPacket, Station } from "./packets.ts";
import type { Work } from "./traffic.ts";

/**
 * A deployed peer, as far as it can be known from outside (docs/wire.md W2.16 to W2.19): not one of ours, and slower than it
 * need be. The daemon hands messages to the program over a socket that holds {@link SOCKET_MESSAGES} and drops the rest in
 * silence. What is at or ahead of the next expected message is queued, and makes one cumulative acknowledgement for all that
 * came in one millisecond; a duplicate, or what is older, makes none. The daemon holds small packets for up to
 * {@link HOLD_MS}. Its sender has {@link WINDOW} messages in flight and sends each again every {@link RESEND_MS}; it says
 * something {@link RESEND_MS} after its last packet, and fails when it has heard nothing for {@link PATIENCE_MS}.
 *
 * Assumed: the program takes up to {@link TAKEN_PER_TICK} a millisecond, and the daemon's beat is even. Left out, since nobody
 * knows when they happen: a fifth message in flight now and then, and a sender that stands still for a second.
 */
export class DeployedPeer implements Station {
  peer: Station | undefined;
  /** Messages that the hand-over socket dropped. */
  handOverDrops = 0;
  /** The application looks for messages. While it does not, the acknowledgement stands still, and each arrival repeats it. */
  isReading = true;
  /** It has heard nothing for too long, or was told to stop: the connection is gone. */
  hasFailed = false;
  readonly #clock: Clock;
  readonly #pool: PacketPool;
  readonly #send: (packet: SimPacket) => void;
  readonly #localPort: number;
  #remotePort: number;

  // Receiving.
  readonly #measure: Measure | undefined;
  readonly #socket: Uint8Array[] = [];
  readonly #queue = new Map<number, Uint8Array>();
  #expected = 0;
  #gotData = false;
  #heard = false;
  #isTicking = false;
  #held: Uint8Array[] = [];
  #isHolding = false;
  #hasBegun = false;
  #lastHeardMs = 0;

  // Sending.
  #work: Work = { count: 0, bytes: 0 };
  /** Messages that the application has offered so far. */
  #due = 0;
  #base = 0;
  #next = 0;
  readonly #sentAtMs = new Map<number, number>();
  #lastSentMs = 0;
  #sending: Measure | undefined;

  constructor(options: {
    clock: Clock;
    pool: PacketPool;
    send: (packet: SimPacket) => void;
    localPort: number;
    remotePort: number;
    /** Told of what the program takes. */
    measure?: Measure;
  }) {
    this.#clock = options.clock;
    this.#pool = options.pool;
    this.#send = options.send;
    this.#localPort = options.localPort;
    this.#remotePort = options.remotePort;
    this.#measure = options.measure;
  }

  receive(packet: SimPacket): void {
    if (this.hasFailed) return;
    this.#remotePort = packet.fromPort;
    this.#begin();
    // The socket between daemon and program: full, and the message is gone.
    if (this.#socket.length >= SOCKET_MESSAGES) {
      this.handOverDrops += 1;
      return;
    }
    this.#socket.push(packet.bytes.slice(0, packet.length));
    this.#tickSoon();
  }

  /** Send that, each message as soon as it is there and the window lets it. */
  sendAll(work: Work, measure: Measure): void {
    this.#work = work;
    this.#sending = measure;
    this.#begin();
    if (work.everyMs === undefined) this.#due = work.count;
    else this.#dueAt(this.#clock.now(), work.everyMs);
    this.#pump();
  }

  #dueAt(atMs: number, everyMs: number): void {
    this.#due += 1;
    this.#sending!.accepted(atMs);
    this.#pump();
    if (this.#due < this.#work.count) {
      this.#clock.setTimer(atMs + everyMs, () => this.#dueAt(atMs + everyMs, everyMs));
    }
  }

  #tickSoon(): void {
    if (this.#isTicking) return;
    this.#isTicking = true;
    this.#clock.setTimer(Math.floor(this.#clock.now() + 1), () => this.#tick());
  }

  #tick(): void {
    this.#isTicking = false;
    if (this.hasFailed) return;
    let isNew = false;
    for (const bytes of this.#socket.splice(0, TAKEN_PER_TICK)) isNew = this.#take(bytes) || isNew;
    if (isNew) this.#acknowledge();
    if (this.#sending !== undefined) this.#pump();
    if (this.#socket.length > 0) this.#tickSoon();
  }

  /** True if a message was newly queued. */
  #take(bytes: Uint8Array): boolean {
    this.#heard = true;
    this.#lastHeardMs = this.#clock.now();
    if (bytes.length === 1 && bytes[0]! & STOP) this.hasFailed = true;
    if (bytes.length < 3) return false;
    if (bytes[0]! & ACK) this.#handleAck(bytes[1]! | (bytes[2]! << 8));
    if (bytes.length < 5) return false;
    this.#gotData = true;
    const sequence = bytes[3]! | (bytes[4]! << 8);
    const ahead = (sequence - this.#expected) & 0xffff;
    if (ahead > 32_767 || this.#queue.has(sequence)) return false;
    this.#queue.set(sequence, bytes);
    if (this.isReading) this.#handOver();
    return true;
  }

  #handOver(): void {
    for (;;) {
      const message = this.#queue.get(this.#expected);
      if (message === undefined) return;
      this.#queue.delete(this.#expected);
      this.#expected = (this.#expected + 1) & 0xffff;
      // An empty one is consumed in silence.
      if (message.length > 5) this.#measure?.handed(message, 5, message.length - 5, this.#clock.now());
    }
  }

  #acknowledge(): void {
    const ack = (this.#expected - 1) & 0xffff;
    this.#held.push(Uint8Array.of(this.#flags, ack & 0xff, ack >> 8));
    this.#lastSentMs = this.#clock.now();
    if (this.#isHolding) return;
    this.#isHolding = true;
    // Small frames leave together, at the daemon's own beat.
    this.#clock.setTimer((Math.floor(this.#clock.now() / HOLD_MS) + 1) * HOLD_MS, () => {
      this.#isHolding = false;
      if (this.hasFailed) return;
      for (const bytes of this.#held.splice(0)) this.#put(bytes);
    });
  }

  get #flags(): number {
    return (this.#gotData ? ACK : 0) | (this.#heard ? 0 : FIRST);
  }

  #put(bytes: Uint8Array): void {
    const packet = this.#pool.take(this.peer!, this.#localPort, this.#remotePort);
    packet.bytes.set(bytes);
    packet.length = bytes.length;
    this.#send(packet);
  }

  #handleAck(ack: number): void {
    const done = (ack + 1 - this.#base) & 0xffff;
    if (done === 0 || done > this.#next - this.#base) return;
    for (let i = 0; i < done; i++) this.#sentAtMs.delete(this.#base++);
  }

  #pump(): void {
    while (this.#next < this.#due && this.#next - this.#base < WINDOW) {
      if (this.#work.everyMs === undefined) this.#sending?.accepted(this.#clock.now());
      this.#sendData(this.#next++);
    }
  }

  #sendData(index: number): void {
    const ack = (this.#expected - 1) & 0xffff;
    const bytes = new Uint8Array(5 + this.#work.bytes);
    bytes.set([this.#flags, ack & 0xff, ack >> 8, index & 0xff, (index >> 8) & 0xff]);
    writeMessage(bytes.subarray(5), index);
    const nowMs = this.#clock.now();
    this.#sentAtMs.set(index, nowMs);
    this.#lastSentMs = nowMs;
    this.#put(bytes);
    this.#clock.setTimer(nowMs + RESEND_MS, () => {
      if (this.#sentAtMs.get(index) === nowMs && !this.hasFailed) this.#sendData(index);
    });
  }

  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#lastHeardMs = this.#clock.now();
    this.#lastSentMs = this.#clock.now();
    this.#watch();
  }

  /** Look again when the next thing can be due: a word from us, or the end of our patience. */
  #watch(): void {
    const nowMs = this.#clock.now();
    if (nowMs - this.#lastHeardMs >= PATIENCE_MS) this.hasFailed = true;
    if (this.hasFailed) return;
    if (nowMs - this.#lastSentMs >= RESEND_MS) this.#acknowledge();
    const nextMs = Math.min(this.#lastSentMs + RESEND_MS, this.#lastHeardMs + PATIENCE_MS);
    this.#clock.setTimer(nextMs, () => this.#watch());
  }
}

const ACK = 0x02;
const FIRST = 0x04;
const STOP = 0x08;

const SOCKET_MESSAGES = 11;
const TAKEN_PER_TICK = 8;
const HOLD_MS = 5;
const WINDOW = 4;
const RESEND_MS = 1500;
const PATIENCE_MS = 10_000;
