import {
  BIND_ALL,
  BIND_PRIMARY,
  type BindAddress,
  type SealedBinding,
  type SealedTransport,
  type Sid,
} from "@meshstream/msp";
import { check } from "./check.ts";

/** Two transports that reach each other over a clean link, made anew for each test. */
export interface TransportPair {
  readonly a: SealedTransport;
  /** May be of the same node as `a`, as holder and attached program are: the suite never binds one port on both. */
  readonly b: SealedTransport;
  /** Resolves when everything sent so far has arrived. */
  settle(): Promise<void>;
  /** Called after each test, also if it closed a transport itself. */
  close(): Promise<void>;
}

/** Promises, each with the test that holds it. */
export type Promises = Readonly<Record<string, (rig: Rig) => Promise<void>>>;

/** Longest MSP packet that is ever sent, in bytes (docs/wire.md W2). */
export const LONGEST_BYTES = 1029;

interface Packet {
  readonly local: Sid;
  readonly remote: Sid;
  readonly remotePort: number;
  /** A copy. */
  readonly bytes: Uint8Array;
}

/** A bound port with everything that came in. */
export interface End {
  readonly binding: SealedBinding;
  readonly local: Sid;
  readonly address: { readonly sid: Sid; readonly port: number };
  readonly packets: Packet[];
  /** Called within the receiver, after the packet was noted. What it throws fails the test, once that is through. */
  onPacket: (offset: number, length: number) => void;
  send(to: End, bytes: Uint8Array): boolean;
}

/** The pair under test, with ports that note what comes in. */
export class Rig {
  readonly a: SealedTransport;
  readonly b: SealedTransport;
  readonly settle: () => Promise<void>;
  /** What checks within receivers threw: there it might vanish in the transport. */
  readonly #faults: unknown[] = [];
  /** How many calls of bind and send are under way. */
  #callDepth = 0;

  constructor(pair: TransportPair) {
    this.a = pair.a;
    this.b = pair.b;
    this.settle = () => pair.settle();
  }

  /** A port bound on each side. */
  async ends(): Promise<[End, End]> {
    return [
      await this.bind(this.a, { sid: BIND_PRIMARY, port: 1000 }),
      await this.bind(this.b, { sid: BIND_ALL, port: 2000 }),
    ];
  }

  /** Throws the first fault that a receiver met. */
  assertNoFault(): void {
    if (this.#faults.length > 0) throw this.#faults[0];
  }

  readonly bind = async (transport: SealedTransport, address: BindAddress): Promise<End> => {
    const packets: Packet[] = [];
    const binding = this.#call(() =>
      transport.bind(address, (local, remote, remotePort, offset, length) => {
        packets.push({
          local,
          remote,
          remotePort,
          bytes: transport.core.bytes.slice(offset, offset + length),
        });
        try {
          check(this.#callDepth === 0, "a receiver was called from within bind or send");
          end.onPacket(offset, length);
        } catch (fault) {
          this.#faults.push(fault);
        }
      }),
    );
    const end: End = {
      binding,
      local: binding.local.sid,
      address: binding.local,
      packets,
      onPacket: () => {},
      send: (to, bytes) =>
        this.#call(() =>
          binding.send(end.local, to.address, (core, offset) => {
            core.bytes.set(bytes, offset);
            return bytes.length;
          }),
        ),
    };
    await binding.ready;
    return end;
  };

  #call<T>(act: () => T): T {
    this.#callDepth += 1;
    try {
      return act();
    } finally {
      this.#callDepth -= 1;
    }
  }
}
