import { TRANSMITTER_ADDRESS, wholeAddress } from "../../src/overlay/address.ts";
import { encodeEnvelope, parseEnvelope } from "../../src/overlay/envelope.ts";
import { encodeFrameHead, type Frame, FrameFlag, parseFrame } from "../../src/overlay/frame.ts";
import { encodeLinkRecord, type LinkRecordToWrite, parseLinkRecord } from "../../src/overlay/link-state.ts";
import { encodePorts, parsePorts } from "../../src/overlay/ports.ts";
import { type Heard, testIdentity, testNode, testSegment } from "./rig.ts";

/** The link-state records in a packet. */
export function recordsIn({ bytes }: Heard) {
  const envelope = parseEnvelope(bytes, 0, bytes.length);
  if (envelope.kind === "fault") return [];
  const records = [];
  for (let at = envelope.framesOffset; at < bytes.length; ) {
    const frame = parseFrame(bytes, at, bytes.length, envelope.version, envelope.encapsulation);
    if (frame.kind === "fault") break;
    at = frame.end;
    if (frame.flags & (FrameFlag.CIPHERED | FrameFlag.LEGACY_TYPE)) continue;
    const ports = parsePorts(bytes, frame.payloadOffset, frame.end);
    if (ports.kind === "fault") continue;
    for (let from = ports.end; from < frame.end; ) {
      const record = parseLinkRecord(bytes, from, frame.end);
      if (record.kind === "fault") break;
      from = record.end;
      records.push(record);
    }
  }
  return records;
}

/** A packet by hand, of a scripted neighbour with the SID `sid`. */
export function packetOf(
  sid: Uint8Array,
  options: { sequence?: number; frameFlags?: number; records?: readonly LinkRecordToWrite[] },
): Uint8Array {
  const out = new Uint8Array(1200);
  let end = encodeEnvelope(out, 0, {
    version: 0,
    encapsulation: 1,
    transmitter: wholeAddress(sid),
    flags: 1,
    interfaceNumber: 3,
    sequence: options.sequence ?? -1,
  });
  if (options.records === undefined) return out.slice(0, end);
  const payload = new Uint8Array(1000);
  let length = encodePorts(payload, 0, 2, 2);
  for (const record of options.records) length = encodeLinkRecord(payload, length, record);
  const flags = FrameFlag.SENDER_SAME | FrameFlag.BROADCAST | FrameFlag.ONE_HOP;
  end = encodeFrameHead(out, end, { flags: flags | (options.frameFlags ?? 0), sequence: -1 }, 1, length);
  out.set(payload.subarray(0, length), end);
  return out.slice(0, end + length);
}

/** A node, and the address "x" from which the test speaks for a scripted neighbour. */
export async function scripted(peers: string[] = []) {
  const { clock, random, segment } = testSegment(1);
  const node = await testNode({
    identities: [await testIdentity(1)],
    links: [{ transport: segment.port("n"), broadcast: false, peers }],
    clock,
    entropy: random.fork(),
  });
  segment.port("x").onDatagram(() => {});
  const x = (await testIdentity(77)).sid;
  const hearsUs: LinkRecordToWrite = {
    flags: 0x08,
    receiver: TRANSMITTER_ADDRESS,
    version: 1,
    transmitter: wholeAddress(node.identities[0]!.bytes),
    interfaceNumber: 0,
  };
  const speak = (options: Parameters<typeof packetOf>[1]) =>
    segment.link("x", "n").send(packetOf(x.bytes, options));
  return { clock, segment, node, x, hearsUs, speak };
}

/** A packet that carries a sealed frame: when, its number (-1: none) and the frame. */
export interface SealedPacket {
  readonly atMs: number;
  readonly sequence: number;
  readonly frame: Frame;
  readonly payload: string;
}

/** The packets that carry a sealed frame. */
export function sealedIn(sent: readonly Heard[]): SealedPacket[] {
  const packets: SealedPacket[] = [];
  for (const { atMs, bytes } of sent) {
    const envelope = parseEnvelope(bytes, 0, bytes.length);
    if (envelope.kind === "fault") continue;
    const frame = parseFrame(bytes, envelope.framesOffset, bytes.length, 1, envelope.encapsulation);
    if (frame.kind === "fault" || (frame.flags & FrameFlag.CIPHERED) === 0) continue;
    const payload = bytes.subarray(frame.payloadOffset, frame.end).join();
    packets.push({ atMs, sequence: envelope.sequence, frame, payload });
  }
  return packets;
}
