import process from "node:process";
import { test } from "node:test";
import {
  type Core,
  type CoreOptions,
  createCoreSync,
  type DecodedPacket,
  type Engine,
} from "../src/index.ts";

export const engines: readonly Engine[] = ["ts", "wasm"];

/** One test for each engine, under one promise. */
export function testBoth(promise: string, run: (create: (options?: CoreOptions) => Core) => void): void {
  for (const engine of engines) {
    test(`${promise} (${engine})`, () => {
      run((options = {}) => createCoreSync({ poolBytes: 1 << 20, ...options, engine }));
    });
  }
}

/** What a packet says by docs/wire.md W2, in an object of its own. */
export function plainFields(packet: DecodedPacket) {
  const { kind, flags, ack, sequence, messageOffset, messageLength } = packet;
  return { kind, flags, ack, sequence, messageOffset, messageLength };
}

export type PlainFields = ReturnType<typeof plainFields>;

/** The seeds of a random test: the given ones, or only that of the environment variable SEED. */
export function seeds(...usual: readonly number[]): readonly number[] {
  const asked = process.env.SEED;
  return asked === undefined ? usual : [Number(asked)];
}

/** Seeded random numbers (mulberry32): the same seed gives the same test. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 <= number < 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.whole(0, choices.length - 1)] as T;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.whole(0, 255));
  }
}

/** `length` bytes that differ from message to message. */
export function pattern(length: number, salt: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + salt * 17 + 7) & 0xff);
}
