import type { Address } from "../../src/address.ts";
import type { HandlerApi, HandlerApiOptions, MspHandler } from "../../src/handler/api.ts";
import { openHandlerApi } from "../../src/handler/api.ts";
import { NEVER_HAS, SocketState } from "../../src/handler/constants.ts";
import type { MspHandle } from "../../src/handler/handle.ts";
import type { SealedTransport } from "../../src/stream/transport.ts";
import type { Pair } from "./pair.ts";

/** One call of a handler. */
export interface Call {
  readonly socket: MspHandle;
  readonly state: number;
  /** The payload as text. */
  readonly text: string;
  readonly context: unknown;
}

/** What a handler does once its call is noted; without a number it consumes everything. */
export type Act = (socket: MspHandle, state: number, payload: Uint8Array, context: unknown) => unknown;

/** A program that uses the primitives: an API object, its MDP sockets, and all calls of its handlers. */
export class Program {
  readonly api: HandlerApi;
  readonly pair: Pair;
  readonly calls: Call[] = [];
  readonly mdps: number[] = [];
  /** When processing() wants to be called. */
  nextMs = NEVER_HAS;

  constructor(pair: Pair, transport: SealedTransport, config: HandlerApiOptions["config"] = {}) {
    const { clock, entropy } = pair;
    this.pair = pair;
    this.api = openHandlerApi({ transport, clock, entropy, config });
  }

  /** An initialising socket on an MDP socket of its own. */
  socket(act?: Act, context?: unknown): MspHandle {
    const mdp = this.api.mdpSocket();
    this.mdps.push(mdp);
    const socket = this.api.mspSocket(mdp, 0);
    this.api.setHandler(socket, this.handler(act), context);
    return socket;
  }

  listener(port = 512, act?: Act, context?: unknown): MspHandle {
    const socket = this.socket(act, context);
    this.api.setLocal(socket, { sid: this.api.BIND_PRIMARY, port });
    if (this.api.listen(socket) !== 0) throw this.api.lastError();
    return socket;
  }

  client(remote: Address, act?: Act, context?: unknown): MspHandle {
    const socket = this.socket(act, context);
    this.api.connect(socket, remote);
    return socket;
  }

  /** A handler that notes its calls and then does `act`. */
  handler(act: Act = () => {}): MspHandler {
    return (socket, state, payload, context) => {
      this.calls.push({ socket, state, text: text(payload), context });
      const consumedBytes = act(socket, state, payload, context);
      return typeof consumedBytes === "number" ? consumedBytes : payload.length;
    };
  }

  callsOf(socket: MspHandle): Call[] {
    return this.calls.filter((call) => call.socket === socket);
  }

  /** The payloads that a socket's handler has been given. */
  textsOf(socket: MspHandle): string[] {
    return this.callsOf(socket).flatMap((call) => (call.text === "" ? [] : [call.text]));
  }

  /** The data sockets that have been announced, in order. */
  accepted(listener: MspHandle): MspHandle[] {
    const mdp = this.api.getMdpSocket(listener);
    const isOfListener = (socket: MspHandle): boolean =>
      socket !== listener && (!this.api.isValid(socket) || this.api.getMdpSocket(socket) === mdp);
    return [...new Set(this.calls.map(({ socket }) => socket).filter(isOfListener))];
  }

  process(): void {
    this.nextMs = this.api.processing(this.api.nowMs());
  }

  /** Take in what has come and let processing() deal with it, packet by packet, as the document's loop does. */
  async turn(): Promise<void> {
    for (const mdp of this.mdps) {
      while (await this.api.recv(mdp, { timeoutMs: 0 })) this.process();
    }
    if (this.nextMs <= this.api.nowMs()) this.process();
  }
}

/** Run programs on their virtual clock until `isDone`; fails when that takes longer than `limitMs`. */
export async function runUntil(programs: Program[], isDone: () => boolean, limitMs = 60_000): Promise<void> {
  const { clock } = programs[0]!.pair;
  const endMs = clock.now() + limitMs;
  for (const program of programs) program.process(); // the test may have called send() and the like
  for (;;) {
    for (const program of programs) await program.turn();
    if (isDone()) return;
    const nextMs = Math.min(clock.nextMs, ...programs.map((program) => program.nextMs));
    if (nextMs > endMs) throw new Error(`not done after ${limitMs} ms of virtual time`);
    clock.runUntil(Math.max(nextMs, clock.now()));
  }
}

/** Run programs for so long. */
export async function runFor(programs: Program[], ms: number): Promise<void> {
  const { clock } = programs[0]!.pair;
  const endMs = clock.now() + ms;
  clock.setTimer(endMs, () => {});
  await runUntil(programs, () => clock.now() >= endMs, ms);
}

/** The names of the bits, such as "CLOSED|STOPPED". */
export function flags(state: number): string {
  return Object.entries(SocketState)
    .filter(([, bit]) => (state & bit) !== 0)
    .map(([name]) => name)
    .join("|");
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(payload: Uint8Array): string {
  return new TextDecoder().decode(payload);
}
