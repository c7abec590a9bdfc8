import type { Address } from "../../src/address.ts";
import type { SealedBinding } from "../../src/stream/transport.ts";
import type { Pair, PairTransport } from "./pair.ts";
import { type Packet, parse } from "./wire.ts";

/** A peer played by the test: it takes down what comes to its port on end b, and says only what it is told to say. */
export class HandPeer {
  /** Everything that came, in order. */
  readonly received: Packet[] = [];
  readonly local: Address;
  /** Who sent last, unless given. */
  remote: Address | undefined;
  /** Called after each packet that comes. */
  react: (packet: Packet) => void = () => {};
  private readonly transport: PairTransport;
  private readonly binding: SealedBinding;

  constructor(pair: Pair, port: number, remote?: Address) {
    this.transport = pair.b;
    this.remote = remote;
    const { core } = this.transport;
    this.local = { sid: this.transport.identities[0]!, port };
    this.transport.played.add(port);
    this.binding = this.transport.bind(this.local, (_local, sid, remotePort, offset, length) => {
      this.remote = { sid, port: remotePort };
      const packet = parse(core.bytes.slice(offset, offset + length), pair.clock.now(), "a");
      this.received.push(packet);
      this.react(packet);
    });
  }

  /** Send these bytes to the remote end. */
  send(bytes: Uint8Array): void {
    this.binding.send(this.local.sid, this.remote!, (core, offset) => {
      core.bytes.set(bytes, offset);
      return bytes.length;
    });
  }

  /** The last packet that came. */
  get last(): Packet | undefined {
    return this.received.at(-1);
  }

  close(): void {
    this.binding.close();
  }
}
