import {
  type Core,
  type DecodedPacket,
  PacketFlag,
  PacketType,
  type SendWindow,
  type SequenceNumber,
  sequenceAdd,
  TYPE_SHIFT,
} from "@meshstream/wasm-core";
import { type PathView, type Repair, RepairPolicy } from "./coding/repair-policy.ts";
import { type MspConfig, SHUTDOWN_RESERVE } from "./config.ts";
import type { PeerKind } from "./extension.ts";
import { type AckMeaning, Flight } from "./flight.ts";
import type { RttEstimator } from "./recovery/rtt.ts";
import { SlotReserve } from "./slot-reserve.ts";

export type { AckMeaning } from "./flight.ts";

/** The outgoing half of a connection: what is queued, what is in flight, what is lost, and the SHUTDOWN at its end. */
export class SendSide {
  /** A message was refused for want of room, and nobody was told of room since. */
  wasFull = false;

  private readonly core: Core;
  private readonly window: SendWindow;
  private readonly flight: Flight;
  private readonly repairs: RepairPolicy;
  private readonly queueLimit: number;
  private shutdownState: "open" | "wanted" | "queued" = "open";

  constructor(core: Core, config: MspConfig, isThroughDaemon: boolean) {
    this.core = core;
    this.queueLimit = config.sendQueueMessages;
    this.window = core.createSendWindow(config.sendQueueMessages + SHUTDOWN_RESERVE);
    this.flight = new Flight(this.window, config, isThroughDaemon);
    this.repairs = new RepairPolicy(this.window, config.coding);
  }

  get rtt(): RttEstimator {
    return this.flight.rtt;
  }

  get retransmittedCount(): number {
    return this.flight.retransmittedCount;
  }

  /** Queue one message (1..1024 bytes). False if there is no room now; `wasFull` then stays true until there is. */
  queue(message: Uint8Array): boolean {
    const offset = this.hasRoom ? this.window.push(message.length) : -1;
    this.wasFull = offset === -1;
    if (offset !== -1) this.core.bytes.set(message, offset);
    return offset !== -1;
  }

  get hasRoom(): boolean {
    const { heldCount, arrivedCount } = this.window;
    const reserve = heldCount === 0 ? SlotReserve.RECEIVE : SlotReserve.SEND;
    // No more than the path can use soon: a queue here is memory, and delay for whoever could have changed his mind.
    // What has arrived, and waits at the peer behind a hole, must not keep back what comes after it.
    const useful = Math.max(QUEUE_LEAST, QUEUE_WINDOWS * this.flight.windowPackets + arrivedCount);
    const limit = Math.min(this.queueLimit, useful);
    return this.shutdownState === "open" && heldCount < limit && this.core.freeSlotCount > reserve;
  }

  /** No more messages: what is queued still goes, the SHUTDOWN at its end. */
  shutdown(): void {
    if (this.shutdownState === "open") this.shutdownState = "wanted";
    this.queueShutdown();
  }

  get isShutdown(): boolean {
    return this.shutdownState !== "open";
  }

  /** Everything, the SHUTDOWN too, is acknowledged. */
  get isDone(): boolean {
    return this.shutdownState === "queued" && this.window.heldCount === 0;
  }

  /** Shut down, and no message that was queued before is left to send. */
  get isDrained(): boolean {
    return this.isShutdown && this.heldMessages === 0;
  }

  /** All that is unacknowledged is the SHUTDOWN, on a message of no bytes. */
  get lacksOnlyShutdown(): boolean {
    return this.shutdownState === "queued" && this.window.heldCount > 0 && this.heldMessages === 0;
  }

  /** The peer was heard for the first time, and showed what it speaks. */
  handlePeer(peer: PeerKind, nowMs: number): void {
    this.flight.handlePeer(peer, nowMs);
  }

  /** Take in an acknowledgement (docs/wire.md W2). `isPure`: it came without data, so that a repetition says something. */
  handleAck(ack: SequenceNumber, isPure: boolean, nowMs: number): AckMeaning {
    return this.flight.handleAck(ack, isPure, nowMs);
  }

  /** Take in an EXTENDED_ACK (docs/wire.md W13). */
  handleExtendedAck(packet: DecodedPacket, nowMs: number): AckMeaning {
    const hasAck = (packet.flags & PacketFlag.ACK) !== 0;
    return this.flight.handleExtendedAck(packet.ack, hasAck, packet.extendedAck, nowMs);
  }

  handleTimeout(nowMs: number): void {
    this.flight.handleTimeout(nowMs);
  }

  /** The message that was marked sent last never left this node: it is the next to go. */
  handleNotSent(sequence: SequenceNumber): void {
    this.flight.handleNotSent(sequence);
  }

  /** When to call handleTimeout; Infinity if nothing is in flight. */
  get deadlineMs(): number {
    return this.flight.deadlineMs;
  }

  /** When to poll again, because a message may go then that waits for its turn only; Infinity if there is none. */
  pacingAtMs(nowMs: number): number {
    return this.flight.pacingAtMs(nowMs);
  }

  get inFlightCount(): number {
    return this.window.inFlightCount;
  }

  /** The message to send now, -1 if none may go. Marks it sent. */
  pollMessage(nowMs: number): SequenceNumber | -1 {
    this.queueShutdown();
    const sequence = this.flight.pollMessage(nowMs);
    if (sequence !== -1) this.repairs.handleSent(sequence, nowMs);
    return sequence;
  }

  /** The repair to send now, to a peer that decodes; undefined if there is none, or none may go. It counts as sent. */
  pollRepair(nowMs: number): Repair | undefined {
    if (!this.mayRepair || !this.flight.mayLeave(nowMs)) return undefined;
    const repair = this.repairs.poll(this.pathView(nowMs));
    if (repair !== undefined) this.flight.handleRepairSent(nowMs);
    return repair;
  }

  /** When to poll again for a repair; Infinity if there is no need. */
  repairAtMs(nowMs: number): number {
    if (!this.mayRepair) return Number.POSITIVE_INFINITY;
    const atMs = this.repairs.deadlineMs(this.pathView(nowMs));
    return atMs === Number.POSITIVE_INFINITY ? atMs : Math.max(atMs, this.flight.turnAtMs(nowMs));
  }

  /** Write a repair; returns its length. */
  encodeRepair(repair: Repair, offset: number, flags: number, ack: SequenceNumber): number {
    const { first, count, seed } = repair;
    return this.core.encodeRepair(offset, flags, ack, this.window, first, count, seed);
  }

  isShutdownMessage(sequence: SequenceNumber): boolean {
    return (this.window.messageFlags(sequence) & PacketFlag.SHUTDOWN) !== 0;
  }

  /** Write the data packet of a message; returns its length. With the flag EXTENSION, it says which transmission it is (docs/wire.md W13). */
  encode(sequence: SequenceNumber, offset: number, flags: number, ack: SequenceNumber): number {
    const { window } = this;
    const isExtended = (flags & PacketFlag.EXTENSION) !== 0;
    const transmission = Math.min(window.transmissions(sequence) - 1, PacketType.TRANSMISSION_LIMIT);
    return this.core.encodeData(
      offset,
      flags | window.messageFlags(sequence) | (isExtended ? transmission << TYPE_SHIFT : 0),
      ack,
      sequence,
      window.messageOffset(sequence),
      window.messageLength(sequence),
    );
  }

  release(): void {
    this.window.release();
  }

  /** Nothing else waits for the place that a repair takes. */
  private get mayRepair(): boolean {
    return this.flight.isAppLimited || (this.repairs.mayDisplace && this.flight.windowIsOpen);
  }

  private pathView(nowMs: number): PathView {
    const { lossRatio, windowPackets, rtt } = this.flight;
    const { srttMs, minMs } = rtt;
    return { nowMs, lossRatio, srttMs, minRttMs: minMs, windowPackets, isEnding: this.isShutdown };
  }

  /**
   * SHUTDOWN rides on the last message if that was not sent yet, else on an empty one (docs/wire.md W2). Never on number
   * 65535: deployed receivers would not close; an empty message takes that number. Tried again when the pool was empty.
   */
  private queueShutdown(): void {
    if (this.shutdownState !== "wanted") return;
    const { window } = this;
    let last = sequenceAdd(window.next, -1);
    const lastIsUnsent = window.nextUnsent !== window.next;
    if (!lastIsUnsent || last === LAST_NUMBER) {
      do {
        if (window.push(0) === -1) return;
        last = sequenceAdd(window.next, -1);
      } while (last === LAST_NUMBER);
    }
    window.setMessageFlags(last, PacketFlag.SHUTDOWN);
    this.shutdownState = "queued";
  }

  /** Messages with bytes, unacknowledged. */
  private get heldMessages(): number {
    // Empty messages are only ever the last two: see queueShutdown.
    const { window } = this;
    let count = window.heldCount;
    for (let back = 1; back <= Math.min(SHUTDOWN_RESERVE, window.heldCount); back += 1) {
      if (window.messageLength(sequenceAdd(window.next, -back)) === 0) count -= 1;
    }
    return count;
  }
}

const LAST_NUMBER: SequenceNumber = 0xffff;

/** Messages that may be queued however slow the path is. */
const QUEUE_LEAST = 256;

/** Congestion windows of messages held: one in flight, and as many that wait behind a hole or for their turn. */
const QUEUE_WINDOWS = 2;
