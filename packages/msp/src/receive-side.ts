import {
  Arrival,
  type Core,
  type DecodedPacket,
  PacketFlag,
  type ReceiveWindow,
  type SequenceNumber,
  sequenceAdd,
  sequenceDistance,
} from "@meshstream/wasm-core";
import type { MspConfig } from "./config.ts";
import { SlotReserve } from "./slot-reserve.ts";

/** What became of a data packet; all but "kept" are counted drops. */
export type DataMeaning = "kept" | "duplicate" | "ahead" | "no-slot" | "after-shutdown";

/** The incoming half of a connection: what has arrived, what the application has taken, and what is owed in acknowledgements. */
export class ReceiveSide {
  /** A data packet has come, in order or not: from now on ACK is set (docs/wire.md W2). */
  gotData = false;
  /** The peer's SHUTDOWN and everything before it is taken: nothing more will come. */
  isShutdown = false;
  receivedCount = 0;

  private readonly core: Core;
  private readonly window: ReceiveWindow;
  private readonly config: MspConfig;
  /** Number of a SHUTDOWN message of no bytes, once it has arrived. */
  private emptyShutdown: SequenceNumber | undefined;
  private owedCount = 0;
  private owedSinceMs = 0;
  private owedNow = false;

  constructor(core: Core, config: MspConfig) {
    this.core = core;
    this.config = config;
    this.window = core.createReceiveWindow(config.receiveWindowMessages);
  }

  /** The cumulative acknowledgement: it says what the application has taken, not what arrived (docs/wire.md W2). */
  get ack(): SequenceNumber {
    return sequenceAdd(this.window.taken, -1);
  }

  handleData(packet: DecodedPacket, nowMs: number): DataMeaning {
    this.gotData = true;
    const arrival = this.isShutdown ? this.arrivalAfterShutdown(packet.sequence) : this.accept(packet);
    switch (arrival) {
      case Arrival.IN_ORDER:
        this.receivedCount += 1;
        this.takeEmpty(nowMs);
        return "kept";
      case Arrival.OUT_OF_ORDER:
        this.receivedCount += 1;
        this.owedNow = true; // tells the sender of the hole
        return "kept";
      case Arrival.DUPLICATE:
        this.owedNow = true; // the acknowledgement may have been lost
        return "duplicate";
      case Arrival.NO_SLOT:
        return "no-slot";
      default:
        return this.isShutdown ? "after-shutdown" : "ahead";
    }
  }

  /** Bytes of the next message, 1..1195; -1 if it is not there. */
  get frontLength(): number {
    return this.isShutdown ? -1 : this.window.frontLength();
  }

  /** Its offset in the core's memory; -1 if it is not there. */
  get frontOffset(): number {
    return this.isShutdown ? -1 : this.window.frontOffset();
  }

  /** The next message is there and nothing will come after it: SHUTDOWN rides on it, or on an empty one right behind. */
  get frontIsLast(): boolean {
    if (this.frontLength === -1) return false;
    const isMarked = (this.window.frontFlags() & PacketFlag.SHUTDOWN) !== 0;
    return isMarked || this.emptyShutdown === sequenceAdd(this.window.taken, 1);
  }

  /** The application has taken the next message: only now it is acknowledged. */
  take(nowMs: number): void {
    this.takeOne(nowMs);
    this.takeEmpty(nowMs);
  }

  /** When the acknowledgement that is owed must go: -Infinity for at once, Infinity if none is owed. */
  get ackDeadlineMs(): number {
    if (this.owedNow || this.owedCount >= this.config.ackEveryMessages) return Number.NEGATIVE_INFINITY;
    return this.owedCount === 0 ? Number.POSITIVE_INFINITY : this.owedSinceMs + this.config.ackDelayMs;
  }

  get owesAck(): boolean {
    return this.owedNow || this.owedCount > 0;
  }

  /** A packet with the acknowledgement was sent. */
  handleAckSent(): void {
    this.owedNow = false;
    this.owedCount = 0;
  }

  release(): void {
    this.window.release();
  }

  private accept(packet: DecodedPacket): Arrival {
    const { sequence, messageOffset, messageLength, flags } = packet;
    const canWait = sequenceDistance(sequence, this.window.taken) > 0;
    if (canWait && this.core.freeSlotCount <= SlotReserve.RECEIVE) return Arrival.NO_SLOT;
    const arrival = this.window.accept(sequence, messageOffset, messageLength, flags);
    const kept = arrival === Arrival.IN_ORDER || arrival === Arrival.OUT_OF_ORDER;
    if (kept && messageLength === 0 && (flags & PacketFlag.SHUTDOWN) !== 0) this.emptyShutdown = sequence;
    return arrival;
  }

  /** Deployed peers deliver what follows a SHUTDOWN; here it is over (docs/wire.md W11). */
  private arrivalAfterShutdown(sequence: SequenceNumber): Arrival {
    return ((sequence - this.window.taken) & 0x8000) !== 0 ? Arrival.DUPLICATE : Arrival.AHEAD;
  }

  private takeOne(nowMs: number): void {
    if ((this.window.frontFlags() & PacketFlag.SHUTDOWN) !== 0) this.isShutdown = true;
    this.window.take();
    if (this.owedCount === 0) this.owedSinceMs = nowMs;
    this.owedCount += 1;
    if (this.isShutdown) this.owedNow = true; // the peer waits for nothing else
  }

  /** A message of no bytes carries a SHUTDOWN or nothing: the application never sees it (docs/wire.md W2). */
  private takeEmpty(nowMs: number): void {
    while (!this.isShutdown && this.window.frontLength() === 0) this.takeOne(nowMs);
  }
}
