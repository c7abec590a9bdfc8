import { AddressForm, type WireAddress } from "../../src/overlay/address.ts";
import { parseEnvelope } from "../../src/overlay/envelope.ts";
import { parseExplained } from "../../src/overlay/explain.ts";
import { type Frame, FrameFlag, FrameType, parseFrame } from "../../src/overlay/frame.ts";
import type { Identity } from "../../src/overlay/identity.ts";
import { parseLinkRecord } from "../../src/overlay/link-state.ts";
import { parsePorts, ServicePort } from "../../src/overlay/ports.ts";
import { SEAL_BYTES, type SealKey, type SealProvider } from "../../src/overlay/seal.ts";

/**
 * Watches the datagrams that simulated nodes send, and tells of whatever must never go to a deployed node
 * (docs/wire.md W3.4, W5.7, W6.1, W6.4): addresses of no length, explanations cut short, messages without a payload,
 * payloads of 1200 bytes or more, packets longer than a link's 1200, and all that cannot be parsed to its last byte. It
 * is part of every {@link Segment}, so that every simulated mesh is held to this.
 */
export class DatagramGuard {
  /** Sealed messages that were opened to look at what is in them. */
  openedCount = 0;
  readonly #identities: ReadonlyMap<string, Identity>;
  readonly #provider: SealProvider | undefined;
  readonly #keys = new Map<string, SealKey | undefined>();

  /** `identities`, by hex SID, and `provider` open what is sealed between these; the rest is judged by its length. */
  constructor(identities: ReadonlyMap<string, Identity> = new Map(), provider?: SealProvider) {
    this.#identities = identities;
    this.#provider = provider;
  }

  /** What is wrong with a datagram, in words; undefined if nothing is. */
  harmIn(bytes: Uint8Array): string | undefined {
    if (bytes.length > 1200) return `a packet of ${bytes.length} bytes`;
    const envelope = parseEnvelope(bytes, 0, bytes.length);
    if (envelope.kind === "fault") return envelope.reason;
    if (!isNamed(envelope.transmitter)) return "a transmitter that names nobody";
    for (let at = envelope.framesOffset; at < bytes.length; ) {
      const frame = parseFrame(bytes, at, bytes.length, envelope.version, envelope.encapsulation);
      if (frame.kind === "fault") return frame.reason;
      const harm = this.#harmInFrame(bytes, frame, envelope.transmitter);
      if (harm !== undefined) return harm;
      at = frame.end;
    }
    return undefined;
  }

  #harmInFrame(bytes: Uint8Array, frame: Frame, transmitter: WireAddress): string | undefined {
    const { flags, payloadLength } = frame;
    if (payloadLength >= 1200) return `a frame payload of ${payloadLength} bytes`;
    if ((flags & FrameFlag.ONE_HOP) === 0 && frame.ttl === 0) return "a frame at the end of its time to live";
    for (const address of [frame.source, frame.destination, frame.nextHop]) {
      if (address !== undefined && !isNamed(address)) return "an address that names nobody";
    }
    if (flags & FrameFlag.LEGACY_TYPE) return harmInExplain(bytes, frame, transmitter);
    if (flags & FrameFlag.CIPHERED) return this.#harmInSealed(bytes, frame, transmitter);
    return harmInPlain(bytes, frame);
  }

  #harmInSealed(bytes: Uint8Array, frame: Frame, transmitter: WireAddress): string | undefined {
    if ((frame.flags & FrameFlag.SIGNED) === 0) return "a ciphered message that is not signed";
    if (frame.destination === undefined) return "a ciphered broadcast";
    if (frame.payloadLength < SEAL_BYTES + 2) return "a sealed message without a payload";
    const sealed = bytes.slice(frame.payloadOffset, frame.end);
    const key = this.#key(bytes, frame.source ?? transmitter, frame.destination);
    // Of a stranger's frame that is handed on only the length shows.
    if (key === undefined || !this.#provider!.open(key, sealed, 0, sealed.length)) return undefined;
    this.openedCount++;
    return harmInMessage(sealed, SEAL_BYTES, sealed.length);
  }

  /** The key of two test identities, or undefined. */
  #key(bytes: Uint8Array, source: WireAddress, destination: WireAddress): SealKey | undefined {
    const [from, to] = [this.#find(bytes, source), this.#find(bytes, destination)];
    if (from === undefined || to === undefined || this.#provider === undefined) return undefined;
    const name = `${from.sid.hex} ${to.sid.hex}`;
    if (!this.#keys.has(name)) this.#keys.set(name, this.#provider.agree(to.boxSecret, from.sid.bytes));
    return this.#keys.get(name);
  }

  #find(bytes: Uint8Array, { offset, length }: WireAddress): Identity | undefined {
    const head = Buffer.from(bytes.subarray(offset, offset + length))
      .toString("hex")
      .toUpperCase();
    for (const [hex, identity] of this.#identities) if (hex.startsWith(head)) return identity;
    return undefined;
  }
}

/** The forms that stand for a node outside records and explanations, of those that ours write. */
function isNamed({ form }: WireAddress): boolean {
  return form === AddressForm.ABBREVIATION || form === AddressForm.SID;
}

function harmInExplain(bytes: Uint8Array, frame: Frame, transmitter: WireAddress): string | undefined {
  if (frame.type !== FrameType.EXPLAIN) return `a frame of type ${frame.type}`;
  if (frame.flags & (FrameFlag.CIPHERED | FrameFlag.SIGNED)) return "an explanation that is not in clear";
  if (transmitter.form !== AddressForm.SID) return "an explanation by a transmitter that is abbreviated";
  for (let at = frame.payloadOffset; at < frame.end; ) {
    const address = parseExplained(bytes, at, frame.end);
    if (address.kind === "fault") return `in an explanation: ${address.reason}`;
    at = address.end;
  }
  return undefined;
}

function harmInPlain(bytes: Uint8Array, frame: Frame): string | undefined {
  const isSigned = (frame.flags & FrameFlag.SIGNED) !== 0;
  const end = isSigned ? frame.end - SIGNATURE_BYTES : frame.end;
  const harm = harmInMessage(bytes, frame.payloadOffset, end);
  if (harm !== undefined) return harm;
  const ports = parsePorts(bytes, frame.payloadOffset, end);
  if (ports.kind === "fault") return ports.reason;
  const isLinkState = ports.source === ServicePort.LINK_STATE && ports.destination === ServicePort.LINK_STATE;
  if (isLinkState && (frame.flags & FrameFlag.ONE_HOP) === 0) return "link state for others than neighbours";
  if (isLinkState) return harmInRecords(bytes, ports.end, end);
  // What others said in clear is handed on as it is.
  return frame.source === undefined ? "a message of its own in clear" : undefined;
}

function harmInMessage(bytes: Uint8Array, offset: number, end: number): string | undefined {
  const ports = parsePorts(bytes, offset, end);
  if (ports.kind === "fault") return ports.reason;
  return ports.end >= end ? "a message without a payload" : undefined;
}

function harmInRecords(bytes: Uint8Array, offset: number, end: number): string | undefined {
  for (let at = offset; at < end; ) {
    const record = parseLinkRecord(bytes, at, end);
    if (record.kind === "fault") return record.reason;
    for (const address of [record.receiver, record.transmitter]) {
      if (address === undefined || isNamed(address) || address.form === AddressForm.TRANSMITTER) continue;
      return "a record about nobody";
    }
    at = record.end;
  }
  return undefined;
}

/** Of an Ed25519 signature (docs/wire.md W3.2). */
const SIGNATURE_BYTES = 64;
