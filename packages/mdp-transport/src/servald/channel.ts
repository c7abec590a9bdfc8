import type { Address, DatagramTransport, LinkAddress, Sid } from "@meshstream/msp";
import type { Core } from "@meshstream/wasm-core";
import {
  encodeRecord,
  RECORD_HEADER_BYTES,
  type RecordAddress,
  RecordFlag,
  SID_ANY,
  writeRecordHeader,
} from "../mdp2/record.ts";
import { ServaldLimit } from "./limits.ts";

/**
 * The one way out to a daemon. It has no verb for what a daemon must not be sent (docs/wire.md W10.7): nothing in
 * clear, nothing to all, no empty or overlong payload, no first packet of one byte, no command in the guise of data.
 */
export class DaemonChannel {
  /** The daemon's address. */
  readonly daemon: LinkAddress;
  private readonly link: DatagramTransport;

  constructor(link: DatagramTransport, daemon: LinkAddress) {
    this.link = link;
    this.daemon = daemon;
  }

  /** Ask for a port of an identity (docs/wire.md W10.2). */
  bind(sid: Sid, port: number): void {
    this.say({ sid: sid.bytes, port }, NODE, RecordFlag.BIND);
  }

  /** Free a port of an identity (docs/wire.md W10.4). */
  unbind(sid: Sid, port: number): void {
    this.say({ sid: sid.bytes, port }, NODE, RecordFlag.CLOSE);
  }

  /** Free all ports of this client (docs/wire.md W10.4). */
  unbindAll(): void {
    this.say(NODE, NODE, RecordFlag.CLOSE);
  }

  /** Ask the daemon itself (docs/wire.md W10.5). */
  ask(question: number): void {
    this.say(NODE, { sid: SID_ANY, port: question }, 0);
  }

  /**
   * Hand over the packet of `length` bytes that stands at `offset` of the core's memory, where a record's header fits
   * before it. False if a daemon must not get it.
   */
  send(core: Core, offset: number, length: number, local: Sid, localPort: number, remote: Address): boolean {
    if (length < 1 || length > ServaldLimit.SENT_PACKET_BYTES) return false;
    if (length === 1 && (core.bytes[offset]! & FIRST) !== 0) return false;
    if (SPECIAL_SID.test(remote.sid.hex)) return false;
    const start = offset - RECORD_HEADER_BYTES;
    writeRecordHeader(core.bytes, start, {
      local: { sid: local.bytes, port: localPort },
      remote: { sid: remote.sid.bytes, port: remote.port },
      flags: 0,
    });
    this.link.send(core.bytes.subarray(start, offset + length), this.daemon);
    return true;
  }

  private say(local: RecordAddress, remote: RecordAddress, flags: number): void {
    this.link.send(encodeRecord({ local, remote, flags }), this.daemon);
  }
}

/** The daemon itself. */
const NODE: RecordAddress = { sid: SID_ANY, port: 0 };

/** The MSP flag FIRST (docs/wire.md W2). */
const FIRST = 0x04;

/** Any, internal, broadcast: ways to command a daemon, or to send in clear (docs/wire.md W1.2). */
const SPECIAL_SID = /^(0{62}..|F{64})$/;
