import {
  BIND_ALL,
  BIND_PRIMARY,
  type BindAddress,
  type Clock,
  type Entropy,
  MspError,
  type PacketReceiver,
  parsePort,
  type SealedBinding,
  type SealedTransport,
  SID_BYTES,
  Sid,
} from "@meshstream/msp";
import type { Core } from "@meshstream/wasm-core";
import {
  isAny,
  type MdpRecord,
  parseRecord,
  type RecordAddress,
  RecordFlag,
  type RecordHeader,
  SID_ANY,
  SID_BROADCAST,
} from "../mdp2/record.ts";
import type { NeighbourInfo } from "../overlay/neighbour-info.ts";
import type { RouteInfo } from "../overlay/paths.ts";
import { encodeService, type PublishedService, parseService } from "../overlay/services/service-directory.ts";
import { type BindingOwner, ClientBinding } from "./client-binding.ts";
import { type AttachCounters, createAttachCounters } from "./counters.ts";
import { ATTACH_VERSION, encodeFrame, encodeHello, type FrameFault, FrameReader } from "./frame.ts";
import { AttachLimit } from "./limits.ts";
import {
  ManagementPort,
  type NodeStatus,
  parseNeighbour,
  parseRoute,
  parseStatus,
  ROUTES_PER_PAGE,
} from "./management.ts";
import { PortTable } from "./port-table.ts";
import { equalBytes, SidTable } from "./sid-table.ts";
import type { ByteStream } from "./stream.ts";

export interface AttachOptions {
  /** For the time limit of the greeting. */
  readonly clock: Clock;
  /** For the numbers of automatic ports. */
  readonly entropy: Entropy;
  /** How long the holder may take to answer, in milliseconds. Default 5000. */
  readonly timeoutMs?: number;
}

/** A node that lives in another process of this machine, the holder of the home. */
export interface AttachedTransport extends SealedTransport {
  /** What the holder said of itself when it was attached to. */
  readonly status: NodeStatus;
  readonly counters: Readonly<AttachCounters>;
  /** The node's neighbour table. Rejects with MspError "transport-lost". */
  neighbours(): Promise<readonly NeighbourInfo[]>;
  /** The node's routes. Rejects with MspError "transport-lost". */
  routes(): Promise<readonly RouteInfo[]>;
  /** Have the node try to reach a neighbour at a link address. Rejects with MspError "address" if it is none, or "transport-lost". */
  addPeer(address: string): Promise<void>;
  /**
   * Have the node tell of a service while this program is attached; see ServiceDirectory.publish. It is told once `ready`
   * resolves; that rejects with MspError "address" and the holder's reason, or "transport-lost".
   */
  publishService(name: string, port: number): PublishedService;
}

/**
 * Attach to the node at the other end of `stream`: the client's side of the attach protocol (docs/wire.md W12).
 * The node's ports, identities and neighbours are then used through the stream; the holder seals.
 *
 * A port asked for as 0 is drawn here, at random, below 2^31, so that it is known at once.
 * Rejects with MspError "transport-start" if the other side speaks another protocol or version, or does not answer in
 * time, and "transport-lost" if the stream ends first: the holder was just going, and trying again makes sense.
 * Worst-case memory: see {@link AttachLimit}, about 3 MiB, and 4 MiB more while a large neighbour table arrives.
 *
 * @example const transport = await attach(core, socketStream(socket), { clock: systemClock, entropy: systemEntropy });
 */
export async function attach(
  core: Core,
  stream: ByteStream,
  options: AttachOptions,
): Promise<AttachedTransport> {
  const node = new AttachedNode(core, stream, options.entropy);
  await node.open(options.clock, options.timeoutMs ?? 5000);
  return node;
}

/** A management request under way: answers are collected until the record that ends them. */
interface Request {
  readonly answers: Uint8Array[];
  resolve(answers: readonly Uint8Array[]): void;
  reject(error: MspError): void;
}

class AttachedNode implements AttachedTransport, BindingOwner {
  readonly core: Core;
  readonly counters = createAttachCounters();
  readonly stream: ByteStream;
  identities: readonly Sid[] = [];
  status: NodeStatus = {};
  private readonly entropy: Entropy;
  private readonly reader: FrameReader;
  private readonly bindings = new PortTable<ClientBinding>();
  private readonly remotes = new SidTable(AttachLimit.SIDS);
  /** Binds and requests that the holder has not answered yet: it answers each kind in order. */
  private readonly unansweredBinds: ClientBinding[] = [];
  private readonly requests: Request[] = [];
  /** Why nothing goes any more; undefined while all is well. */
  private ended: MspError | undefined;
  private readonly streamClosed: Promise<void>;
  private handleLost: ((error: MspError) => void) | undefined;

  constructor(core: Core, stream: ByteStream, entropy: Entropy) {
    this.core = core;
    this.stream = stream;
    this.entropy = entropy;
    this.reader = new FrameReader({
      handleHello: () => {},
      handleRecord: (record) => this.handleRecord(record),
      handleFault: (fault) => this.end(outOfStep(fault)),
    });
    this.streamClosed = new Promise((resolve) => {
      stream.onClose(() => {
        this.end(new MspError("transport-lost", "the program that holds this home has ended"));
        resolve();
      });
    });
    stream.write(encodeHello());
    stream.onData((chunk) => this.reader.push(chunk));
  }

  /** Learn what the node is. Nothing else may be called before. */
  async open(clock: Clock, timeoutMs: number): Promise<void> {
    const late = `the program that holds this home does not answer (waited ${timeoutMs} ms)`;
    const timer = clock.setTimer(clock.now() + timeoutMs, () =>
      this.end(new MspError("transport-start", late)),
    );
    try {
      const [sids, status] = await Promise.all([
        this.request(ManagementPort.IDENTITIES),
        this.request(ManagementPort.STATUS),
      ]);
      this.identities = sids
        .filter((bytes) => bytes.length === SID_BYTES)
        .map((bytes) => Sid.fromBytes(bytes));
      this.status = (status[0] && parseStatus(status[0])) ?? {};
    } finally {
      timer.cancel();
    }
    if (this.identities.length > 0) return;
    this.end(new MspError("transport-start", "the program that holds this home names no identity"));
    throw this.ended;
  }

  bind(local: BindAddress, receive: PacketReceiver): SealedBinding {
    if (this.ended !== undefined) throw this.ended;
    const primary = this.identities[0]!;
    const bound = local.sid === BIND_ALL ? undefined : local.sid === BIND_PRIMARY ? primary : local.sid;
    const sid = this.identities.find((identity) => identity.hex === (bound ?? primary).hex);
    if (sid === undefined) throw new MspError("address", `${bound?.hex} is no identity of this node`);
    const port = parsePort(local.port, 0) || this.drawPort(sid);
    const binding = new ClientBinding(this, { sid, port }, bound, receive);
    if (!this.bindings.add(bound, port, binding))
      throw new MspError("port-in-use", `port ${port} is bound already`);
    this.unansweredBinds.push(binding);
    this.write({ local: wireEnd(binding), remote: NODE, flags: RecordFlag.BIND });
    return binding;
  }

  unbind(binding: ClientBinding): void {
    this.bindings.remove(binding.bound, binding.local.port);
    this.write({ local: wireEnd(binding), remote: NODE, flags: RecordFlag.CLOSE });
  }

  async neighbours(): Promise<readonly NeighbourInfo[]> {
    const rows = (await this.request(ManagementPort.NEIGHBOURS)).map(parseNeighbour);
    return rows.filter((row) => row !== undefined);
  }

  async routes(): Promise<readonly RouteInfo[]> {
    const routes: RouteInfo[] = [];
    while (routes.length < AttachLimit.ROUTES) {
      const page = await this.request(ManagementPort.ROUTES, routes.at(-1)?.sid.bytes);
      const rows = page.map(parseRoute).filter((row) => row !== undefined);
      routes.push(...rows);
      // A page without a row that can be read would come again and again.
      if (page.length < ROUTES_PER_PAGE || rows.length === 0) break;
    }
    return routes;
  }

  async addPeer(address: string): Promise<void> {
    await this.request(ManagementPort.ADD_PEER, new TextEncoder().encode(address));
  }

  publishService(name: string, port: number): PublishedService {
    parseService(name, port);
    const payload = encodeService(name, port);
    const asked = this.request(ManagementPort.PUBLISH, payload);
    let isClosed = false;
    const close = () => {
      if (isClosed) return;
      isClosed = true;
      // One that was refused must not withdraw another of the same name and port. Whatever else keeps it from being
      // withdrawn has withdrawn it.
      asked.then(() => this.request(ManagementPort.WITHDRAW, payload)).catch(() => {});
    };
    const ready = asked.then(() => undefined);
    ready.catch(() => {});
    return { name, port, ready, close };
  }

  onLost(handle: (error: MspError) => void): void {
    this.handleLost = handle;
    const { ended } = this;
    if (ended?.code === "transport-lost") queueMicrotask(() => handle(ended));
  }

  async close(): Promise<void> {
    this.end(new MspError("aborted", "the transport was closed"));
    await this.streamClosed;
  }

  private handleRecord(bytes: Uint8Array): void {
    const record = parseRecord(bytes, true);
    if (record.kind === "fault") this.counters.droppedMalformed++;
    else if ((record.flags & RecordFlag.BIND) !== 0) this.handleBound(record);
    else if (isAny(record.remote.sid)) this.handleAnswer(record);
    else if (record.kind === "data") this.handleData(record);
    else this.counters.droppedMalformed++;
  }

  private handleBound(record: MdpRecord): void {
    const binding = this.unansweredBinds.shift();
    if (binding === undefined) this.counters.droppedMalformed++;
    else if (record.kind !== "error") binding.settle();
    else {
      if (!binding.isClosed) this.bindings.remove(binding.bound, binding.local.port);
      binding.end(new MspError("port-in-use", decoder.decode(record.payload)));
    }
  }

  private handleAnswer(record: MdpRecord): void {
    const request = this.requests[0];
    if (request === undefined || request.answers.length >= AttachLimit.ANSWER_RECORDS) {
      this.counters.droppedMalformed++;
    } else if ((record.flags & RecordFlag.CLOSE) === 0) {
      request.answers.push(record.payload.slice());
    } else {
      this.requests.shift();
      if (record.kind === "error") request.reject(new MspError("address", decoder.decode(record.payload)));
      else request.resolve(request.answers);
    }
  }

  private handleData(record: MdpRecord): void {
    const { local, remote, payload, flags } = record;
    const sid = this.identities.find((identity) => equalBytes(identity.bytes, local.sid));
    const binding = sid && this.bindings.find(sid, local.port);
    if (sid === undefined) this.counters.droppedNotOurs++;
    else if (binding === undefined) this.counters.droppedNotBound++;
    else if ((flags & UNPROTECTED) !== 0) this.counters.droppedUnprotected++;
    else if (payload.length === 0) this.counters.droppedSize++;
    else {
      this.counters.received++;
      const { offset } = this.core.receiveRegion;
      this.core.bytes.set(payload, offset);
      binding.receive(sid, this.remotes.intern(remote.sid), remote.port, offset, payload.length);
    }
  }

  private request(port: number, payload?: Uint8Array): Promise<readonly Uint8Array[]> {
    if (this.ended !== undefined) return Promise.reject(this.ended);
    return new Promise((resolve, reject) => {
      this.requests.push({ answers: [], resolve, reject });
      this.write({ local: NODE, remote: { sid: SID_ANY, port }, flags: 0 }, payload);
    });
  }

  private write(header: RecordHeader, payload?: Uint8Array): void {
    if (this.ended === undefined) this.stream.write(encodeFrame(header, payload));
  }

  /** Everything stops, for this reason; only the first counts. */
  private end(error: MspError): void {
    if (this.ended !== undefined) return;
    this.ended = error;
    this.reader.stop();
    this.stream.close();
    for (const request of this.requests.splice(0)) request.reject(error);
    for (const binding of [...this.bindings.removeAll(), ...this.unansweredBinds.splice(0)])
      binding.end(error);
    if (error.code === "transport-lost") this.handleLost?.(error);
  }

  /** A random port below 2^31, above all that have a meaning, that this client has not bound. */
  private drawPort(sid: Sid): number {
    const bytes = new Uint8Array(4);
    for (;;) {
      this.entropy.fill(bytes);
      const port = (new DataView(bytes.buffer).getUint32(0) & 0x7fff_ffff) | 0x1_0000;
      if (this.bindings.find(sid, port) === undefined) return port;
    }
  }
}

/** A binding as a record names it. */
function wireEnd({ bound, local }: ClientBinding): RecordAddress {
  return { sid: bound?.bytes ?? SID_BROADCAST, port: local.port };
}

function outOfStep(fault: FrameFault): MspError {
  switch (fault.reason) {
    case "hello-magic":
      return new MspError("transport-start", "what answers at this home's socket is no Meshstream node");
    case "hello-version":
      return new MspError(
        "transport-start",
        `the program that holds this home speaks version ${fault.version} of the attach protocol, this one ${ATTACH_VERSION}: use the same release for both`,
      );
    case "record-length":
      return new MspError(
        "transport-lost",
        `the holder's stream is out of step (a record of ${fault.lengthBytes} bytes)`,
      );
  }
}

/** The node itself. */
const NODE: RecordAddress = { sid: SID_ANY, port: 0 };

const UNPROTECTED = RecordFlag.NOT_CIPHERED | RecordFlag.NOT_SIGNED;

const decoder = new TextDecoder();
