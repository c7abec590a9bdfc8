import type { Clock, SealedTransport, Sid } from "@meshstream/msp";
import sodium from "libsodium-wrappers";
import { ServicePort } from "../overlay/ports.ts";
import { KEY_QUESTION, type KeyAnswer, parseKeyAnswer } from "../overlay/services/key-mapping.ts";
import { type AskOptions, askOnce } from "./ask.ts";

/**
 * Ask a node for the Ed25519 key of a SID, and check what it answers (docs/wire.md W9.3). One packet each way, neither
 * repeated: where packets get lost, ask again.
 *
 * Rejects with MspError "timeout" if no answer comes in time, "aborted" (its cause: the signal's reason), "argument" for
 * a time that is none, and with whatever binding a port throws.
 *
 * @example const answer = await signingKeyOf(transport, systemClock, sid);
 * if (answer.kind === "verified") store(sid, answer.signingKey);
 */
export async function signingKeyOf(
  transport: SealedTransport,
  clock: Clock,
  sid: Sid,
  options: AskOptions = {},
): Promise<KeyAnswer> {
  await sodium.ready;
  const to = { sid, port: ServicePort.KEY_MAPPING };
  const read = (remote: Sid, remotePort: number, bytes: Uint8Array) =>
    remote.hex === sid.hex && remotePort === to.port ? parseKeyAnswer(bytes, sid) : undefined;
  const { answer } = await askOnce(transport, clock, { to: [to], payload: KEY_QUESTION, read }, options);
  return answer;
}
