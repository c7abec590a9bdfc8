import {
  type Address,
  BIND_ALL,
  BIND_PRIMARY,
  type BindAddress,
  type Entropy,
  MspError,
  type PacketReceiver,
  type PacketWriter,
  parsePort,
  type SealedBinding,
  type Sid,
} from "@meshstream/msp";
import { Limit } from "./limits.ts";
import { LOWEST_FREE_PORT } from "./ports.ts";

/** Sends for a binding, unless that is closed (`localPort` undefined); see {@link SealedBinding.send}. */
export type BindingSender = (
  local: Sid,
  localPort: number | undefined,
  remote: Address,
  write: PacketWriter,
) => boolean;

/** The ports of a node that are bound, and to whom what comes for them goes. */
export class Bindings {
  readonly #identities: readonly Sid[];
  readonly #entropy: Entropy;
  readonly #send: BindingSender;
  readonly #byPort = new Map<number, Binding[]>();
  #count = 0;

  constructor(identities: readonly Sid[], entropy: Entropy, send: BindingSender) {
    this.#identities = identities;
    this.#entropy = entropy;
    this.#send = send;
  }

  /** See SealedTransport.bind. Throws MspError "again" beyond {@link Limit}.BINDINGS. */
  bind(local: BindAddress, receive: PacketReceiver): SealedBinding {
    const sid = this.#resolve(local.sid);
    const wanted = parsePort(local.port, 0);
    if (this.#count >= Limit.BINDINGS) {
      throw new MspError("again", `${Limit.BINDINGS} ports are bound already`);
    }
    if (wanted !== 0 && this.#conflicts(sid, wanted)) {
      throw new MspError("port-in-use", `MDP port ${wanted} is in use on this node: choose another one`);
    }
    const port = wanted === 0 ? this.#freePort() : wanted;
    const binding = new Binding({ sid: sid ?? this.#identities[0]!, port }, sid, receive, this.#send, () =>
      this.#remove(binding),
    );
    const others = this.#byPort.get(port);
    if (others === undefined) this.#byPort.set(port, [binding]);
    else others.push(binding);
    this.#count++;
    return binding;
  }

  /** Who takes what comes for `port` of `sid`, one of the identities' own objects. */
  receiver(sid: Sid, port: number): PacketReceiver | undefined {
    const bindings = this.#byPort.get(port);
    if (bindings === undefined) return undefined;
    for (const binding of bindings) {
      if (binding.only === undefined || binding.only === sid) return binding.receive;
    }
    return undefined;
  }

  closeAll(): void {
    for (const bindings of [...this.#byPort.values()]) for (const binding of [...bindings]) binding.close();
  }

  /** The identity's own object, or undefined for all. */
  #resolve(sid: BindAddress["sid"]): Sid | undefined {
    if (sid === BIND_ALL) return undefined;
    if (sid === BIND_PRIMARY) return this.#identities[0]!;
    const own = this.#identities.find((identity) => identity.hex === sid.hex);
    if (own === undefined) throw new MspError("address", `${sid.hex} is not an identity of this node`);
    return own;
  }

  #conflicts(sid: Sid | undefined, port: number): boolean {
    const bindings = this.#byPort.get(port);
    if (bindings === undefined) return false;
    return bindings.some(({ only }) => sid === undefined || only === undefined || only === sid);
  }

  /** Drawn at random, so that a packet of an earlier session rarely finds the port of a later one. */
  #freePort(): number {
    const bytes = new Uint8Array(4);
    const view = new DataView(bytes.buffer);
    for (;;) {
      this.#entropy.fill(bytes);
      const port = view.getUint32(0) & 0x7fff_ffff;
      if (port >= LOWEST_FREE_PORT && !this.#byPort.has(port)) return port;
    }
  }

  #remove(binding: Binding): void {
    const { port } = binding.local;
    const rest = this.#byPort.get(port)?.filter((other) => other !== binding) ?? [];
    if (rest.length > 0) this.#byPort.set(port, rest);
    else this.#byPort.delete(port);
    this.#count--;
  }
}

class Binding implements SealedBinding {
  readonly local: Address;
  /** The one identity that is bound; undefined for all. */
  readonly only: Sid | undefined;
  readonly receive: PacketReceiver;
  /** A port of a node in this process is ours at once. */
  readonly ready: Promise<void> = Promise.resolve();
  readonly #send: BindingSender;
  readonly #remove: () => void;
  #closed = false;

  constructor(
    local: Address,
    only: Sid | undefined,
    receive: PacketReceiver,
    send: BindingSender,
    remove: () => void,
  ) {
    this.local = local;
    this.only = only;
    this.receive = receive;
    this.#send = send;
    this.#remove = remove;
  }

  send(local: Sid, remote: Address, write: PacketWriter): boolean {
    if (!this.#closed && this.only !== undefined && local.hex !== this.only.hex) {
      throw new MspError("address", `port ${this.local.port} is not bound for ${local.hex}`);
    }
    return this.#send(local, this.#closed ? undefined : this.local.port, remote, write);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#remove();
  }
}
