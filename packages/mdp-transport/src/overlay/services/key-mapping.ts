import {
  BIND_ALL,
  type Clock,
  type SealedTransport,
  SID_BYTES,
  type Sid,
  TokenBucket,
} from "@meshstream/msp";
import { type Identity, isSignedSid, sidOfSigningKey, signSid } from "../identity.ts";
import { ServicePort } from "../ports.ts";

/** The payload that asks for a signing key (docs/wire.md W9.3). */
export const KEY_QUESTION = Uint8Array.of(2);

/** What the service counts: questions answered, and why others were not. */
export type KeyMappingCounter = "keys-answered" | "key-question-malformed" | "service-limit";

/**
 * Serve key mapping (docs/wire.md W9.3): tell who asks an identity's signing key, and prove with it that both keys are
 * one's. Only the question itself is answered, so two services never answer each other.
 */
export function serveKeyMapping(
  transport: SealedTransport,
  identities: readonly Identity[],
  clock: Clock,
  counters: Record<KeyMappingCounter, number>,
): void {
  const answers = identities.map((identity) => ({ sid: identity.sid, bytes: encodeAnswer(identity) }));
  // One byte asks, 97 answer.
  const bucket = new TokenBucket(100, 32);
  const address = { sid: BIND_ALL, port: ServicePort.KEY_MAPPING } as const;
  const binding = transport.bind(address, (local, remote, remotePort, offset, length) => {
    // Deployed nodes ask from port 1, so what comes here may be the answer to another program's question.
    if (remotePort === 0 || length !== 1 || transport.core.bytes[offset] !== KEY_QUESTION[0]) {
      counters["key-question-malformed"]++;
      return;
    }
    const answer = answers.find(({ sid }) => sid.hex === local.hex);
    if (answer === undefined) return;
    if (!bucket.take(clock.now())) {
      counters["service-limit"]++;
      return;
    }
    counters["keys-answered"]++;
    binding.send(local, { sid: remote, port: remotePort }, (core, to) => {
      core.bytes.set(answer.bytes, to);
      return answer.bytes.length;
    });
  });
}

/** What an answer about `sid` is worth. */
export type KeyAnswer =
  | { readonly kind: "verified"; readonly signingKey: Uint8Array }
  /** "not-of-sid": the SID does not follow from the key; "signature": it is not signed with it. */
  | { readonly kind: "invalid"; readonly reason: "not-of-sid" | "signature" };

/** Check an answer; undefined for bytes that are none. Never throws. Callable as {@link sidOfSigningKey} is. */
export function parseKeyAnswer(bytes: Uint8Array, sid: Sid): KeyAnswer | undefined {
  if (bytes.length !== ANSWER_BYTES || bytes[0] !== KEY_QUESTION[0]) return undefined;
  const signingKey = bytes.slice(KEY_OFFSET, SIGNATURE_OFFSET);
  const converted = sidOfSigningKey(signingKey);
  if (converted === undefined || !sid.bytes.every((byte, index) => byte === converted[index])) {
    return { kind: "invalid", reason: "not-of-sid" };
  }
  if (!isSignedSid(bytes.subarray(SIGNATURE_OFFSET), sid, signingKey)) {
    return { kind: "invalid", reason: "signature" };
  }
  return { kind: "verified", signingKey };
}

function encodeAnswer(identity: Identity): Uint8Array {
  const bytes = new Uint8Array(ANSWER_BYTES);
  bytes.set(KEY_QUESTION);
  bytes.set(identity.signingPublicKey, KEY_OFFSET);
  bytes.set(signSid(identity), SIGNATURE_OFFSET);
  return bytes;
}

const KEY_OFFSET = KEY_QUESTION.length;
const SIGNATURE_OFFSET = KEY_OFFSET + SID_BYTES;
const ANSWER_BYTES = SIGNATURE_OFFSET + 64;
