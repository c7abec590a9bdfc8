import {
  BIND_ALL,
  type BindAddress,
  MspError,
  type PacketWriter,
  type SealedBinding,
  type SealedTransport,
  type Sid,
} from "@meshstream/msp";
import {
  isAny,
  isBroadcast,
  type MdpRecord,
  parseRecord,
  RECORD_HEADER_BYTES,
  type RecordAddress,
  RecordFlag,
  type RecordHeader,
  SID_BROADCAST,
} from "../mdp2/record.ts";
import { type AttachCounters, createAttachCounters } from "./counters.ts";
import { encodeFrame, encodeHello, FrameReader } from "./frame.ts";
import { AttachLimit } from "./limits.ts";
import { answerManagement, ManagementPort, type NodeManagement } from "./management.ts";
import { PortTable } from "./port-table.ts";
import { Publications } from "./publications.ts";
import { equalBytes, SidTable } from "./sid-table.ts";
import type { ByteStream } from "./stream.ts";

/** The holder's end of one attached client. */
export interface AttachedClient {
  readonly counters: Readonly<AttachCounters>;
  /** Let the client go: its bindings are closed and its stream ends. May be called twice. */
  close(): void;
}

/**
 * Serve one client of `node` over `stream`: the holder's side of the attach protocol (docs/wire.md W12).
 * The node seals; the client only binds ports of its identities and sends from them. Lasts until the stream ends or
 * breaks the protocol; then the client's bindings are closed. Never throws for what the client does.
 *
 * `node` must live in this process, so that a port is bound when `bind` returns.
 * Worst-case memory for a client: see {@link AttachLimit}, about 3 MiB.
 *
 * @example server.on("connection", (socket) => serveAttached(node, socketStream(socket), management));
 */
export function serveAttached(
  node: SealedTransport,
  stream: ByteStream,
  management: NodeManagement,
): AttachedClient {
  return new ServedClient(node, stream, management);
}

class ServedClient implements AttachedClient {
  readonly counters = createAttachCounters();
  private readonly node: SealedTransport;
  private readonly stream: ByteStream;
  private readonly management: NodeManagement;
  private readonly publications: Publications;
  private readonly reader: FrameReader;
  private readonly bindings = new PortTable<SealedBinding>();
  private readonly remotes = new SidTable(AttachLimit.SIDS);
  private outgoing: Uint8Array = new Uint8Array(0);
  private closed = false;

  constructor(node: SealedTransport, stream: ByteStream, management: NodeManagement) {
    this.node = node;
    this.stream = stream;
    this.management = management;
    this.publications = new Publications((name, port) => management.publishService(name, port));
    this.reader = new FrameReader({
      handleHello: () => {},
      handleRecord: (record) => this.handleRecord(record),
      handleFault: () => this.close(),
    });
    stream.write(encodeHello());
    stream.onData((chunk) => this.reader.push(chunk));
    stream.onClose(() => this.close());
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.reader.stop();
    this.closeBindings();
    this.publications.closeAll();
    this.stream.close();
  }

  private handleRecord(bytes: Uint8Array): void {
    const record = parseRecord(bytes, true);
    if (record.kind === "fault" || record.kind === "error") this.counters.droppedMalformed++;
    else if (record.kind === "bind") this.handleBind(record);
    else if (record.kind === "close") this.handleClose(record);
    else if (isAny(record.remote.sid)) this.handleManagement(record);
    else this.handleData(record);
  }

  private handleBind(record: MdpRecord): void {
    this.answerOrRefuse(record, RecordFlag.BIND, () => {
      const wanted = this.resolve(record.local);
      if (wanted === undefined) throw new MspError("address", "that SID is no identity of this node");
      if (this.bindings.size >= AttachLimit.BINDINGS) throw new MspError("again", "too many ports are bound");
      let port = wanted.port;
      const binding = this.node.bind(wanted, (local, remote, remotePort, offset, length) =>
        this.deliver({ sid: local.bytes, port }, { sid: remote.bytes, port: remotePort }, offset, length),
      );
      port = binding.local.port;
      const bound = boundSid(wanted);
      this.bindings.add(bound, port, binding);
      const local = { sid: bound?.bytes ?? SID_BROADCAST, port };
      this.write({ local, remote: record.remote, flags: RecordFlag.BIND });
    });
  }

  private handleClose(record: MdpRecord): void {
    const local = this.resolve(record.local);
    if (record.local.port === 0) this.closeBindings();
    else if (local !== undefined) this.bindings.remove(boundSid(local), local.port)?.close();
  }

  private handleManagement(record: MdpRecord): void {
    this.answerOrRefuse(record, RecordFlag.CLOSE, () => {
      const { local, remote, payload } = record;
      const answers = this.answers(remote.port, payload);
      for (const answer of answers) this.write({ local, remote, flags: 0 }, answer);
      this.write({ local, remote, flags: RecordFlag.CLOSE });
    });
  }

  private answers(port: number, payload: Uint8Array): readonly Uint8Array[] {
    if (port === ManagementPort.PUBLISH) this.publications.add(payload);
    else if (port === ManagementPort.WITHDRAW) this.publications.remove(payload);
    else return answerManagement(this.node.identities, this.management, port, payload);
    return [];
  }

  private handleData(record: MdpRecord): void {
    const { local, remote, payload, flags } = record;
    const sid = this.identity(local.sid);
    const binding = sid && this.bindings.find(sid, local.port);
    if (sid === undefined) this.counters.droppedNotOurs++;
    else if (binding === undefined) this.counters.droppedNotBound++;
    else if ((flags & UNPROTECTED) !== 0) this.counters.droppedUnprotected++;
    else if (payload.length === 0 || payload.length > AttachLimit.SENT_PACKET_BYTES)
      this.counters.droppedSize++;
    else {
      this.counters.received++;
      this.outgoing = payload;
      binding.send(sid, { sid: this.remotes.intern(remote.sid), port: remote.port }, this.writeOutgoing);
    }
  }

  private readonly writeOutgoing: PacketWriter = (core, offset) => {
    core.bytes.set(this.outgoing, offset);
    return this.outgoing.length;
  };

  /** A packet for one of the client's ports: hand it over, or drop it if the client does not keep up. */
  private deliver(local: RecordAddress, remote: RecordAddress, offset: number, length: number): void {
    if (length > AttachLimit.RECORD_BYTES - RECORD_HEADER_BYTES) this.counters.droppedSize++;
    else if (this.stream.pendingBytes > AttachLimit.PENDING_DATA_BYTES) this.counters.droppedQueueFull++;
    else {
      this.counters.sent++;
      const packet = this.node.core.bytes.subarray(offset, offset + length);
      this.stream.write(encodeFrame({ local, remote, flags: 0 }, packet));
    }
  }

  /** Do what a record asks for; if that cannot be, answer with `verb`, ERROR and the reason. */
  private answerOrRefuse(record: MdpRecord, verb: number, answer: () => void): void {
    try {
      answer();
    } catch (error) {
      if (!(error instanceof MspError)) throw error;
      const { local, remote } = record;
      const reason = encoder.encode(error.message).subarray(0, REASON_BYTES);
      this.write({ local, remote, flags: verb | RecordFlag.ERROR }, reason);
    }
  }

  /** An answer, which is never dropped: a client that asks on and on without reading is let go instead. */
  private write(header: RecordHeader, payload?: Uint8Array): void {
    if (this.stream.pendingBytes > AttachLimit.PENDING_BYTES) this.close();
    if (!this.closed) this.stream.write(encodeFrame(header, payload));
  }

  private closeBindings(): void {
    for (const binding of this.bindings.removeAll()) binding.close();
  }

  /** What a record's local end names here; undefined for a SID that is not the node's. */
  private resolve({ sid, port }: RecordAddress): BindAddress | undefined {
    if (isBroadcast(sid)) return { sid: BIND_ALL, port };
    const identity = isAny(sid) ? this.node.identities[0] : this.identity(sid);
    return identity && { sid: identity, port };
  }

  private identity(sid: Uint8Array): Sid | undefined {
    return this.node.identities.find((identity) => equalBytes(identity.bytes, sid));
  }
}

/** As a {@link PortTable} has it: undefined stands for all. */
function boundSid({ sid }: BindAddress): Sid | undefined {
  return typeof sid === "symbol" ? undefined : sid;
}

const UNPROTECTED = RecordFlag.NOT_CIPHERED | RecordFlag.NOT_SIGNED;

/** Longest reason of a refusal, in bytes. */
const REASON_BYTES = 256;

const encoder = new TextEncoder();
