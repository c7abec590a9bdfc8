import type { Core } from "@meshstream/wasm-core";
import type { Address, BindAddress, Sid } from "../address.ts";
import type { MspError } from "../errors.ts";

/** Time from outside. Milliseconds from any origin, fractions allowed, never backwards. */
export interface Clock {
  now(): number;
  /** Call `wake` once, when `now()` is `atMs` or a little later; never from within this call. */
  setTimer(atMs: number, wake: () => void): TimerHandle;
}

export interface TimerHandle {
  cancel(): void;
}

/** Chance from outside. Must be cryptographically strong wherever keys or nonces come from it. */
export interface Entropy {
  fill(bytes: Uint8Array): void;
}

/** Where a datagram goes to or came from on a link, such as "127.0.0.1:4110". Opaque to everyone but the link. */
export type LinkAddress = string;

/** An unsealed, unreliable datagram link below the overlay: a UDP socket, an emulated link. */
export interface DatagramTransport {
  /** The link's own address. */
  readonly local: LinkAddress;
  /** Addresses that reach every neighbour at once; empty where the link has no broadcast. */
  readonly broadcast: readonly LinkAddress[];
  /** Largest datagram, in bytes. */
  readonly mtuBytes: number;
  /** Send one datagram. `datagram` may be reused as soon as the call returns. Never throws and never calls back for what the network does; a datagram that cannot be sent is lost. */
  send(datagram: Uint8Array, to: LinkAddress): void;
  /** Set the one receiver. `datagram` is valid until the receiver returns. */
  onDatagram(receive: (datagram: Uint8Array, from: LinkAddress) => void): void;
  close(): Promise<void>;
}

/**
 * Where an MSP packet is written by {@link SealedBinding.send}: at `offset` of `core.bytes`, at most `capacity` bytes.
 * The writer returns how many bytes it wrote, 1..capacity.
 */
export type PacketWriter = (core: Core, offset: number, capacity: number) => number;

/**
 * Takes in one opened packet: `length` bytes at `offset` of the transport's `core.bytes`, lent until this returns.
 * `local` and `remote` are interned by the transport: the same SID is the same object while it is in use.
 */
export type PacketReceiver = (
  local: Sid,
  remote: Sid,
  remotePort: number,
  offset: number,
  length: number,
) => void;

/** A bound local port. */
export interface SealedBinding {
  /** What was bound, resolved: a real port; for BIND_ALL the primary SID stands here. */
  readonly local: Address;
  /** Settles when the port is really ours: at once for a node in this process; rejects with MspError "port-in-use" where a holder or daemon refuses. */
  readonly ready: Promise<void>;
  /**
   * Seal and send one packet from `local` (an identity of this node) to `remote`. Calls `write` exactly once, before it returns.
   * Returns false if the packet was dropped here (no route, a full queue, this binding closed): to MSP that is a loss
   * like any other.
   * Never calls a receiver before it returns.
   */
  send(local: Sid, remote: Address, write: PacketWriter): boolean;
  /** Free the port. May be called twice. */
  close(): void;
}

/**
 * What MSP runs on: datagrams that are always encrypted and whose origin is always authenticated
 * (docs/wire.md W3). Sealing belongs to this layer, so "always encrypted and authenticated" is a type.
 */
export interface SealedTransport {
  /** Owns the memory in which packets are written and lent. */
  readonly core: Core;
  /**
   * Packets pass through a deployed node, whoever the peer is: MSP sends no more in one go, and no faster, than such a node bears (docs/wire.md
   * W2.18); and nothing below drops what is a lap of sequence numbers late (W3.7).
   */
  readonly isThroughDaemon?: boolean;
  /** This node's identities, the primary first. At least one. */
  readonly identities: readonly Sid[];
  /**
   * Bind a local port. Throws MspError "port-in-use" if it is bound already, "address" for a SID that is not ours or a
   * port outside 0..4294967295. `receive` is never called before this returns.
   */
  bind(local: BindAddress, receive: PacketReceiver): SealedBinding;
  /** Set the one handler for the loss of the transport itself (MspError "transport-lost"). */
  onLost(handle: (error: MspError) => void): void;
  /** Close every binding and the transport. */
  close(): Promise<void>;
}
