import { MspError } from "./errors.ts";

/** Bytes of a SID (docs/wire.md W1). */
export const SID_BYTES = 32;

/**
 * A Serval ID: a Curve25519 public key, the network address of an identity (docs/wire.md W1).
 * Immutable. Compare by `hex`.
 *
 * @example Sid.fromHex("57D5E04EEC3C3579BADD8FBC15CB0CBFA28DD78F37EB6717ABB8385E76A37045").bytes.length // 32
 */
export class Sid {
  /** 64 upper-case hex digits. */
  readonly hex: string;
  /** 32 bytes; do not write to them. */
  readonly bytes: Uint8Array;

  private constructor(hex: string, bytes: Uint8Array) {
    this.hex = hex;
    this.bytes = bytes;
  }

  /** Throws MspError "address" unless given 64 hex digits, upper or lower case. */
  static fromHex(text: string): Sid {
    if (!/^[0-9a-fA-F]{64}$/.test(text)) {
      throw new MspError("address", `not a SID: "${text}" (a SID is 64 hex digits, as "msp id show" prints)`);
    }
    const hex = text.toUpperCase();
    const bytes = Uint8Array.from({ length: SID_BYTES }, (_, i) =>
      Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16),
    );
    return new Sid(hex, bytes);
  }

  /** Copies `bytes`. Throws MspError "address" unless there are 32. */
  static fromBytes(bytes: Uint8Array): Sid {
    if (bytes.length !== SID_BYTES) {
      throw new MspError("address", `a SID has ${SID_BYTES} bytes, not ${bytes.length}`);
    }
    let hex = "";
    for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
    return new Sid(hex.toUpperCase(), bytes.slice());
  }

  toString(): string {
    return this.hex;
  }
}

/** An MDP end point: an identity and a port on its node. */
export interface Address {
  readonly sid: Sid;
  /** 1..4294967295. */
  readonly port: number;
}

/** Bind to the primary identity of the node. */
export const BIND_PRIMARY: unique symbol = Symbol("BIND_PRIMARY");

/** Bind to all identities of the node. */
export const BIND_ALL: unique symbol = Symbol("BIND_ALL");

/** What a local end point may be bound to; port 0 asks for any free one. */
export interface BindAddress {
  readonly sid: Sid | typeof BIND_PRIMARY | typeof BIND_ALL;
  readonly port: number;
}

/** Largest MDP port. */
export const MAX_PORT = 0xffff_ffff;

/** `port` if it is a whole number in [lowest, 4294967295]; else throws MspError "address". */
export function parsePort(port: number, lowest: 0 | 1 = 1): number {
  if (!Number.isInteger(port) || port < lowest || port > MAX_PORT) {
    throw new MspError("address", `not an MDP port: ${port} (a whole number, ${lowest} to ${MAX_PORT})`);
  }
  return port;
}

/**
 * The address if a connection can be made to it. Throws MspError "address" for port 0 and for what is not the SID of one
 * node: all zero (any, primary), 31 zero bytes and a type (internal), all 0xff (broadcast); docs/wire.md W1.
 */
export function parseRemote({ sid, port }: Address): Address {
  if (!(sid instanceof Sid) || SPECIAL_SID.test(sid.hex)) {
    throw new MspError("address", `cannot connect to ${String(sid)}: it must be the SID of one node`);
  }
  return { sid, port: parsePort(port) };
}

const SPECIAL_SID = /^(0{62}..|F{64})$/;
