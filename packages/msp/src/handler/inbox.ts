import type { Sid } from "../address.ts";
import { MspError } from "../errors.ts";
import type { Clock, PacketReceiver, TimerHandle } from "../stream/transport.ts";

/** Packets that one MDP socket keeps, as the receive buffer of a system's socket does. Worst case: this many, 1.2 kB each. */
export const INBOX_PACKETS = 256;

/** A packet that came, copied, and who is to have it. */
export interface InboxPacket {
  readonly receive: PacketReceiver;
  readonly local: Sid;
  readonly remote: Sid;
  readonly remotePort: number;
  readonly bytes: Uint8Array;
}

/** What has come for one MDP socket: first *arrived*, then, once recv() took it, *received*, until processing() has it. */
export class Inbox {
  /** Packets that came while there was no room. */
  droppedCount = 0;

  private readonly arrived: InboxPacket[] = [];
  private received: InboxPacket[] = [];
  private readonly waiters = new Set<(queued: boolean) => void>();

  push(packet: InboxPacket): void {
    if (this.arrived.length + this.received.length >= INBOX_PACKETS) {
      this.droppedCount += 1;
      return;
    }
    this.arrived.push(packet);
    if (this.waiters.size > 0) this.wake(this.receiveOne());
  }

  /** Let one packet pass on to processing(): true if there was one. */
  receiveOne(): boolean {
    const packet = this.arrived.shift();
    if (packet !== undefined) this.received.push(packet);
    return packet !== undefined;
  }

  /** As recv() waits: true once a packet has passed on, false after `timeoutMs` (Infinity: never) or when woken without one. */
  wait(clock: Clock, timeoutMs: number, onTimeout: (error: MspError) => void): Promise<boolean> {
    return new Promise((resolve) => {
      let timer: TimerHandle | undefined;
      const answer = (queued: boolean): void => {
        timer?.cancel();
        this.waiters.delete(answer);
        resolve(queued);
      };
      this.waiters.add(answer);
      if (timeoutMs === Number.POSITIVE_INFINITY) return;
      timer = clock.setTimer(clock.now() + timeoutMs, () => {
        onTimeout(new MspError("again", `no packet came in ${timeoutMs} ms`));
        answer(false);
      });
    });
  }

  /** Answer every recv() that waits, so that a loop comes round to processing(). */
  wake(queued: boolean): void {
    for (const answer of [...this.waiters]) answer(queued);
  }

  /** Nothing in here will be wanted any more. */
  close(): void {
    this.arrived.length = 0;
    this.received.length = 0;
    this.wake(false);
  }

  /** Everything that recv() has taken, in order of arrival. */
  takeReceived(): InboxPacket[] {
    const packets = this.received;
    this.received = [];
    return packets;
  }
}
