/** What one transfer did, filled in as it goes. Times in milliseconds. */
export class Measure {
  /** Of the first send call. */
  startMs: number | undefined;
  /** When the last message so far was handed to the receiving application. */
  lastMs = 0;
  delivered = 0;
  deliveredBytes = 0;
  /** A message came out of order, twice, or changed. */
  wrong = 0;
  /** Told of each message, before it is counted. */
  onHanded: ((atMs: number) => void) | undefined;
  readonly #acceptedAtMs: number[] = [];
  readonly #latencies: number[] = [];

  /** A message was taken by send(), or was due then. */
  accepted(atMs: number): void {
    this.startMs ??= atMs;
    this.#acceptedAtMs.push(atMs);
  }

  /** The receiving application was handed a message, at that place of `from`. */
  handed(from: Uint8Array, offset: number, bytes: number, atMs: number): void {
    const index = this.delivered;
    if (!isMessage(from, offset, bytes, index)) this.wrong += 1;
    this.onHanded?.(atMs);
    this.#latencies.push(atMs - (this.#acceptedAtMs[index] ?? Number.NaN));
    this.delivered += 1;
    this.deliveredBytes += bytes;
    this.lastMs = atMs;
  }

  /** From the first send call to the last message handed over. */
  get elapsedMs(): number {
    return this.lastMs - (this.startMs ?? 0);
  }

  /** Message bits a millisecond over that time: kb/s. */
  get goodputKbps(): number {
    return this.elapsedMs > 0 ? (this.deliveredBytes * 8) / this.elapsedMs : 0;
  }

  /** Message latency at that share of the messages, 0..1; 0 if there were none. */
  latencyMs(share: number): number {
    return percentile(this.#latencies, share);
  }
}

/** Fill a message, 4 bytes or more, with its number and then bytes that follow from it. */
export function writeMessage(message: Uint8Array, index: number): void {
  message.fill((index * 31 + FILLING) & 0xff);
  message.set([index >>> 24, (index >>> 16) & 0xff, (index >>> 8) & 0xff, index & 0xff]);
}

function isMessage(from: Uint8Array, offset: number, bytes: number, index: number): boolean {
  const number =
    (from[offset]! << 24) | (from[offset + 1]! << 16) | (from[offset + 2]! << 8) | from[offset + 3]!;
  if (number >>> 0 !== index) return false;
  const filling = (index * 31 + FILLING) & 0xff;
  for (let i = offset + 4; i < offset + bytes; i++) if (from[i] !== filling) return false;
  return true;
}

const FILLING = 0x5a;

/** The smallest value that is not below a share (0..1) of `values`; 0 if there are none. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) return 0;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? sorted[0]!;
}
