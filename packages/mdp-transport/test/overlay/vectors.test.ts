import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { copyAddress, type WireAddress } from "../../src/overlay/address.ts";
import { encodeEnvelope, parseEnvelope } from "../../src/overlay/envelope.ts";
import { encodeExplain, parseExplained } from "../../src/overlay/explain.ts";
import { encodeFrameHead, type Frame, FrameFlag, parseFrame } from "../../src/overlay/frame.ts";
import { createIdentity, type Identity } from "../../src/overlay/identity.ts";
import { encodeLinkRecord, parseLinkRecord } from "../../src/overlay/link-state.ts";
import { encodePorts, parsePorts } from "../../src/overlay/ports.ts";
import { SEAL_BYTES, type SealProvider } from "../../src/overlay/seal.ts";
import { createSodiumSeal } from "../../src/overlay/sodium-seal.ts";
import { Decoder } from "./decode.ts";
import { fromHex, readVectors, toHex, VECTOR_NAMES } from "./vectors.ts";

// What each recording holds: packets, frames, sealed frames.
const COUNTS = {
  "two-nodes": [96, 68, 13],
  "three-nodes-at-A": [145, 94, 28],
  "three-nodes-at-C": [123, 85, 13],
  "msp-both-ways": [65, 45, 27],
} as const;

for (const name of VECTOR_NAMES) {
  const file = readVectors(name);

  describe(`recorded packets: ${name}`, () => {
    it("the identities follow from their seeds", async () => {
      for (const { signSeed, signPublic, sid, boxSecret } of file.identities) {
        const identity = await createIdentity(fromHex(signSeed));
        assert.equal(toHex(identity.signingPublicKey), signPublic);
        assert.equal(identity.sid.hex, sid.toUpperCase());
        assert.equal(toHex(identity.boxSecret), boxSecret);
      }
    });

    it("every packet decodes to the recorded fields, every sealed payload opens, and there is no fault", async (test) => {
      const decoder = new Decoder(
        file.identities.map((identity) => identity.name),
        await identitiesOf(file.identities),
        await createSodiumSeal(),
      );
      let frameCount = 0;
      for (const [i, packet] of file.packets.entries()) {
        const decoded = decoder.packet(fromHex(packet.datagram));
        assert.deepEqual(decoded, packet.decoded, `packet ${i}`);
        frameCount += packet.decoded.frames.length;
      }
      const counts = [file.packets.length, frameCount, decoder.openedCount];
      test.diagnostic?.(`packets ${counts[0]}, frames ${counts[1]}, opened ${counts[2]}, faults 0`);
      assert.deepEqual(decoder.faults, []);
      assert.deepEqual(counts, COUNTS[name]);
    });

    it("every packet is written again byte for byte, sealed again with its nonce", async () => {
      const identities = await identitiesOf(file.identities);
      const provider = await createSodiumSeal();
      for (const [i, packet] of file.packets.entries()) {
        const bytes = fromHex(packet.datagram);
        const written = rewrite(bytes, packet.decoded.frames, file.identities, identities, provider);
        assert.equal(toHex(written), packet.datagram, `packet ${i}`);
      }
    });
  });
}

function identitiesOf(recorded: readonly { signSeed: string }[]): Promise<Identity[]> {
  return Promise.all(recorded.map(({ signSeed }) => createIdentity(fromHex(signSeed))));
}

/** Parse a packet, and write it anew from what was parsed and from the opened payloads of the recording. */
function rewrite(
  bytes: Uint8Array,
  decoded: readonly Record<string, unknown>[],
  recorded: readonly { name: string }[],
  identities: readonly Identity[],
  provider: SealProvider,
): Uint8Array {
  const named = (name: unknown) => identities[recorded.findIndex((other) => other.name === name)]!;
  const out = new Uint8Array(4096);
  const envelope = parseEnvelope(bytes, 0, bytes.length);
  if (envelope.kind === "fault") throw new Error(envelope.reason);
  const { version, encapsulation } = envelope;
  let end = encodeEnvelope(out, 0, { ...envelope, transmitter: copyAddress(bytes, envelope.transmitter) });
  let at = envelope.framesOffset;
  for (const fields of decoded) {
    const frame = parseFrame(bytes, at, bytes.length, version, encapsulation);
    if (frame.kind === "fault") throw new Error(frame.reason);
    at = frame.end;
    const copy = (address: WireAddress | undefined) => address && copyAddress(bytes, address);
    const head = {
      ...frame,
      source: copy(frame.source),
      destination: copy(frame.destination),
      nextHop: copy(frame.nextHop),
    };
    const offset = encodeFrameHead(out, end, head, encapsulation, frame.payloadLength);
    if (frame.flags & FrameFlag.CIPHERED) {
      const plain = offset + SEAL_BYTES;
      out.set(fromHex(String(fields.nonce)), offset);
      end = encodePorts(out, plain, Number(fields.sourcePort), Number(fields.destinationPort));
      const message = fromHex(String(fields.plaintext));
      out.set(message, end);
      end += message.length;
      const key = provider.agree(named(fields.source).boxSecret, named(fields.destination).sid.bytes);
      provider.seal(key!, out, plain, end - plain);
    } else {
      end = rewritePlain(bytes, frame, out, offset);
    }
  }
  return out.subarray(0, end);
}

function rewritePlain(bytes: Uint8Array, frame: Frame, out: Uint8Array, offset: number): number {
  const payloadEnd = frame.payloadOffset + frame.payloadLength;
  if (frame.flags & FrameFlag.LEGACY_TYPE) {
    const addresses = [];
    for (let at = frame.payloadOffset; at < payloadEnd; ) {
      const address = parseExplained(bytes, at, payloadEnd);
      if (address.kind === "fault") throw new Error(address.reason);
      addresses.push(copyAddress(bytes, address));
      at = address.end;
    }
    return encodeExplain(out, offset, addresses);
  }
  const ports = parsePorts(bytes, frame.payloadOffset, payloadEnd);
  if (ports.kind === "fault") throw new Error(ports.reason);
  let end = encodePorts(out, offset, ports.source, ports.destination);
  for (let at = ports.end; at < payloadEnd; ) {
    const record = parseLinkRecord(bytes, at, payloadEnd);
    if (record.kind === "fault") throw new Error(record.reason);
    end = encodeLinkRecord(out, end, {
      ...record,
      receiver: copyAddress(bytes, record.receiver),
      transmitter: record.transmitter && copyAddress(bytes, record.transmitter),
    });
    at = record.end;
  }
  return end;
}
