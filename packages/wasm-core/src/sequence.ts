/** A message's number: 0..65535, wrapping (docs/wire.md W2). */
export type SequenceNumber = number;

/** The number `steps` (positive or negative) after `sequence`, modulo 2^16. */
export function sequenceAdd(sequence: SequenceNumber, steps: number): SequenceNumber {
  return (sequence + steps) & 0xffff;
}

/** How far `sequence` is ahead of `from`: -32768..32767, modulo 2^16. */
export function sequenceDistance(sequence: SequenceNumber, from: SequenceNumber): number {
  return ((sequence - from) << 16) >> 16;
}
