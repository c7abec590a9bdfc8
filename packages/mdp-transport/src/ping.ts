import {
  BIND_PRIMARY,
  type Clock,
  MspError,
  type SealedTransport,
  type Sid,
  type TimerHandle,
} from "@meshstream/msp";
import { equalBytes } from "./attach/sid-table.ts";
import { ServicePort } from "./overlay/ports.ts";

export interface PingOptions {
  /** Identity of this node that asks; the primary one by default. */
  readonly from?: Sid;
  /** Number of the request, 0..2^32-1: one more each time in a series. Default 0. */
  readonly sequence?: number;
  /** Bytes to go and come back, 12..1029. Default 12. */
  readonly payloadBytes?: number;
  /** How long to wait for the answer. Milliseconds, above 0. Default 1000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Ask the echo service of a node, once, and wait for its answer (docs/wire.md W9). One packet each way, neither
 * repeated: where packets get lost, ask again. `rttMs` has the precision of the clock.
 *
 * Rejects with MspError "timeout" if no answer comes in time, "aborted" (its cause: the signal's reason), "argument"
 * for an option out of range, and with whatever binding a port throws.
 *
 * @example const { rttMs } = await ping(transport, systemClock, sid, { timeoutMs: 2000 });
 */
export async function ping(
  transport: SealedTransport,
  clock: Clock,
  sid: Sid,
  options: PingOptions = {},
): Promise<{ rttMs: number }> {
  const { from, sequence, payloadBytes, timeoutMs, signal } = parseOptions(options);
  let handleEcho = (_bytes: Uint8Array): void => {};
  let timer: TimerHandle | undefined;
  let abort: (() => void) | undefined;
  const binding = transport.bind(
    { sid: from ?? BIND_PRIMARY, port: 0 },
    (_local, remote, remotePort, offset, length) => {
      if (remote.hex !== sid.hex || remotePort !== ServicePort.ECHO) return;
      handleEcho(transport.core.bytes.subarray(offset, offset + length));
    },
  );
  try {
    await binding.ready;
    const rttMs = await new Promise<number>((resolve, reject) => {
      abort = () => reject(new MspError("aborted", "the ping was given up", { cause: signal?.reason }));
      if (signal?.aborted) {
        abort();
        return;
      }
      signal?.addEventListener("abort", abort);
      const sentAtMs = clock.now();
      const request = encodeRequest(sequence, sentAtMs, payloadBytes);
      handleEcho = (bytes) => {
        if (equalBytes(bytes, request)) resolve(clock.now() - sentAtMs);
      };
      timer = clock.setTimer(sentAtMs + timeoutMs, () =>
        reject(new MspError("timeout", `no answer from ${sid.hex} within ${timeoutMs} ms`)),
      );
      // Not even a missing route ends the wait early: whoever asks in a loop would never pause.
      binding.send(binding.local.sid, { sid, port: ServicePort.ECHO }, (core, offset) => {
        core.bytes.set(request, offset);
        return request.length;
      });
    });
    return { rttMs };
  } finally {
    timer?.cancel();
    if (abort !== undefined) signal?.removeEventListener("abort", abort);
    binding.close();
  }
}

/** A 4-byte sequence number and an 8-byte time, both big-endian, then zeros (docs/wire.md W9). */
function encodeRequest(sequence: number, nowMs: number, payloadBytes: number): Uint8Array {
  const request = new Uint8Array(payloadBytes);
  const view = new DataView(request.buffer);
  view.setUint32(0, sequence);
  view.setBigInt64(4, BigInt(Math.floor(nowMs)));
  return request;
}

function parseOptions(options: PingOptions) {
  const { from, sequence = 0, payloadBytes = LEAST_BYTES, timeoutMs = 1000, signal } = options;
  if (!Number.isInteger(sequence) || sequence < 0 || sequence > 0xffff_ffff) {
    throw new MspError("argument", `sequence: ${sequence} is not a whole number, 0 to 2^32-1`);
  }
  if (!Number.isInteger(payloadBytes) || payloadBytes < LEAST_BYTES || payloadBytes > MOST_BYTES) {
    throw new MspError(
      "argument",
      `payloadBytes: ${payloadBytes} is not a whole number, ${LEAST_BYTES} to ${MOST_BYTES}`,
    );
  }
  if (!(timeoutMs > 0)) throw new MspError("argument", `timeoutMs: ${timeoutMs} is not above 0`);
  return { from, sequence, payloadBytes, timeoutMs, signal };
}

const LEAST_BYTES = 12;
/** As long as an MSP packet may be (docs/wire.md W2). */
const MOST_BYTES = 1029;
