import { type Clock, MspError, type SealedTransport, type Sid } from "@meshstream/msp";
import { equalBytes } from "../attach/sid-table.ts";
import { ServicePort } from "../overlay/ports.ts";
import { type AskOptions, askOnce } from "./ask.ts";

export interface PingOptions extends AskOptions {
  /** Number of the request, 0..2^32-1: one more each time in a series. Default 0. */
  readonly sequence?: number;
  /** Bytes to go and come back, 12..1029. Default 12. */
  readonly payloadBytes?: number;
}

/**
 * Ask the echo service of a node, once, and wait for its answer (docs/wire.md W9.1). One packet each way, neither
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
  const payload = encodeRequest(options, clock.now());
  const to = { sid, port: ServicePort.ECHO };
  const read = (remote: Sid, remotePort: number, bytes: Uint8Array) =>
    remote.hex === sid.hex && remotePort === to.port && equalBytes(bytes, payload) ? true : undefined;
  const { rttMs } = await askOnce(transport, clock, { to: [to], payload, read }, options);
  return { rttMs };
}

/** A 4-byte sequence number and an 8-byte time, both big-endian, then zeros (docs/wire.md W9.1). */
function encodeRequest(options: PingOptions, nowMs: number): Uint8Array {
  const { sequence = 0, payloadBytes = LEAST_BYTES } = options;
  if (!Number.isInteger(sequence) || sequence < 0 || sequence > 0xffff_ffff) {
    throw new MspError("argument", `sequence: ${sequence} is not a whole number, 0 to 2^32-1`);
  }
  if (!Number.isInteger(payloadBytes) || payloadBytes < LEAST_BYTES || payloadBytes > MOST_BYTES) {
    throw new MspError(
      "argument",
      `payloadBytes: ${payloadBytes} is not a whole number, ${LEAST_BYTES} to ${MOST_BYTES}`,
    );
  }
  const request = new Uint8Array(payloadBytes);
  const view = new DataView(request.buffer);
  view.setUint32(0, sequence);
  view.setBigInt64(4, BigInt(Math.floor(nowMs)));
  return request;
}

const LEAST_BYTES = 12;
/** As long as an MSP packet may be (docs/wire.md W2). */
const MOST_BYTES = 1029;
