import type { Clock } from "@meshstream/msp";
import type { Measure } from "./measure.ts";
import type { PacketPool, SimPacket, Station } from "./packets.ts";

/**
 * A deployed peer, as far as it can be known from outside (docs/wire.md W2.18): not one of ours, and slower than it need be.
 * Assumptions: the daemon hands messages to the program over a socket that holds {@link SOCKET_MESSAGES} and drops the
 * rest in silence; the program looks into it every millisecond, takes up to {@link TAKEN_PER_TICK}, and sends one
 * cumulative acknowledgement if there was anything new; the daemon holds small packets for up to {@link HOLD_MS}. A
 * duplicate, or what is older than expected, makes no acknowledgement. Its sender has {@link WINDOW} messages in flight, sends
 * each again every {@link RESEND_MS}, and says something at least every {@link RESEND_MS}.
 */
export class DeployedPeer implements Station {
  peer: Station | undefined;
  /** Messages that the hand-over socket dropped. */
  handOverDrops = 0;
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
  #keepsAlive = false;

  // Sending.
  #messages = 0;
  #messageBytes = 0;
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
    this.#remotePort = packet.fromPort;
    this.#keepAliveFromNow();
    // The socket between daemon and program: full, and the message is gone.
    if (this.#socket.length >= SOCKET_MESSAGES) {
      this.handOverDrops += 1;
      return;
    }
    this.#socket.push(packet.bytes.slice(0, packet.length));
    this.#tickSoon();
  }

  /** Send `count` messages of `bytes`, each as soon as the window lets it. */
  sendAll(count: number, bytes: number, measure: Measure): void {
    this.#messages = count;
    this.#messageBytes = bytes;
    this.#sending = measure;
    for (let i = 0; i < count; i++) measure.accepted(this.#clock.now());
    this.#pump();
    this.#keepAliveFromNow();
  }

  #tickSoon(): void {
    if (this.#isTicking) return;
    this.#isTicking = true;
    this.#clock.setTimer(Math.floor(this.#clock.now() + 1), () => this.#tick());
  }

  #tick(): void {
    this.#isTicking = false;
    let isNew = false;
    for (const bytes of this.#socket.splice(0, TAKEN_PER_TICK)) isNew = this.#take(bytes) || isNew;
    if (isNew) this.#acknowledge();
    if (this.#sending !== undefined) this.#pump();
    if (this.#socket.length > 0) this.#tickSoon();
  }

  /** True if a message was newly queued. */
  #take(bytes: Uint8Array): boolean {
    this.#heard = true;
    if (bytes.length < 3) return false;
    if (bytes[0]! & ACK) this.#handleAck(bytes[1]! | (bytes[2]! << 8));
    if (bytes.length < 5) return false;
    this.#gotData = true;
    const sequence = bytes[3]! | (bytes[4]! << 8);
    const ahead = (sequence - this.#expected) & 0xffff;
    if (ahead > 32_767 || this.#queue.has(sequence)) return false;
    this.#queue.set(sequence, bytes);
    for (;;) {
      const message = this.#queue.get(this.#expected);
      if (message === undefined) return true;
      this.#queue.delete(this.#expected);
      this.#expected = (this.#expected + 1) & 0xffff;
      const index = ((message[5]! << 24) | (message[6]! << 16) | (message[7]! << 8) | message[8]!) >>> 0;
      this.#measure?.handed(index, message.length - 5, this.#clock.now());
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
    while (this.#next < this.#messages && this.#next - this.#base < WINDOW) this.#sendData(this.#next++);
  }

  #sendData(index: number): void {
    const ack = (this.#expected - 1) & 0xffff;
    const bytes = new Uint8Array(5 + this.#messageBytes);
    bytes.set([this.#flags, ack & 0xff, ack >> 8, index & 0xff, (index >> 8) & 0xff]);
    new DataView(bytes.buffer).setUint32(5, index);
    const nowMs = this.#clock.now();
    this.#sentAtMs.set(index, nowMs);
    this.#lastSentMs = nowMs;
    this.#put(bytes);
    this.#clock.setTimer(nowMs + RESEND_MS, () => {
      if (this.#sentAtMs.get(index) === nowMs) this.#sendData(index);
    });
  }

  #keepAliveFromNow(): void {
    if (this.#keepsAlive) return;
    this.#keepsAlive = true;
    this.#clock.setTimer(this.#clock.now() + RESEND_MS, () => this.#keepAlive());
  }

  #keepAlive(): void {
    if (this.#clock.now() - this.#lastSentMs >= RESEND_MS) this.#acknowledge();
    this.#clock.setTimer(this.#clock.now() + RESEND_MS, () => this.#keepAlive());
  }
}

const ACK = 0x02;
const FIRST = 0x04;

const SOCKET_MESSAGES = 11;
const TAKEN_PER_TICK = 8;
const HOLD_MS = 5;
const WINDOW = 4;
const RESEND_MS = 1500;
