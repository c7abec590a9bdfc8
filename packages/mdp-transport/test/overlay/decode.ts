import { createCoreSync, PacketFlag, PacketKind } from "@meshstream/wasm-core";
import type { WireAddress } from "../../src/overlay/address.ts";
import { AddressBook, type BookEntry } from "../../src/overlay/address-book.ts";
import { type Envelope, parseEnvelope } from "../../src/overlay/envelope.ts";
import { type Frame, FrameFlag, parseFrame } from "../../src/overlay/frame.ts";
import type { Identity } from "../../src/overlay/identity.ts";
import { type LinkRecord, parseLinkRecord } from "../../src/overlay/link-state.ts";
import { parsePorts } from "../../src/overlay/ports.ts";
import { AddressResolver } from "../../src/overlay/resolver.ts";
import { NONCE_BYTES, SEAL_BYTES, type SealProvider } from "../../src/overlay/seal.ts";
import { toHex } from "./vectors.ts";

/** Decodes whole packets into the plain form of the vector files, with the product's codec. */
export class Decoder {
  readonly #names: readonly string[];
  readonly #identities: readonly Identity[];
  readonly #provider: SealProvider;
  readonly #book: AddressBook;
  readonly #core = createCoreSync({ engine: "ts", poolBytes: 1 << 20 });
  readonly faults: string[] = [];
  openedCount = 0;

  constructor(names: readonly string[], identities: readonly Identity[], provider: SealProvider) {
    this.#names = names;
    this.#identities = identities;
    this.#provider = provider;
    this.#book = new AddressBook(identities.map(({ sid }) => sid));
  }

  /** `bytes` is changed: sealed payloads are opened in place. */
  packet(bytes: Uint8Array): Record<string, unknown> | undefined {
    const envelope = parseEnvelope(bytes, 0, bytes.length);
    if (envelope.kind === "fault") return this.#fail(envelope.reason);
    const resolver = new AddressResolver(this.#book);
    resolver.begin(undefined);
    const transmitter = resolver.resolve(bytes, envelope.transmitter, 0);
    resolver.begin(typeof transmitter === "string" ? undefined : transmitter);
    const frames: unknown[] = [];
    for (let at = envelope.framesOffset; at < bytes.length; ) {
      const frame = parseFrame(bytes, at, bytes.length, envelope.version, envelope.encapsulation);
      if (frame.kind === "fault") return this.#fail(frame.reason);
      at = frame.end;
      frames.push(this.#frame(bytes, frame, transmitter, resolver));
    }
    return this.#envelope(envelope, transmitter, frames);
  }

  #envelope(envelope: Envelope, transmitter: BookEntry | string, frames: unknown[]) {
    return {
      version: envelope.version,
      encapsulation: envelope.encapsulation,
      transmitter: this.#name(transmitter),
      flags: envelope.flags,
      ...(envelope.flags & 0x02 && { interface: envelope.interfaceNumber }),
      ...(envelope.sequence >= 0 && { sequence: envelope.sequence }),
      frames,
    };
  }

  #frame(
    bytes: Uint8Array,
    frame: Frame,
    transmitter: BookEntry | string,
    resolver: AddressResolver,
  ): Record<string, unknown> {
    const resolve = (address: WireAddress | undefined) => address && resolver.resolve(bytes, address, 0);
    const source = resolve(frame.source) ?? transmitter;
    const destination = resolve(frame.destination);
    const nextHop = resolve(frame.nextHop);
    const head = {
      flags: frame.flags,
      source: this.#name(source),
      ...(destination && { destination: this.#name(destination) }),
      ...(nextHop && { nextHop: this.#name(nextHop) }),
      ...(!(frame.flags & FrameFlag.ONE_HOP) && { ttl: frame.ttl, qos: frame.queue }),
      ...(frame.type >= 0 && { legacyType: frame.type }),
      ...(frame.sequence >= 0 && { sequence: frame.sequence }),
      payloadLength: frame.payloadLength,
    };
    const { payloadOffset } = frame;
    const end = payloadOffset + frame.payloadLength;
    if (frame.flags & FrameFlag.LEGACY_TYPE) {
      return { ...head, payload: toHex(bytes.subarray(payloadOffset, end)) };
    }
    if (!(frame.flags & FrameFlag.CIPHERED)) {
      return { ...head, ...this.#message(bytes, payloadOffset, end, source) };
    }
    const nonce = toHex(bytes.subarray(payloadOffset, payloadOffset + NONCE_BYTES));
    if (!this.#open(bytes, frame, source, destination)) this.faults.push("not opened");
    return { ...head, nonce, ...this.#message(bytes, payloadOffset + SEAL_BYTES, end, undefined) };
  }

  #open(
    bytes: Uint8Array,
    frame: Frame,
    source: BookEntry | string,
    destination: BookEntry | string | undefined,
  ): boolean {
    if (typeof source === "string" || typeof destination !== "object") return false;
    const key = this.#provider.agree(this.#identities[destination.ownIndex]!.boxSecret, source.sid.bytes);
    if (key === undefined) return false;
    if (!this.#provider.open(key, bytes, frame.payloadOffset, frame.payloadLength)) return false;
    this.openedCount++;
    return true;
  }

  /** A port header and what follows it; link state if `sender` is given. */
  #message(bytes: Uint8Array, offset: number, end: number, sender: BookEntry | string | undefined) {
    const ports = parsePorts(bytes, offset, end);
    if (ports.kind === "fault") return this.#fail(ports.reason);
    return {
      sourcePort: ports.source,
      destinationPort: ports.destination,
      plaintext: toHex(bytes.subarray(ports.end, end)),
      ...(typeof sender === "object" && { linkState: this.#records(bytes, ports.end, end, sender) }),
      ...(ports.source > 255 && ports.destination > 255 && { msp: this.#msp(bytes, ports.end, end) }),
    };
  }

  #records(bytes: Uint8Array, offset: number, end: number, sender: BookEntry): unknown[] {
    const resolver = new AddressResolver(this.#book);
    resolver.begin(sender);
    const records: unknown[] = [];
    for (let at = offset; at < end; ) {
      const record = parseLinkRecord(bytes, at, end);
      if (record.kind === "fault") {
        this.faults.push(record.reason);
        break;
      }
      at = record.end;
      records.push(this.#record(bytes, record, resolver));
    }
    return records;
  }

  #record(bytes: Uint8Array, record: LinkRecord, resolver: AddressResolver) {
    const receiver = this.#name(resolver.resolve(bytes, record.receiver, 0));
    const transmitter = record.transmitter && this.#name(resolver.resolve(bytes, record.transmitter, 0));
    return {
      length: record.length,
      flags: record.flags,
      receiver,
      version: record.version,
      ...(transmitter && { transmitter }),
      ...(record.interfaceNumber >= 0 && { interface: record.interfaceNumber }),
      ...(record.ackSequence >= 0 && { ackSequence: record.ackSequence, ackMask: record.ackMask }),
      ...(record.dropRate >= 0 && { dropRate: record.dropRate }),
    };
  }

  #msp(bytes: Uint8Array, offset: number, end: number) {
    const { core } = { core: this.#core };
    const at = core.receiveRegion.offset;
    core.bytes.set(bytes.subarray(offset, end), at);
    const packet = core.decode(at, end - offset);
    const flags = Object.entries(PacketFlag)
      .filter(([, bit]) => packet.flags & bit)
      .map(([name]) => name);
    return {
      flags,
      ...(end - offset >= 3 && { ack: packet.ack }),
      ...(packet.kind === PacketKind.DATA && {
        seq: packet.sequence,
        payloadLength: packet.messageLength,
      }),
    };
  }

  #name(entry: BookEntry | string): string {
    if (typeof entry === "string") {
      this.faults.push(entry);
      return entry;
    }
    return this.#names[entry.ownIndex] ?? entry.sid.hex;
  }

  #fail(reason: string): undefined {
    this.faults.push(reason);
    return undefined;
  }
}
