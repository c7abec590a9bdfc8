/** The number `steps` (positive or negative) after `sequence`, modulo 2^16. */
// @ts-ignore: decorator
@inline
export function sequenceAdd(sequence: i32, steps: i32): i32 {
  return (sequence + steps) & 0xffff;
}

/** How far `sequence` is ahead of `from`: -32768..32767, modulo 2^16. */
// @ts-ignore: decorator
@inline
export function sequenceDistance(sequence: i32, from: i32): i32 {
  return ((sequence - from) << 16) >> 16;
}
