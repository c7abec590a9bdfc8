import type { Clock, SealedTransport, Sid } from "@meshstream/msp";
import { ServicePort } from "../overlay/ports.ts";
import { encodeTraceList, parseTraceList, type TraceList } from "../overlay/services/trace-list.ts";
import { type AskOptions, askOnce } from "./ask.ts";

/** The way that a trace went. */
export interface TraceResult {
  /** Whether it came to its target. If not, the last node of `out` had no way there. */
  readonly reached: boolean;
  /** The nodes that it passed on its way there, our own first; at most 29 with those of `back`. */
  readonly out: readonly Sid[];
  /** Those on its way back, our own last: empty if it did not get further than this node. */
  readonly back: readonly Sid[];
  readonly rttMs: number;
}

/**
 * Find out by which nodes packets go to `sid`, and by which they come back (docs/wire.md W9.2). One packet for each hop,
 * none repeated: where packets get lost, ask again.
 *
 * Rejects with MspError "timeout" if the list does not come back in time, "aborted" (its cause: the signal's reason),
 * "argument" for a time that is none, and with whatever binding a port throws.
 *
 * @example const { reached, out, back } = await trace(transport, systemClock, sid);
 */
export async function trace(
  transport: SealedTransport,
  clock: Clock,
  sid: Sid,
  options: AskOptions = {},
): Promise<TraceResult> {
  const origin = options.from ?? transport.identities[0]!;
  // This node's own service is the first on the way, and hands the list over in the end.
  const to = { sid: origin, port: ServicePort.TRACE };
  const read = (remote: Sid, remotePort: number, bytes: Uint8Array) => {
    if (remote.hex !== origin.hex || remotePort !== to.port) return undefined;
    const list = parseTraceList(bytes, 0, bytes.length);
    return list?.origin.hex === origin.hex && list.target.hex === sid.hex ? list : undefined;
  };
  const payload = encodeTraceList({ origin, target: sid, passed: [] });
  const { answer, rttMs } = await askOnce(transport, clock, { to: [to], payload, read }, options);
  return { ...divide(answer), rttMs };
}

/** There and back: it turns at the target, else at the last node before it meets one again. */
function divide({ target, passed }: TraceList): Pick<TraceResult, "reached" | "out" | "back"> {
  const hexes = passed.map(({ hex }) => hex);
  const targetIndex = hexes.indexOf(target.hex);
  const reached = targetIndex >= 0;
  const again = hexes.findIndex((hex, index) => hexes.indexOf(hex) < index);
  const count = reached ? targetIndex + 1 : again < 0 ? passed.length : again;
  return { reached, out: passed.slice(0, count), back: passed.slice(count) };
}
