import { type DatagramTransport, type LinkAddress, Sid } from "@meshstream/msp";
import {
  encodeRecord,
  isAny,
  type MdpRecord,
  parseRecord,
  type RecordAddress,
  RecordFlag,
  SID_ANY,
} from "../mdp2/record.ts";

/** Daemons that reach each other without loss, by SID. */
export type SimulatedMesh = Map<string, SimulatedDaemon>;

/**
 * The client interface of a daemon, as running ones were seen to behave (docs/wire.md W10), strict where they are: a packet from a
 * port that is not bound is refused, a port bound for "all" gets nothing addressed to an identity, and what would harm one is noted.
 * For tests of its clients over any socket. Closing the link is the caller's affair.
 *
 * @example const daemon = new SimulatedDaemon(await openUdp({ bind: "127.0.0.1:0", broadcast: false }), new Map(), [sid]);
 */
export class SimulatedDaemon {
  readonly identities: readonly Sid[];
  /** What a real one would not survive, or never should be sent. Tests want this empty. */
  readonly harm: string[] = [];
  /** Payloads that answer the question for routes (docs/wire.md W10.8). */
  routes: readonly Uint8Array[] = [];
  /** Whether a bind is refused though the port is free. */
  refuses: (port: number) => boolean = () => false;
  /** Whether a packet to that node is refused because a queue is full. */
  isCongested: (remote: Sid) => boolean = () => false;
  /** Every record that came, in order. */
  readonly heard: MdpRecord[] = [];
  private readonly link: DatagramTransport;
  private readonly mesh: SimulatedMesh;
  /** Which client has which port, by "SID:port". */
  private readonly owners = new Map<string, LinkAddress>();

  constructor(link: DatagramTransport, mesh: SimulatedMesh, identities: readonly Sid[]) {
    this.link = link;
    this.mesh = mesh;
    this.identities = identities;
    for (const { hex } of identities) mesh.set(hex, this);
    link.onDatagram((datagram, from) => this.handle(datagram, from));
  }

  /** "SID:port" of every bound port. */
  get bound(): readonly string[] {
    return [...this.owners.keys()];
  }

  /** As a daemon that was restarted: nobody has any port. */
  forget(): void {
    this.owners.clear();
  }

  /** Have a port taken by a client that is none of ours. */
  occupy(sid: Sid, port: number): void {
    this.owners.set(`${sid.hex}:${port}`, "somebody else");
  }

  /** Tell a client something, such as what no daemon should. */
  say(to: LinkAddress, header: Parameters<typeof encodeRecord>[0], payload?: Uint8Array): void {
    this.link.send(encodeRecord(header, payload), to);
  }

  private handle(datagram: Uint8Array, from: LinkAddress): void {
    const record = parseRecord(datagram.slice());
    if (record.kind === "fault") {
      this.harm.push(`a record of ${datagram.length} bytes: ${record.reason}`);
      return;
    }
    this.heard.push(record);
    if (record.kind === "bind") this.bind(record, from);
    else if (record.kind === "close") this.close(record, from);
    else if (isAny(record.remote.sid)) this.answer(record, from);
    else this.carry(record, from);
  }

  private bind({ local }: MdpRecord, from: LinkAddress): void {
    const sid = this.resolve(local.sid);
    const key = `${sid.hex}:${local.port}`;
    const isLocal = this.isOwn(sid) || sid.hex === ALL_HEX;
    const owner = this.owners.get(key);
    const end = { sid: sid.bytes, port: local.port };
    if (!isLocal || this.refuses(local.port) || (owner !== undefined && owner !== from)) {
      this.say(from, { local: end, remote: NODE, flags: RecordFlag.ERROR });
      return;
    }
    this.owners.set(key, from);
    this.say(from, { local: end, remote: NODE, flags: RecordFlag.BIND });
  }

  private close({ local }: MdpRecord, from: LinkAddress): void {
    if (local.port === 0) {
      for (const [key, owner] of this.owners) if (owner === from) this.owners.delete(key);
      return;
    }
    const sid = this.resolve(local.sid);
    const key = `${sid.hex}:${local.port}`;
    if (this.owners.get(key) === from) this.owners.delete(key);
    else
      this.say(from, { local: { sid: sid.bytes, port: local.port }, remote: NODE, flags: RecordFlag.ERROR });
  }

  private answer({ remote }: MdpRecord, from: LinkAddress): void {
    const local = { sid: this.identities[0]!.bytes, port: 0 };
    const payloads =
      remote.port === 2
        ? this.identities.map(({ bytes }) => bytes)
        : remote.port === 5
          ? this.routes
          : undefined;
    const ends = { local, remote: { sid: SID_ANY, port: remote.port } };
    for (const payload of payloads ?? []) this.say(from, { ...ends, flags: 0 }, payload);
    this.say(from, { ...ends, flags: payloads === undefined ? RecordFlag.ERROR : RecordFlag.CLOSE });
  }

  private carry(record: MdpRecord, from: LinkAddress): void {
    const { local, remote, payload, flags } = record;
    this.noteHarm(record);
    const ends = { local: { ...local }, remote: { ...remote } };
    const sid = this.resolve(local.sid);
    const isFull = !this.isOwn(Sid.fromBytes(remote.sid)) && this.isCongested(Sid.fromBytes(remote.sid));
    if (isFull || this.owners.get(`${sid.hex}:${local.port}`) !== from) {
      this.say(from, { ...ends, flags: RecordFlag.ERROR });
      return;
    }
    const peer = this.mesh.get(Sid.fromBytes(remote.sid).hex);
    if (peer !== undefined && remote.port === ECHO) this.deliver(ends.remote, ends.local, flags, payload);
    else peer?.deliver(ends.local, ends.remote, flags, payload);
  }

  private deliver(from: RecordAddress, to: RecordAddress, flags: number, payload: Uint8Array): void {
    const owner = this.owners.get(`${Sid.fromBytes(to.sid).hex}:${to.port}`);
    if (owner !== undefined) this.say(owner, { local: to, remote: from, flags }, payload);
  }

  private noteHarm({ payload, flags, remote }: MdpRecord): void {
    const { length } = payload;
    if (length === 0 || length > 1140) this.harm.push(`a payload of ${length} bytes`);
    if (length === 1 && (payload[0]! & 0x04) !== 0) this.harm.push("a FIRST of one byte");
    if (flags !== 0) this.harm.push(`a packet with flags ${flags}`);
    if (/^(0{62}..|F{64})$/.test(Sid.fromBytes(remote.sid).hex))
      this.harm.push("a packet to no node in particular");
  }

  private resolve(sid: Uint8Array): Sid {
    return isAny(sid) ? this.identities[0]! : Sid.fromBytes(sid);
  }

  private isOwn(sid: Sid): boolean {
    return this.identities.some(({ hex }) => hex === sid.hex);
  }
}

const NODE: RecordAddress = { sid: SID_ANY, port: 0 };
const ALL_HEX = "F".repeat(64);
const ECHO = 7;
