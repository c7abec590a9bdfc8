import { coefficientsStart, nextCoefficient } from "./coefficients";
import { BLOCK_PAYLOAD, MESSAGE_FLAGS, MESSAGE_LENGTH } from "./memory";
import { messageOf } from "./send-window";
import { sequenceAdd } from "./sequence";
import { addSymbol, SYMBOL_HEADER_BYTES } from "./symbol";

// Writes repairs (docs/wire.md W13): one multiply-add for each message.

const REPAIR_HEADER_BYTES: i32 = 8;
/** EXTENSION, and the type REPAIR. */
const REPAIR_FLAGS: i32 = 0xd0;
const FLAG_SHUTDOWN: i32 = 0x01;

export function repairEncode(
  offset: usize,
  flags: i32,
  ack: i32,
  window: usize,
  first: i32,
  count: i32,
  seed: i32,
): i32 {
  let longest = 0;
  for (let index = 0; index < count; index++) {
    longest = max(longest, load<i32>(messageOf(window, sequenceAdd(first, index)), MESSAGE_LENGTH));
  }
  const symbol = offset + REPAIR_HEADER_BYTES;
  const symbolLength = SYMBOL_HEADER_BYTES + longest;
  store<u8>(offset, REPAIR_FLAGS | (flags & 0x0f));
  store<u16>(offset, ack, 1);
  store<u16>(offset, first, 3);
  store<u8>(offset, count, 5);
  store<u16>(offset, seed, 6);
  memory.fill(symbol, 0, symbolLength);
  coefficientsStart(seed);
  for (let index = 0; index < count; index++) {
    const message = messageOf(window, sequenceAdd(first, index));
    const ownFlags = load<i32>(message, MESSAGE_FLAGS) & FLAG_SHUTDOWN;
    const length = load<i32>(message, MESSAGE_LENGTH);
    addSymbol(symbol, message + BLOCK_PAYLOAD, length, ownFlags, nextCoefficient());
  }
  return REPAIR_HEADER_BYTES + symbolLength;
}
