import {
  PACKET_ACK,
  PACKET_FLAGS,
  PACKET_KIND,
  PACKET_MESSAGE_LENGTH,
  PACKET_MESSAGE_OFFSET,
  PACKET_RECORD,
  PACKET_SEQUENCE,
} from "./memory";

// The MSP packet (docs/wire.md W2): flags, then acknowledgement and sequence number, both little-endian, as memory is.
// Owner of PACKET_RECORD (64 bytes). The numbers here are those of src/core.ts, where they are explained.

const DATA_HEADER_BYTES: i32 = 5;
const INBOUND_MESSAGE_BYTES: i32 = 1195;
const FLAG_STOP: i32 = 0x08;

const FAULT_EMPTY: i32 = 0;
const FAULT_OVERSIZE: i32 = 1;
const STOP: i32 = 2;
const NOTHING: i32 = 3;
const ACK: i32 = 4;
const DATA: i32 = 5;

export function encodeStop(offset: usize): i32 {
  store<u8>(offset, FLAG_STOP);
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

/** Fill PACKET_RECORD with the meaning of `length` bytes at `offset`. */
export function decode(offset: usize, length: i32): void {
  const flags: i32 = length >= 1 ? load<u8>(offset) : 0;
  const ack: i32 = length >= 3 ? load<u16>(offset, 1) : 0xffff;
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

/** The kind of a packet without a sequence number. */
function shortKind(length: i32, flags: i32): i32 {
  if (length >= 3) return ACK;
  if (length == 0) return FAULT_EMPTY;
  return length == 1 && (flags & FLAG_STOP) != 0 ? STOP : NOTHING;
}

function fill(kind: i32, flags: i32, ack: i32, sequence: i32, messageOffset: usize, messageLength: i32): void {
  store<i32>(PACKET_RECORD, kind, PACKET_KIND);
  store<i32>(PACKET_RECORD, flags, PACKET_FLAGS);
  store<i32>(PACKET_RECORD, ack, PACKET_ACK);
  store<i32>(PACKET_RECORD, sequence, PACKET_SEQUENCE);
  store<u32>(PACKET_RECORD, <u32>messageOffset, PACKET_MESSAGE_OFFSET);
  store<i32>(PACKET_RECORD, messageLength, PACKET_MESSAGE_LENGTH);
}
