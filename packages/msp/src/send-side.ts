import {
  type Core,
  PacketFlag,
  type SendWindow,
  type SequenceNumber,
  sequenceAdd,
  sequenceDistance,
} from "@meshstream/wasm-core";
import { type MspConfig, SHUTDOWN_RESERVE } from "./config.ts";
import type { CongestionController } from "./congestion/controller.ts";
import { FixedWindow, LEGACY_WINDOW_PACKETS } from "./congestion/fixed-window.ts";
import { FixedTimerRecovery } from "./recovery/fixed-timer.ts";
import { NewRenoRecovery } from "./recovery/new-reno.ts";
import type { Recovery } from "./recovery/recovery.ts";
import { RttEstimator } from "./recovery/rtt.ts";
import { SlotReserve } from "./slot-reserve.ts";

/** What an incoming acknowledgement turned out to be. */
export type AckMeaning = "progress" | "repetition" | "stale" | "beyond-sent";

/** The outgoing half of a connection: what is queued, what is in flight, what is lost, and the SHUTDOWN at its end. */
export class SendSide {
  readonly rtt = new RttEstimator();
  retransmittedCount = 0;
  /** A message was refused for want of room, and nobody was told of room since. */
  wasFull = false;

  private readonly core: Core;
  private readonly window: SendWindow;
  private readonly queueLimit: number;
  private readonly recovery: Recovery;
  private readonly congestion: CongestionController;
  private lastSentAtMs = Number.NEGATIVE_INFINITY;
  private shutdownState: "open" | "wanted" | "queued" = "open";

  constructor(core: Core, config: MspConfig) {
    this.core = core;
    this.queueLimit = config.sendQueueMessages;
    this.window = core.createSendWindow(config.sendQueueMessages + SHUTDOWN_RESERVE);
    if (config.sender === "legacy") {
      this.recovery = new FixedTimerRecovery(this.window);
      this.congestion = new FixedWindow(LEGACY_WINDOW_PACKETS, LEGACY_WINDOW_PACKETS);
    } else {
      this.recovery = new NewRenoRecovery(this.window, this.rtt, config);
      this.congestion = new FixedWindow(config.windowPackets, config.firstFlightPackets);
    }
  }

  /** Queue one message (1..1024 bytes). False if there is no room now; `wasFull` then stays true until there is. */
  queue(message: Uint8Array): boolean {
    const offset = this.hasRoom ? this.window.push(message.length) : -1;
    this.wasFull = offset === -1;
    if (offset !== -1) this.core.bytes.set(message, offset);
    return offset !== -1;
  }

  get hasRoom(): boolean {
    const { heldCount } = this.window;
    const reserve = heldCount === 0 ? SlotReserve.RECEIVE : SlotReserve.SEND;
    return this.shutdownState === "open" && heldCount < this.queueLimit && this.core.freeSlotCount > reserve;
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

  /** The peer was heard for the first time. If all that was sent is one flight, that is the first measure of the round trip. */
  handleConnected(nowMs: number): void {
    this.congestion.handleConnected();
    const oldest = this.window.oldestSent();
    if (oldest === -1) return;
    const sentAtMs = this.window.sentAtMs(oldest);
    if (this.retransmittedCount === 0 && sentAtMs === this.lastSentAtMs) this.rtt.sample(nowMs - sentAtMs);
  }

  /**
   * Take in an acknowledgement (docs/wire.md W2). `isPure`: it came without data, so that a repetition says something.
   */
  handleAck(ack: SequenceNumber, isPure: boolean, nowMs: number): AckMeaning {
    const acknowledgedCount = sequenceDistance(ack, sequenceAdd(this.window.base, -1));
    if (acknowledgedCount < 0) return "stale";
    if (acknowledgedCount === 0) {
      if (isPure && this.window.inFlightCount > 0) this.recovery.handleRepetition(nowMs);
      return "repetition";
    }
    if (sequenceDistance(ack, this.window.nextUnsent) >= 0) return "beyond-sent";
    this.sampleRtt(ack, nowMs);
    this.window.acknowledge(ack);
    this.recovery.handleProgress(nowMs);
    return "progress";
  }

  handleTimeout(nowMs: number): void {
    this.recovery.handleTimeout(nowMs);
  }

  /** The message that was marked sent last never left this node: it is the next to go. */
  handleNotSent(sequence: SequenceNumber): void {
    this.window.markLost(sequence);
    this.retransmittedCount -= 1;
  }

  get deadlineMs(): number {
    return this.recovery.deadlineMs;
  }

  get inFlightCount(): number {
    return this.window.inFlightCount;
  }

  /** The message to send now: the first that is lost, else the next new one within the window; -1 if none. Marks it sent. */
  pollMessage(nowMs: number): SequenceNumber | -1 {
    this.queueShutdown();
    let sequence: SequenceNumber | -1 = this.window.firstLost();
    if (sequence !== -1) this.retransmittedCount += 1;
    else sequence = this.nextNew();
    if (sequence === -1) return -1;
    this.window.markSent(sequence, nowMs);
    this.lastSentAtMs = nowMs;
    this.recovery.handleSent(nowMs);
    return sequence;
  }

  isShutdownMessage(sequence: SequenceNumber): boolean {
    return (this.window.messageFlags(sequence) & PacketFlag.SHUTDOWN) !== 0;
  }

  /** Write the data packet of a message; returns its length. */
  encode(sequence: SequenceNumber, offset: number, flags: number, ack: SequenceNumber): number {
    const { window } = this;
    return this.core.encodeData(
      offset,
      flags | window.messageFlags(sequence),
      ack,
      sequence,
      window.messageOffset(sequence),
      window.messageLength(sequence),
    );
  }

  release(): void {
    this.window.release();
  }

  private nextNew(): SequenceNumber | -1 {
    const { base, nextUnsent, next } = this.window;
    if (nextUnsent === next) return -1;
    return sequenceDistance(nextUnsent, base) < this.congestion.windowPackets ? nextUnsent : -1;
  }

  private sampleRtt(ack: SequenceNumber, nowMs: number): void {
    const sentAtMs = this.window.sentAtMs(ack);
    const wasSentOnce = this.window.transmissions(ack) === 1; // Karn, RFC 6298 section 3
    if (wasSentOnce && this.recovery.isMeasure(sentAtMs)) this.rtt.sample(nowMs - sentAtMs);
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
