// The coefficients of a repair: RFC 8681 section 3.6 at full density (DT = 15), from TinyMT32 with the parameters of
// RFC 8682 section 2.1. One sequence at a time: every user starts it and uses it up within a call.

const MAT1: u32 = 0x8f7011ee;
const MAT2: u32 = 0xfc78ff1f;
const TMAT: u32 = 0x3793fdff;

// The 127 bits of state, in words of 32.
let first: u32 = 0;
let second: u32 = 0;
let third: u32 = 0;
let fourth: u32 = 0;

/** Start the sequence of `seed`, any 32-bit number. */
export function coefficientsStart(seed: u32): void {
  first = seed;
  second = MAT1 ^ mix(1, first);
  third = MAT2 ^ mix(2, second);
  fourth = TMAT ^ mix(3, third);
  first ^= mix(4, fourth);
  second ^= mix(5, first);
  third ^= mix(6, second);
  fourth ^= mix(7, third);
  for (let count = 0; count < 8; count++) step();
}

/** The next coefficient: the low byte of the next number in which that is not 0. */
export function nextCoefficient(): i32 {
  let coefficient = 0;
  while (coefficient == 0) coefficient = <i32>(next() & 0xff);
  return coefficient;
}

/** The next number of the sequence. */
function next(): u32 {
  step();
  const sum = first + (third >> 8);
  return fourth ^ sum ^ (-(sum & 1) & TMAT);
}

function mix(index: u32, before: u32): u32 {
  return index + 1812433253 * (before ^ (before >> 30));
}

function step(): void {
  let x = (first & 0x7fffffff) ^ second ^ third;
  x ^= x << 1;
  const y = fourth ^ (fourth >> 1) ^ x;
  const isOdd: u32 = -(y & 1);
  first = second;
  second = third ^ (isOdd & MAT1);
  third = x ^ (y << 10) ^ (isOdd & MAT2);
  fourth = y;
}
