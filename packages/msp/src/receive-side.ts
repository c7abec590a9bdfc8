import {
  Arrival,
  BITMAP_BYTES,
  type Core,
  type DecodedPacket,
  EXTENDED_ACK_BYTES,
  type ExtendedAck,
  PacketFlag,
  type ReceiveWindow,
  type SequenceNumber,
  sequenceAdd,
  sequenceDistance,
} from "@meshstream/wasm-core";
import { RepairDecoder, type RepairMeaning } from "./coding/repair-decoder.ts";
import type { MspConfig } from "./config.ts";
import { CODING, EXTENSION_VERSION, type PeerKind } from "./extension.ts";
import type { AckSchedule, ArrivalNews } from "./receiving/ack-schedule.ts";
import { BitmapPlan } from "./receiving/bitmap-plan.ts";
import { ExtendedSchedule } from "./receiving/extended-schedule.ts";
import { LegacySchedule } from "./receiving/legacy-schedule.ts";
import { WindowPromise } from "./receiving/promise.ts";
import { TrainMeter } from "./receiving/train-meter.ts";
import { SlotReserve } from "./slot-reserve.ts";

/** What became of a data packet; all but "kept" are counted drops. */
export type DataMeaning = "kept" | "duplicate" | "ahead" | "no-slot" | "after-shutdown";

/** The incoming half of a connection: what has arrived, what the application has taken, and what is owed in acknowledgements. */
export class ReceiveSide {
  /** A message has come, in order or not: from now on ACK is set (docs/wire.md W2). */
  gotData = false;
  /** The peer's SHUTDOWN and everything before it is taken: nothing more will come. */
  isShutdown = false;
  receivedCount = 0;

  private readonly core: Core;
  private readonly config: MspConfig;
  private readonly srttMs: () => number | undefined;
  private readonly window: ReceiveWindow;
  private readonly decoder: RepairDecoder;
  private readonly promise: WindowPromise;
  private readonly trains = new TrainMeter();
  private readonly plan = new BitmapPlan();
  private schedule: AckSchedule;
  private isExtended = false;
  /** When the packet came that the next extended acknowledgement echoes. */
  private echoAtMs = 0;
  /** Filled anew for each extended acknowledgement, the echo with each data packet. */
  private readonly report: ExtendedAck;
  /** Number of a SHUTDOWN message of no bytes, once it has arrived. */
  private emptyShutdown: SequenceNumber | undefined;

  /** `srttMs`: the smoothed round trip, as far as the sending side knows it. */
  constructor(core: Core, config: MspConfig, srttMs: () => number | undefined) {
    this.core = core;
    this.config = config;
    this.srttMs = srttMs;
    this.window = core.createReceiveWindow(config.receiveWindowMessages);
    this.decoder = new RepairDecoder(core, this.window);
    this.promise = new WindowPromise(core, config.receiveWindowMessages);
    this.schedule = new LegacySchedule(config, srttMs);
    this.report = { ...NOTHING_YET, capabilities: config.coding === "off" ? 0 : CODING };
  }

  /** The first packet of the peer has come, and says what it speaks. */
  handlePeer(kind: PeerKind): void {
    if (kind !== "extended") return;
    this.isExtended = true;
    this.schedule = new ExtendedSchedule(this.srttMs);
    if (this.config.coding !== "off") this.window.keepTaken(KEPT_FOR_DECODING);
  }

  /** The cumulative acknowledgement: it says what the application has taken, not what arrived (docs/wire.md W2). */
  get ack(): SequenceNumber {
    return sequenceAdd(this.window.taken, -1);
  }

  handleData(packet: DecodedPacket, nowMs: number): DataMeaning {
    this.gotData = true;
    const { sequence, transmission } = packet;
    const highest = this.isShutdown ? this.ack : this.window.highest;
    const arrival = this.isShutdown ? this.arrivalAfterShutdown(sequence) : this.accept(packet);
    if (arrival === Arrival.NO_SLOT) return "no-slot";
    if (arrival === Arrival.AHEAD) return this.isShutdown ? "after-shutdown" : "ahead";
    this.report.echoSequence = sequence;
    this.report.echoTransmission = transmission;
    this.echoAtMs = nowMs;
    this.trains.handleData(sequence, transmission === 0, nowMs);
    const news = newsOf(arrival, sequenceDistance(sequence, highest));
    this.schedule.handleArrival(news, nowMs);
    if (news === "late" || news === "duplicate") this.plan.handleFilled(sequence);
    if (arrival === Arrival.DUPLICATE) return "duplicate";
    this.receivedCount += 1;
    this.handleRecovered(this.decoder.handleArrival(sequence));
    this.promise.handleKept(sequenceDistance(this.window.arrived, this.window.taken));
    this.takeEmpty(nowMs);
    return "kept";
  }

  /** Take in a repair: what it lets us recover has arrived. */
  handleRepair(packet: DecodedPacket, nowMs: number): RepairMeaning {
    if (this.isShutdown) {
      this.schedule.demand(); // the peer does not know yet
      return "redundant";
    }
    if (this.core.freeSlotCount <= SlotReserve.RECEIVE) return "no-slot";
    const meaning = this.decoder.handleRepair(packet.repair);
    if (meaning === "used") {
      this.handleRecovered(this.decoder.recoveredCount);
      this.takeEmpty(nowMs);
    }
    return meaning;
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
    const { taken, heldCount, highest } = this.window;
    if (this.isExtended && this.promise.isReopening(taken, heldCount, highest)) this.schedule.demand();
  }

  /** When the acknowledgement that is owed must go: -Infinity for at once, Infinity if none is owed. */
  get ackDeadlineMs(): number {
    return Math.min(this.schedule.deadlineMs, this.promise.repeatAtMs);
  }

  get owesAck(): boolean {
    return this.schedule.owes;
  }

  /** A packet with the acknowledgement is about to leave; `isWhole`: it says all that there is to say to this peer. */
  handleAckSent(isWhole: boolean, nowMs: number): void {
    this.schedule.handleSent(isWhole, nowMs);
    if (!this.isExtended || !isWhole) return;
    const { taken, heldCount, highest } = this.window;
    this.promise.handleSent(taken, heldCount, highest, nowMs);
  }

  /** Write the extended acknowledgement that {@link handleAckSent} announced; returns its length (docs/wire.md W13.6). */
  encodeExtendedAck(offset: number, flags: number, nowMs: number): number {
    const { core, window, report, ack } = this;
    report.arrived = sequenceAdd(window.arrived, -1);
    report.window = sequenceDistance(this.promise.edge, ack);
    report.ackDelayUs = report.echoSequence === -1 ? 0 : (nowMs - this.echoAtMs) * 1000;
    report.train = this.trains.train;
    report.trainSpreadUs = this.trains.spreadUs;
    report.missingRank = this.decoder.missingRank;
    report.bitmapBase = this.plan.next(window.arrived, window.highest);
    report.bitmapLength = window.writeBitmap(report.bitmapBase, offset + EXTENDED_ACK_BYTES, BITMAP_BYTES);
    return core.encodeExtendedAck(offset, flags, ack, report);
  }

  release(): void {
    this.decoder.release();
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

  /** Messages came out of the decoder: they are in the window. The peer must hear of it before it sends them again. */
  private handleRecovered(count: number): void {
    if (count === 0) return;
    for (let index = 0; index < count; index += 1) this.plan.handleFilled(this.decoder.recovered(index));
    this.gotData = true;
    this.receivedCount += count;
    this.report.recovered = (this.report.recovered + count) & 0xffff;
    this.schedule.demand();
  }

  /** Deployed peers deliver what follows a SHUTDOWN; here it is over (docs/wire.md W11). */
  private arrivalAfterShutdown(sequence: SequenceNumber): Arrival {
    return ((sequence - this.window.taken) & 0x8000) !== 0 ? Arrival.DUPLICATE : Arrival.AHEAD;
  }

  private takeOne(nowMs: number): void {
    if ((this.window.frontFlags() & PacketFlag.SHUTDOWN) !== 0) this.isShutdown = true;
    this.window.take();
    this.schedule.handleTaken(nowMs);
    if (this.isShutdown) this.schedule.demand(); // the peer waits for nothing else
  }

  /** A message of no bytes carries a SHUTDOWN or nothing: the application never sees it (docs/wire.md W2). */
  private takeEmpty(nowMs: number): void {
    while (!this.isShutdown && this.window.frontLength() === 0) this.takeOne(nowMs);
  }
}

/** `ahead`: how far the message is ahead of the newest that had arrived before. */
function newsOf(arrival: Arrival, ahead: number): ArrivalNews {
  if (arrival === Arrival.DUPLICATE) return "duplicate";
  if (arrival === Arrival.IN_ORDER) return ahead > 0 ? "next" : "filled";
  if (ahead > 1) return "hole";
  return ahead === 1 ? "waiting" : "late";
}

const NOTHING_YET: ExtendedAck = {
  arrived: 0xffff,
  version: EXTENSION_VERSION,
  capabilities: 0,
  window: 0,
  ackDelayUs: 0,
  echoSequence: -1,
  echoTransmission: 0,
  missingRank: 0,
  train: 0,
  trainSpreadUs: 0,
  recovered: 0,
  bitmapBase: 0,
  bitmapLength: 0,
};

/** As far as repairs reach back: REPAIR_MESSAGES of the core. */
const KEPT_FOR_DECODING = 64;
