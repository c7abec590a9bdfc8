import {
  PACKET_ACK,
  PACKET_ACK_DELAY,
  PACKET_ARRIVED,
  PACKET_BITMAP_BASE,
  PACKET_BITMAP_LENGTH,
  PACKET_BITMAP_OFFSET,
  PACKET_ECHO_SEQUENCE,
  PACKET_ECHO_TRANSMISSION,
  PACKET_FLAGS,
  PACKET_MISSING_RANK,
  PACKET_RECORD,
  PACKET_RECOVERED,
  PACKET_REPAIR_COUNT,
  PACKET_REPAIR_FIRST,
  PACKET_REPAIR_SEED,
  PACKET_SYMBOL_LENGTH,
  PACKET_SYMBOL_OFFSET,
  PACKET_TRAIN,
  PACKET_TRAIN_SPREAD,
  PACKET_VERSION,
  PACKET_WINDOW,
} from "../memory-map.ts";
import {
  type DecodedExtendedAck,
  type DecodedPacket,
  type DecodedRepair,
  type ExtendedAck,
  PacketKind,
  PacketType,
} from "../packet.ts";
import type { SequenceNumber } from "../sequence.ts";
import { checkMeasure, checkWhole, checkWireNumber } from "./misuse.ts";

// Between the codec's record, which is words of memory, and objects. `words` is the memory.

/** The one object that `decode` fills; of a class, so that its shape never changes. */
export class PacketFields implements DecodedPacket {
  kind: PacketKind = PacketKind.FAULT_EMPTY;
  flags = 0;
  ack: SequenceNumber = 0xffff;
  sequence: SequenceNumber = 0;
  messageOffset = 0;
  messageLength = 0;
  isExtended = false;
  transmission = 0;
  readonly extendedAck: Writable<DecodedExtendedAck> = {
    arrived: 0xffff,
    version: 0,
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
    bitmapOffset: 0,
  };
  readonly repair: Writable<DecodedRepair> = {
    first: 0,
    count: 0,
    seed: 0,
    symbolOffset: 0,
    symbolLength: 0,
  };
}

export type Writable<Fields> = { -readonly [Name in keyof Fields]: Fields[Name] };

/** Put the fields of an extended acknowledgement where the codec finds them. RangeError if one is out of range. */
export function putExtendedAck(
  words: Int32Array,
  flags: number,
  ack: SequenceNumber,
  report: ExtendedAck,
): void {
  const { echoSequence, echoTransmission, version, capabilities } = report;
  checkWireNumber("arrived", report.arrived);
  checkWhole("version", version, 0, 0x0f);
  checkWhole("capabilities", capabilities, 0, 0x0f);
  checkWireNumber("window", report.window);
  checkMeasure("ackDelayUs", report.ackDelayUs);
  checkWhole("echoSequence", echoSequence, -1, 0xffff);
  checkWhole("echoTransmission", echoTransmission, 0, PacketType.TRANSMISSION_LIMIT);
  checkMeasure("missingRank", report.missingRank);
  checkWhole("train", report.train, 0, 0xff);
  checkMeasure("trainSpreadUs", report.trainSpreadUs);
  checkWireNumber("recovered", report.recovered);
  checkWireNumber("bitmapBase", report.bitmapBase);
  const put = (field: number, value: number) => {
    words[(PACKET_RECORD + field) >> 2] = value;
  };
  put(PACKET_FLAGS, flags);
  put(PACKET_ACK, ack);
  put(PACKET_ARRIVED, report.arrived);
  put(PACKET_VERSION, version | (capabilities << CAPABILITIES_SHIFT));
  put(PACKET_WINDOW, report.window);
  put(PACKET_ACK_DELAY, steps(report.ackDelayUs));
  put(PACKET_ECHO_SEQUENCE, echoSequence);
  put(PACKET_ECHO_TRANSMISSION, echoTransmission);
  put(PACKET_MISSING_RANK, Math.min(report.missingRank, 0xff));
  put(PACKET_TRAIN, report.train);
  put(PACKET_TRAIN_SPREAD, steps(report.trainSpreadUs));
  put(PACKET_RECOVERED, report.recovered);
  put(PACKET_BITMAP_BASE, report.bitmapBase);
  put(PACKET_BITMAP_LENGTH, report.bitmapLength);
}

export function takeExtendedAck(words: Int32Array, report: Writable<DecodedExtendedAck>): void {
  const field = (name: number) => words[(PACKET_RECORD + name) >> 2] as number;
  const versionByte = field(PACKET_VERSION);
  report.arrived = field(PACKET_ARRIVED);
  report.version = versionByte & 0x0f;
  report.capabilities = versionByte >> CAPABILITIES_SHIFT;
  report.window = field(PACKET_WINDOW);
  report.ackDelayUs = field(PACKET_ACK_DELAY) * STEP_US;
  report.echoSequence = field(PACKET_ECHO_SEQUENCE);
  report.echoTransmission = field(PACKET_ECHO_TRANSMISSION);
  report.missingRank = field(PACKET_MISSING_RANK);
  report.train = field(PACKET_TRAIN);
  report.trainSpreadUs = field(PACKET_TRAIN_SPREAD) * STEP_US;
  report.recovered = field(PACKET_RECOVERED);
  report.bitmapBase = field(PACKET_BITMAP_BASE);
  report.bitmapOffset = field(PACKET_BITMAP_OFFSET);
  report.bitmapLength = field(PACKET_BITMAP_LENGTH);
}

export function takeRepair(words: Int32Array, repair: Writable<DecodedRepair>): void {
  const field = (name: number) => words[(PACKET_RECORD + name) >> 2] as number;
  repair.first = field(PACKET_REPAIR_FIRST);
  repair.count = field(PACKET_REPAIR_COUNT);
  repair.seed = field(PACKET_REPAIR_SEED);
  repair.symbolOffset = field(PACKET_SYMBOL_OFFSET);
  repair.symbolLength = field(PACKET_SYMBOL_LENGTH);
}

/** Times on the wire are in steps of so many microseconds. */
const STEP_US = 16;
const CAPABILITIES_SHIFT = 4;

/** Whole steps, rounded down, at most what two bytes hold. */
function steps(timeUs: number): number {
  return Math.min(Math.floor(timeUs / STEP_US), 0xffff);
}
