import { MspError } from "@meshstream/msp";
import type { MessageStream } from "../src/transfer/message-stream.ts";

/** One end of an in-memory connection with the manners of an MspSocket; `limit` messages fit on the way. */
export class FakeSocket implements MessageStream {
  /** Messages sent from this end, in order. */
  readonly sent: Uint8Array[] = [];
  /** Settles like that of an MspSocket. */
  readonly closed: Promise<"clean" | "unconfirmed">;
  #settle: { resolve(how: "clean"): void; reject(error: unknown): void } | undefined;
  /** Messages that this end has taken. */
  takenCount = 0;
  #peer: FakeSocket | undefined;
  readonly #inbox: Uint8Array[] = [];
  #isLastTaken = true;
  #isPeerShut = false;
  #failure: MspError | undefined;
  #isShut = false;
  readonly #limit: number;
  #wake: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
    this.closed = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.closed.catch(() => undefined);
  }

  static pair(limit = 8): { a: FakeSocket; b: FakeSocket } {
    const a = new FakeSocket(limit);
    const b = new FakeSocket(limit);
    a.#peer = b;
    b.#peer = a;
    return { a, b };
  }

  async send(message: Uint8Array): Promise<void> {
    if (message.length < 1 || message.length > 1024) throw new MspError("message-size", `${message.length}`);
    if (this.#isShut) throw new MspError("state", "shut down");
    const peer = this.#peer!;
    // Arrived but not taken counts, as in a window.
    while (this.#failure === undefined && this.sent.length - peer.takenCount >= this.#limit)
      await this.#change();
    if (this.#failure) throw this.#failure;
    const copy = message.slice();
    this.sent.push(copy);
    peer.#inbox.push(copy);
    peer.#signal();
  }

  async receive(): Promise<Uint8Array | undefined> {
    this.acknowledge();
    while (this.#inbox.length === 0) {
      if (this.#failure) throw this.#failure;
      if (this.#isPeerShut) return undefined;
      await this.#change();
    }
    this.#isLastTaken = false;
    return this.#inbox.shift();
  }

  acknowledge(): void {
    if (this.#isLastTaken) return;
    this.#isLastTaken = true;
    this.takenCount++;
    this.#peer!.#signal();
    this.#signal();
  }

  shutdown(): void {
    this.#isShut = true;
    this.#peer!.#isPeerShut = true;
    this.#peer!.#signal();
    this.#signal();
  }

  stop(): void {
    this.#inbox.length = 0;
    this.fail(new MspError("aborted", "stopped here"));
    this.#peer!.fail(new MspError("stopped", "stopped by the peer"));
  }

  /** End this end with an error. */
  fail(error: MspError): void {
    this.#failure ??= error;
    this.#signal();
  }

  get failure(): MspError | undefined {
    return this.#failure;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #signal(): void {
    const isEmpty =
      this.#inbox.length === 0 && this.#isLastTaken && this.sent.length === this.#peer!.takenCount;
    if (this.#failure) this.#settle?.reject(this.#failure);
    else if (this.#isShut && this.#isPeerShut && isEmpty) this.#settle?.resolve("clean");
    const wake = this.#wake;
    this.#wake = [];
    for (const each of wake) each();
  }
}
