import {
  type Address,
  BIND_ALL,
  type Clock,
  type PacketWriter,
  type SealedTransport,
  type Sid,
  TokenBucket,
} from "@meshstream/msp";
import { LOWEST_FREE_PORT, ServicePort } from "../ports.ts";
import { encodeTraceList, parseTraceList, TRACE_NODES, type TraceList } from "./trace-list.ts";

/** What the trace service counts: lists sent on or handed over, and why others were dropped. */
export type TraceCounter = "traces-passed" | "trace-malformed" | "trace-full" | "service-limit" | "no-route";

export interface TraceParts {
  readonly transport: SealedTransport;
  readonly clock: Clock;
  readonly counters: Record<TraceCounter, number>;
  /** The neighbour by which a SID is reached now, itself if it is one; undefined if there is no way. */
  readonly nextHop: (sid: Sid) => Sid | undefined;
  /** Send from any port of an identity of the node: a trace keeps that of its origin all the way. */
  readonly sendFrom: (local: Sid, port: number, remote: Address, write: PacketWriter) => boolean;
}

/**
 * Serve traces (docs/wire.md W9.2): append this node to the list and send it on, towards the target until that, or a node
 * without a way to it, turns it round, then towards the origin, where the port that asked gets it. A program of this
 * node asks in the same way, by a message to port 8 of its own SID.
 */
export function serveTrace(parts: TraceParts): void {
  const { transport, clock, counters } = parts;
  const tracer = new Tracer(parts);
  // A list makes one packet, a little longer, at each node that it passes.
  const bucket = new TokenBucket(100, 32);
  transport.bind({ sid: BIND_ALL, port: ServicePort.TRACE }, (local, _remote, port, offset, length) => {
    const list = parseTraceList(transport.core.bytes, offset, offset + length);
    // Handed over to a service, a list could come back from there.
    if (list === undefined || port < LOWEST_FREE_PORT) counters["trace-malformed"]++;
    else if (list.passed.length >= TRACE_NODES) counters["trace-full"]++;
    else if (!bucket.take(clock.now())) counters["service-limit"]++;
    else tracer.pass(list, local, port);
  });
}

class Tracer {
  readonly #parts: TraceParts;

  constructor(parts: TraceParts) {
    this.#parts = parts;
  }

  pass(list: TraceList, local: Sid, port: number): void {
    const own = (sid: Sid) => this.#parts.transport.identities.find(({ hex }) => hex === sid.hex);
    const me = own(list.target) ?? local;
    const isOnTheWayBack = list.passed.some((sid) => sid.hex === list.target.hex || own(sid) !== undefined);
    const passed: TraceList = { ...list, passed: [...list.passed, me] };
    const turns = isOnTheWayBack || me.hex === list.target.hex;
    const onward = turns ? undefined : this.#parts.nextHop(list.target);
    if (onward !== undefined) {
      this.#send(passed, me, port, { sid: onward, port: ServicePort.TRACE });
      return;
    }
    const origin = own(list.origin);
    if (origin !== undefined) {
      this.#send(passed, origin, ServicePort.TRACE, { sid: origin, port });
      return;
    }
    const back = this.#parts.nextHop(list.origin);
    if (back === undefined) this.#parts.counters["no-route"]++;
    else this.#send(passed, me, port, { sid: back, port: ServicePort.TRACE });
  }

  #send(list: TraceList, local: Sid, port: number, remote: Address): void {
    const bytes = encodeTraceList(list);
    const isSent = this.#parts.sendFrom(local, port, remote, (core, offset) => {
      core.bytes.set(bytes, offset);
      return bytes.length;
    });
    if (isSent) this.#parts.counters["traces-passed"]++;
  }
}
