import { type Sid, TokenBucket } from "@meshstream/msp";
import type { DaemonChannel } from "./channel.ts";
import { ServaldLimit, ServaldTiming } from "./limits.ts";

/** Whoever wants a port; told what the daemon says of it. */
export interface PortSeeker {
  readonly port: number;
  /** The daemon has given the port for this identity. */
  handleBound(sid: Sid): void;
  /** The daemon refuses it. */
  handleRefused(sid: Sid): void;
}

interface Request {
  readonly seeker: PortSeeker;
  readonly sid: Sid;
  /** When to ask (again); in the past while it waits for its turn. */
  dueAtMs: number;
  isAsked: boolean;
  refusals: number;
}

/**
 * Ports that a daemon was asked for and has not given yet. Asks again until it answers: to ask for a port that is one's own already
 * changes nothing. Never asks for many at once, since the daemon's socket would drop them.
 */
export class BindRequests {
  private readonly channel: DaemonChannel;
  private readonly byEnd = new Map<string, Request>();
  private readonly bucket = new TokenBucket(ServaldLimit.REQUESTS_PER_SECOND, ServaldLimit.REQUEST_BURST);

  constructor(channel: DaemonChannel) {
    this.channel = channel;
  }

  /** Ask for `seeker.port` of an identity, now if it may be, else in {@link step}. */
  add(seeker: PortSeeker, sid: Sid, nowMs: number): void {
    const request = { seeker, sid, dueAtMs: nowMs, isAsked: false, refusals: 0 };
    this.byEnd.set(endKey(sid.hex, seeker.port), request);
    this.tryAsk(request, nowMs);
  }

  /** Whether the daemon was asked for the port, or has given it: packets from there may follow. */
  isAsked(sid: Sid, port: number): boolean {
    if (this.byEnd.size === 0) return true; // nearly always: spares the key
    return this.byEnd.get(endKey(sid.hex, port))?.isAsked ?? true;
  }

  /** Whether the daemon has not answered yet. */
  isOpen(sid: Sid, port: number): boolean {
    return this.byEnd.has(endKey(sid.hex, port));
  }

  /** Ask no more. True if the daemon was asked and has not answered yet. */
  cancel(sid: Sid, port: number): boolean {
    const key = endKey(sid.hex, port);
    const request = this.byEnd.get(key);
    this.byEnd.delete(key);
    return request?.isAsked === true;
  }

  /** The daemon's answer about a port. False if it was not asked. */
  handleAnswer(sid: Sid, port: number, isRefused: boolean, nowMs: number): boolean {
    const key = endKey(sid.hex, port);
    const request = this.byEnd.get(key);
    if (request === undefined) return false;
    if (isRefused) {
      request.refusals++;
      // The refusal of an earlier CLOSE looks the same: only a second one is believed.
      if (request.refusals < REFUSALS) {
        request.dueAtMs = nowMs;
        this.tryAsk(request, nowMs);
        return true;
      }
    }
    this.byEnd.delete(key);
    if (isRefused) request.seeker.handleRefused(request.sid);
    else request.seeker.handleBound(request.sid);
    return true;
  }

  /** Ask for what is due. Returns when to call again. */
  step(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const request of this.byEnd.values()) {
      if (request.dueAtMs <= nowMs && !this.tryAsk(request, nowMs)) return nowMs + PUMP_MS;
      nextMs = Math.min(nextMs, request.dueAtMs);
    }
    return nextMs;
  }

  clear(): void {
    this.byEnd.clear();
  }

  private tryAsk(request: Request, nowMs: number): boolean {
    if (!this.bucket.take(nowMs)) return false;
    this.channel.bind(request.sid, request.seeker.port);
    request.isAsked = true;
    request.dueAtMs = nowMs + ServaldTiming.REPEAT_MS;
    return true;
  }
}

function endKey(sidHex: string, port: number): string {
  return `${sidHex}:${port}`;
}

const PUMP_MS = 1;
const REFUSALS = 2;
