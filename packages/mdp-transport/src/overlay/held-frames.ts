import { Limit } from "./limits.ts";
import type { QueuedFrame } from "./link-queue.ts";
import type { Neighbour, NeighbourNode } from "./neighbours.ts";

/**
 * The frames that wait for an acknowledgement. One is sent again after the time that the neighbour takes to
 * acknowledge, each time half as long again; or at once when three later packets came and its own did not. It is given
 * up 1 s after it was first sent. Worst-case memory: {@link Limit}.HELD frames.
 */
export class HeldFrames {
  readonly #held = new Map<NeighbourNode, QueuedFrame[]>();
  #count = 0;
  /** No frame is due before this. */
  #dueMs = Number.POSITIVE_INFINITY;

  get dueMs(): number {
    return this.#dueMs;
  }

  /** Whether there is room for one more frame to `node`. */
  hasRoom(node: NeighbourNode): boolean {
    const mine = this.#held.get(node)?.length ?? 0;
    return this.#count < Limit.HELD && mine < Limit.HELD_PER_NEIGHBOUR;
  }

  /** Keep a frame that is about to be sent for the first time; {@link handleSent} follows. */
  hold(frame: QueuedFrame): void {
    const { node, roundTrip } = frame.relation;
    frame.isHeld = true;
    frame.waitMs = roundTrip.resendMs / BACKOFF;
    const mine = this.#held.get(node);
    if (mine === undefined) this.#held.set(node, [frame]);
    else mine.push(frame);
    this.#count++;
  }

  /** The frame went out over `relation`, in the packet with that count; 0 if that had no number. */
  handleSent(frame: QueuedFrame, relation: Neighbour, packet: number, nowMs: number): void {
    if (frame.relation !== relation) {
      frame.relation = relation;
      frame.carriers.length = 0;
    }
    if (packet > 0) frame.carriers.push({ packet, atMs: nowMs });
    frame.waitMs *= BACKOFF;
    frame.resendAtMs = nowMs + frame.waitMs;
    this.#dueMs = Math.min(this.#dueMs, frame.resendAtMs, frame.expiresAtMs);
  }

  /** `relation` said what it heard: let go of what came, and see what did not. */
  handleAck(relation: Neighbour, nowMs: number): void {
    const mine = this.#held.get(relation.node);
    if (mine === undefined) return;
    const { ledger } = relation;
    const left = mine.filter((frame) => {
      if (frame.relation !== relation) return true;
      const came = frame.carriers.find(({ packet }) => ledger.fate(packet) === "acknowledged");
      if (came !== undefined) {
        relation.roundTrip.handleSample(nowMs - came.atMs);
        relation.stats.framesAcknowledged++;
        frame.isDone = true;
        return false;
      }
      const last = frame.carriers.at(-1);
      const isLost =
        last !== undefined &&
        ledger.fate(last.packet) === "missing" &&
        ledger.overtakings(last.packet) >= OVERTAKEN;
      if (isLost && frame.resendAtMs !== Number.POSITIVE_INFINITY) {
        frame.resendAtMs = nowMs;
        this.#dueMs = Math.min(this.#dueMs, nowMs);
      }
      return true;
    });
    this.#keep(relation.node, mine, left);
  }

  /**
   * Do what is due: `resend` gets each frame to be sent again, and calls {@link handleSent} when it is; `expired` each
   * that is given up. A frame of which nobody knows whether it came is sent once more, and no longer held.
   */
  run(nowMs: number, resend: (frame: QueuedFrame) => void, expired: (frame: QueuedFrame) => void): void {
    if (nowMs < this.#dueMs) return;
    this.#dueMs = Number.POSITIVE_INFINITY;
    for (const [node, mine] of [...this.#held]) {
      const left = mine.filter((frame) => {
        if (frame.expiresAtMs <= nowMs) {
          frame.isDone = true;
          expired(frame);
          return false;
        }
        if (frame.resendAtMs > nowMs) return true;
        const last = frame.carriers.at(-1);
        const fate = last === undefined ? "missing" : frame.relation.ledger.fate(last.packet);
        // While what was sent before it is being acknowledged, it is on its way behind that, in a queue.
        const quietMs = frame.relation.ackedAtMs + frame.waitMs;
        if (fate === "pending" && quietMs > nowMs) {
          frame.resendAtMs = quietMs;
          return true;
        }
        frame.resendAtMs = nowMs + frame.waitMs; // if it cannot be sent now
        resend(frame);
        return fate !== "unknown";
      });
      this.#keep(node, mine, left);
      for (const frame of left) this.#dueMs = Math.min(this.#dueMs, frame.resendAtMs, frame.expiresAtMs);
    }
  }

  #keep(node: NeighbourNode, before: readonly QueuedFrame[], left: QueuedFrame[]): void {
    this.#count -= before.length - left.length;
    if (left.length > 0) this.#held.set(node, left);
    else this.#held.delete(node);
  }
}

/** Each wait is so much longer than the one before: five times within the second, at 65 ms. */
const BACKOFF = 1.5;

/** Packets that come before an earlier one does, until that one counts as lost: RFC 5681 has the same number. */
const OVERTAKEN = 3;
