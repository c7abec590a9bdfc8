import { Sid } from "@meshstream/msp";
import type { VirtualClock } from "@meshstream/netem";
import type { OverlayNode } from "../../src/index.ts";
import {
  type AddressToWrite,
  abbreviatedAddress,
  TRANSMITTER_ADDRESS,
  type WireAddress,
  wholeAddress,
} from "../../src/overlay/address.ts";
import { encodeEnvelope, parseEnvelope } from "../../src/overlay/envelope.ts";
import {
  encodeFrameHead,
  type Frame,
  FrameFlag,
  type FrameToWrite,
  parseFrame,
} from "../../src/overlay/frame.ts";
import {
  encodeLinkRecord,
  type LinkRecord,
  type LinkRecordToWrite,
  parseLinkRecord,
} from "../../src/overlay/link-state.ts";
import { encodePorts, parsePorts } from "../../src/overlay/ports.ts";
import { type Segment, testIdentity, testNode, testSegment } from "./rig.ts";

/** A frame as a scripted neighbour hears it; SIDs as the bytes that the address has. */
export interface HeardFrame {
  /** Without ACK_SOON. */
  readonly flags: number;
  readonly asksForAck: boolean;
  readonly source: string | undefined;
  readonly destination: string | undefined;
  readonly nextHop: string | undefined;
  readonly ttl: number;
  readonly payload: Uint8Array;
  readonly packetBytes: number;
}

/** A node, and neighbours that say what a test wants them to; all on one segment without delay. */
export async function scriptedMesh(
  options: { identities?: readonly number[]; mtuBytes?: number; pointToPoint?: boolean } = {},
) {
  const { clock, random, segment } = testSegment(1);
  const identities = await Promise.all((options.identities ?? [1]).map(testIdentity));
  const transport = segment.port("node", { mtuBytes: options.mtuBytes ?? 1472 });
  const { pointToPoint = false } = options;
  const node = await testNode({
    identities,
    links: [{ transport, broadcast: false, pointToPoint }],
    clock,
    entropy: random.fork(),
  });
  const neighbour = async (name: string, identity: number) =>
    new Scripted({ clock, segment, node, name, sid: (await testIdentity(identity)).sid });
  return { clock, random, segment, node, identities, neighbour };
}

export class Scripted {
  readonly sid: Sid;
  readonly name: string;
  readonly #clock: VirtualClock;
  readonly #segment: Segment;
  readonly #node: OverlayNode;
  #mark = 0;
  #isSilent = false;

  constructor(parts: { clock: VirtualClock; segment: Segment; node: OverlayNode; name: string; sid: Sid }) {
    this.sid = parts.sid;
    this.name = parts.name;
    this.#clock = parts.clock;
    this.#segment = parts.segment;
    this.#node = parts.node;
    this.#segment.port(this.name).onDatagram(() => {});
    this.#hearsUs();
  }

  /** From now on it does not say any more that it hears the node. */
  fallSilent(): void {
    this.#isSilent = true;
  }

  /** "The way to `to`: the last hop is `from`." */
  path(to: Sid, from: Sid | undefined, dropRate = 0, version = 1): LinkRecordToWrite {
    const transmitter = from && (from === this.sid ? TRANSMITTER_ADDRESS : wholeAddress(from.bytes));
    return { flags: 0, receiver: wholeAddress(to.bytes), version, transmitter, dropRate };
  }

  say(...records: readonly LinkRecordToWrite[]): void {
    const payload = new Uint8Array(1200);
    let end = encodePorts(payload, 0, 2, 2);
    for (const record of records) end = encodeLinkRecord(payload, end, record);
    this.send({ flags: 0x07, sequence: -1 }, payload.subarray(0, end));
  }

  /** Send a frame by unicast, in a packet that says in full who sent it, or as `transmitter` says. */
  send(frame: FrameToWrite, payload: Uint8Array, transmitter = wholeAddress(this.sid.bytes)): void {
    const out = new Uint8Array(2000);
    const envelope = {
      version: 0,
      encapsulation: 1,
      transmitter,
      flags: 1,
      interfaceNumber: 0,
      sequence: -1,
    };
    let end = encodeEnvelope(out, 0, envelope);
    end = encodeFrameHead(out, end, frame, 1, payload.length);
    out.set(payload, end);
    this.#segment.link(this.name, "node").send(out.slice(0, end + payload.length));
  }

  /** One packet with a number: what comes without one after it is of a node that began anew. */
  numberOnce(): void {
    const out = new Uint8Array(100);
    const transmitter = wholeAddress(this.sid.bytes);
    const envelope = { version: 0, encapsulation: 1, transmitter, flags: 1, interfaceNumber: 0, sequence: 1 };
    this.#segment.link(this.name, "node").send(out.slice(0, encodeEnvelope(out, 0, envelope)));
  }

  /** What the node sent to it since the last call. */
  heard(): HeardFrame[] {
    const packets = this.#segment.sent.slice(this.#mark).filter(({ to }) => to === this.name);
    this.#mark = this.#segment.sent.length;
    return packets.flatMap(({ bytes }) => framesIn(bytes));
  }

  /** The same, but for link state. */
  heardFrames(): HeardFrame[] {
    return this.heard().filter(({ flags }) => (flags & 0x97) !== 0x07 && (flags & 0x97) !== 0x05);
  }

  /** The path records that the node sent to it since the last call. */
  heardPaths(): { receiver: string; transmitter: string | undefined; version: number; dropRate: number }[] {
    return this.heard()
      .filter(({ flags }) => (flags & 0x97) === 0x07)
      .flatMap(({ payload }) => recordsIn(payload))
      .filter(({ record }) => record.dropRate >= 0)
      .map(({ record, payload }) => ({
        receiver: hexOf(payload, record.receiver)!,
        transmitter: hexOf(payload, record.transmitter),
        version: record.version,
        dropRate: record.dropRate,
      }));
  }

  #hearsUs(): void {
    if (this.#isSilent) return;
    const transmitter = wholeAddress(this.#node.identities[0]!.bytes);
    this.say({ flags: 8, receiver: TRANSMITTER_ADDRESS, version: 1, transmitter, interfaceNumber: 0 });
    this.#clock.setTimer(this.#clock.now() + 500, () => this.#hearsUs());
  }
}

/** A SID that no node of the test has. */
export function strangeSid(number: number): Sid {
  const bytes = new Uint8Array(32).fill(9);
  // A factor that spreads them, as real ones are: no two numbers below 2^32 give the same.
  new DataView(bytes.buffer).setUint32(0, Math.imul(number + 1, 0x9e37_79b1) >>> 0);
  return Sid.fromBytes(bytes);
}

export function shortOf(sid: Sid): AddressToWrite {
  return abbreviatedAddress(sid.bytes, 8);
}

/** The first bytes of a SID as {@link HeardFrame} shows an address of `length` bytes. */
export function hexHead(sid: Sid, length = 8): string {
  return sid.hex.slice(0, 2 * length).toLowerCase();
}

function framesIn(bytes: Uint8Array): HeardFrame[] {
  const envelope = parseEnvelope(bytes, 0, bytes.length);
  const frames: HeardFrame[] = [];
  if (envelope.kind === "fault") return frames;
  for (let at = envelope.framesOffset; at < bytes.length; ) {
    const frame = parseFrame(bytes, at, bytes.length, envelope.version, envelope.encapsulation);
    if (frame.kind === "fault") break;
    at = frame.end;
    frames.push(heardFrame(bytes, frame));
  }
  return frames;
}

function heardFrame(bytes: Uint8Array, frame: Frame): HeardFrame {
  return {
    flags: frame.flags & ~FrameFlag.ACK_SOON,
    asksForAck: (frame.flags & FrameFlag.ACK_SOON) !== 0,
    source: hexOf(bytes, frame.source),
    destination: hexOf(bytes, frame.destination),
    nextHop: hexOf(bytes, frame.nextHop),
    ttl: frame.ttl,
    payload: bytes.slice(frame.payloadOffset, frame.end),
    packetBytes: bytes.length,
  };
}

function recordsIn(payload: Uint8Array): { record: LinkRecord; payload: Uint8Array }[] {
  const ports = parsePorts(payload, 0, payload.length);
  const records = [];
  for (let at = ports.kind === "fault" ? payload.length : ports.end; at < payload.length; ) {
    const record = parseLinkRecord(payload, at, payload.length);
    if (record.kind === "fault") break;
    at = record.end;
    records.push({ record, payload });
  }
  return records;
}

/** The key bytes in hex; "me" for the transmitter. */
function hexOf(bytes: Uint8Array, address: WireAddress | undefined): string | undefined {
  if (address === undefined) return undefined;
  if (address.length === 0) return "me";
  return Buffer.from(bytes.subarray(address.offset, address.offset + address.length)).toString("hex");
}
