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
  PACKET_KIND,
  PACKET_MESSAGE_LENGTH,
  PACKET_MESSAGE_OFFSET,
  PACKET_MISSING_RANK,
  PACKET_RECORD,
  PACKET_RECOVERED,
  PACKET_REPAIR_COUNT,
  PACKET_REPAIR_FIRST,
  PACKET_REPAIR_SEED,
  PACKET_SEQUENCE,
  PACKET_SYMBOL_LENGTH,
  PACKET_SYMBOL_OFFSET,
  PACKET_TRAIN,
  PACKET_TRAIN_SPREAD,
  PACKET_VERSION,
  PACKET_WINDOW,
} from "./memory";

// The MSP packet (docs/wire.md W2, W13): flags, then acknowledgement and other fields, all little-endian, as memory is.
// Owner of PACKET_RECORD (128 bytes). The numbers here are those of src/packet.ts and src/core.ts, where they are
// explained.

const DATA_HEADER_BYTES: i32 = 5;
const INBOUND_MESSAGE_BYTES: i32 = 1195;
const FLAG_STOP: i32 = 0x08;

const FLAG_EXTENSION: i32 = 0x80;
const TYPE_SHIFT: i32 = 4;
const TRANSMISSION_LIMIT: i32 = 3;
const TYPE_EXTENDED_ACK: i32 = 4;
const TYPE_REPAIR: i32 = 5;
const EXTENDED_ACK_BYTES: i32 = 22;
const BITMAP_BYTES: i32 = 64;
const REPAIR_HEADER_BYTES: i32 = 8;
const SYMBOL_HEADER_BYTES: i32 = 3;
const SYMBOL_BYTES: i32 = 1027;
const REPAIR_COUNT_LIMIT: i32 = 128;
/** In the byte of the echoed transmission: there is one. */
const ECHO_VALID: i32 = 0x80;

const FAULT_EMPTY: i32 = 0;
const FAULT_OVERSIZE: i32 = 1;
const STOP: i32 = 2;
const NOTHING: i32 = 3;
const ACK: i32 = 4;
const DATA: i32 = 5;
const EXTENDED_ACK: i32 = 6;
const REPAIR: i32 = 7;
const FAULT_EXTENSION: i32 = 8;

export function encodeStop(offset: usize, flags: i32): i32 {
  store<u8>(offset, flags);
  return 1;
}

export function encodeAck(offset: usize, flags: i32, ack: i32): i32 {
  store<u8>(offset, flags);
  store<u16>(offset, ack, 1);
  return 3;
}

export function encodeData(
  offset: usize,
  flags: i32,
  ack: i32,
  sequence: i32,
  messageOffset: usize,
  messageLength: i32,
): i32 {
  // The message first: should the header's place overlap it, its bytes are already where they belong.
  memory.copy(offset + DATA_HEADER_BYTES, messageOffset, messageLength);
  store<u8>(offset, flags);
  store<u16>(offset, ack, 1);
  store<u16>(offset, sequence, 3);
  return DATA_HEADER_BYTES + messageLength;
}

/** The fields are in PACKET_RECORD, the bitmap is in place. */
export function encodeExtendedAck(offset: usize): i32 {
  const echoSequence = field(PACKET_ECHO_SEQUENCE);
  const isEcho = echoSequence != -1;
  store<u8>(offset, field(PACKET_FLAGS));
  store<u16>(offset, field(PACKET_ACK), 1);
  store<u16>(offset, field(PACKET_ARRIVED), 3);
  store<u8>(offset, field(PACKET_VERSION), 5);
  store<u16>(offset, field(PACKET_WINDOW), 6);
  store<u16>(offset, field(PACKET_ACK_DELAY), 8);
  store<u16>(offset, isEcho ? echoSequence : 0, 10);
  store<u8>(offset, isEcho ? ECHO_VALID | field(PACKET_ECHO_TRANSMISSION) : 0, 12);
  store<u8>(offset, field(PACKET_MISSING_RANK), 13);
  store<u8>(offset, field(PACKET_TRAIN), 14);
  store<u16>(offset, field(PACKET_TRAIN_SPREAD), 15);
  store<u16>(offset, field(PACKET_RECOVERED), 17);
  store<u16>(offset, field(PACKET_BITMAP_BASE), 19);
  store<u8>(offset, 0, 21);
  return EXTENDED_ACK_BYTES + field(PACKET_BITMAP_LENGTH);
}

/** Fill PACKET_RECORD with the meaning of `length` bytes at `offset`. */
export function decode(offset: usize, length: i32): void {
  const flags: i32 = length >= 1 ? load<u8>(offset) : 0;
  const ack: i32 = length >= 3 ? load<u16>(offset, 1) : 0xffff;
  if ((flags & FLAG_EXTENSION) != 0) {
    const type = (flags >> TYPE_SHIFT) & 7;
    if (type > TRANSMISSION_LIMIT) {
      fill(decodeExtended(type, offset, length), flags, ack, 0, 0, 0);
      return;
    }
  }
  if (length < DATA_HEADER_BYTES) {
    fill(shortKind(length, flags), flags, ack, 0, 0, 0);
    return;
  }
  const messageLength = length - DATA_HEADER_BYTES;
  if (messageLength > INBOUND_MESSAGE_BYTES) {
    fill(FAULT_OVERSIZE, flags, ack, 0, 0, 0);
    return;
  }
  fill(DATA, flags, ack, load<u16>(offset, 3), offset + DATA_HEADER_BYTES, messageLength);
}

/** The kind of a packet whose type is not of W2; fills its own fields. */
function decodeExtended(type: i32, offset: usize, length: i32): i32 {
  if (type == TYPE_EXTENDED_ACK) return decodeExtendedAck(offset, length);
  if (type == TYPE_REPAIR) return decodeRepair(offset, length);
  return FAULT_EXTENSION;
}

function decodeExtendedAck(offset: usize, length: i32): i32 {
  const bitmapLength = length - EXTENDED_ACK_BYTES;
  if (bitmapLength < 0 || bitmapLength > BITMAP_BYTES) return FAULT_EXTENSION;
  const echo: i32 = load<u8>(offset, 12);
  setField(PACKET_ARRIVED, load<u16>(offset, 3));
  setField(PACKET_VERSION, load<u8>(offset, 5));
  setField(PACKET_WINDOW, load<u16>(offset, 6));
  setField(PACKET_ACK_DELAY, load<u16>(offset, 8));
  setField(PACKET_ECHO_SEQUENCE, (echo & ECHO_VALID) != 0 ? <i32>load<u16>(offset, 10) : -1);
  setField(PACKET_ECHO_TRANSMISSION, echo & TRANSMISSION_LIMIT);
  setField(PACKET_MISSING_RANK, load<u8>(offset, 13));
  setField(PACKET_TRAIN, load<u8>(offset, 14));
  setField(PACKET_TRAIN_SPREAD, load<u16>(offset, 15));
  setField(PACKET_RECOVERED, load<u16>(offset, 17));
  setField(PACKET_BITMAP_BASE, load<u16>(offset, 19));
  setField(PACKET_BITMAP_OFFSET, <i32>offset + EXTENDED_ACK_BYTES);
  setField(PACKET_BITMAP_LENGTH, bitmapLength);
  return EXTENDED_ACK;
}

function decodeRepair(offset: usize, length: i32): i32 {
  const symbolLength = length - REPAIR_HEADER_BYTES;
  if (symbolLength < SYMBOL_HEADER_BYTES || symbolLength > SYMBOL_BYTES) return FAULT_EXTENSION;
  const count: i32 = load<u8>(offset, 5);
  if (count == 0 || count > REPAIR_COUNT_LIMIT) return FAULT_EXTENSION;
  setField(PACKET_REPAIR_FIRST, load<u16>(offset, 3));
  setField(PACKET_REPAIR_COUNT, count);
  setField(PACKET_REPAIR_SEED, load<u16>(offset, 6));
  setField(PACKET_SYMBOL_OFFSET, <i32>offset + REPAIR_HEADER_BYTES);
  setField(PACKET_SYMBOL_LENGTH, symbolLength);
  return REPAIR;
}

/** The kind of a packet without a sequence number. */
function shortKind(length: i32, flags: i32): i32 {
  if (length >= 3) return ACK;
  if (length == 0) return FAULT_EMPTY;
  return length == 1 && (flags & FLAG_STOP) != 0 ? STOP : NOTHING;
}

function fill(kind: i32, flags: i32, ack: i32, sequence: i32, messageOffset: usize, messageLength: i32): void {
  setField(PACKET_KIND, kind);
  setField(PACKET_FLAGS, flags);
  setField(PACKET_ACK, ack);
  setField(PACKET_SEQUENCE, sequence);
  setField(PACKET_MESSAGE_OFFSET, <i32>messageOffset);
  setField(PACKET_MESSAGE_LENGTH, messageLength);
}

function field(offset: i32): i32 {
  return load<i32>(PACKET_RECORD + offset);
}

function setField(offset: i32, value: i32): void {
  store<i32>(PACKET_RECORD + offset, value);
}
