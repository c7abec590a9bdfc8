import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Sid } from "@meshstream/msp";
import { VirtualClock } from "@meshstream/netem";
import { createIdentity } from "../../src/overlay/identity.ts";
import { KEY_QUESTION, parseKeyAnswer, serveKeyMapping } from "../../src/overlay/services/key-mapping.ts";
import { testIdentity } from "../overlay/rig.ts";
import { fromHex, readVectors, toHex } from "../overlay/vectors.ts";
import { onePort } from "./one-port.ts";

const STRANGER = Sid.fromBytes(new Uint8Array(32).fill(9));

/** What deployed nodes answered, with the identity that did. */
function recordedAnswers() {
  const { identities, packets } = readVectors("two-nodes");
  return packets.flatMap(({ decoded }) =>
    decoded.frames
      .filter(({ destinationPort, plaintext }) => destinationPort === 1 && (plaintext as string).length > 2)
      .map(({ source, plaintext }) => ({
        identity: identities.find(({ name }) => name === source)!,
        bytes: fromHex(plaintext as string),
      })),
  );
}

async function keyService(...numbers: readonly number[]) {
  const identities = await Promise.all(numbers.map(testIdentity));
  const port = await onePort(...identities.map(({ sid }) => sid));
  const clock = new VirtualClock();
  const counters = { "keys-answered": 0, "key-question-malformed": 0, "service-limit": 0 };
  serveKeyMapping(port.transport, identities, clock, counters);
  return { ...port, identities, clock, counters };
}

describe("key mapping", () => {
  it("answers as deployed nodes were recorded to, byte for byte", async () => {
    const answers = recordedAnswers();
    assert.equal(answers.length, 2);
    for (const { identity: recorded, bytes } of answers) {
      const identity = await createIdentity(fromHex(recorded.signSeed));
      const { transport, receive } = await onePort(identity.sid);
      const counters = { "keys-answered": 0, "key-question-malformed": 0, "service-limit": 0 };
      serveKeyMapping(transport, [identity], new VirtualClock(), counters);
      const [answer] = receive(STRANGER, 1, KEY_QUESTION);
      assert.deepEqual(answer?.to, { sid: STRANGER, port: 1 });
      assert.equal(toHex(answer!.bytes), toHex(bytes));
    }
  });

  it("takes the key from a recorded answer", async () => {
    for (const { identity, bytes } of recordedAnswers()) {
      assert.deepEqual(parseKeyAnswer(bytes, Sid.fromHex(identity.sid)), {
        kind: "verified",
        signingKey: fromHex(identity.signPublic),
      });
    }
  });

  it("tells the key of the identity that was asked", async () => {
    const { receive, identities } = await keyService(1, 2);
    for (const { sid, signingPublicKey } of identities) {
      const [answer] = receive(STRANGER, 300, KEY_QUESTION, sid);
      assert.equal(answer?.local.hex, sid.hex);
      assert.deepEqual(parseKeyAnswer(answer!.bytes, sid), {
        kind: "verified",
        signingKey: signingPublicKey,
      });
    }
  });

  it("believes no key that is another SID's, and none whose signature is wrong", async () => {
    const { receive, identities } = await keyService(1, 2);
    const [one, two] = identities as [(typeof identities)[0], (typeof identities)[0]];
    const { bytes } = receive(STRANGER, 300, KEY_QUESTION)[0]!;
    assert.deepEqual(parseKeyAnswer(bytes, two.sid), { kind: "invalid", reason: "not-of-sid" });
    const forged = bytes.slice();
    forged[40]! ^= 1;
    assert.deepEqual(parseKeyAnswer(forged, one.sid), { kind: "invalid", reason: "signature" });
    const noKey = bytes.slice().fill(0xff, 1, 33);
    assert.deepEqual(parseKeyAnswer(noKey, one.sid), { kind: "invalid", reason: "not-of-sid" });
    for (const length of [0, 1, 96])
      assert.equal(parseKeyAnswer(bytes.subarray(0, length), one.sid), undefined);
  });

  it("answers nothing but the question: two services cannot answer each other for ever", async () => {
    const { receive, counters, identities } = await keyService(1);
    const { bytes } = receive(STRANGER, 1, KEY_QUESTION)[0]!;
    for (const wrong of [bytes, Uint8Array.of(1), Uint8Array.of(2, 1)])
      assert.deepEqual(receive(identities[0]!.sid, 1, wrong), []);
    assert.deepEqual(receive(STRANGER, 0, KEY_QUESTION), []);
    assert.equal(counters["key-question-malformed"], 4);
  });

  it("answers 32 questions at once and 100 a second after, and counts the rest", async () => {
    const { receive, counters, clock } = await keyService(1);
    for (let i = 0; i < 40; i++) receive(STRANGER, 300, KEY_QUESTION);
    assert.deepEqual([counters["keys-answered"], counters["service-limit"]], [32, 8]);
    clock.runUntil(clock.now() + 10);
    assert.equal(receive(STRANGER, 300, KEY_QUESTION).length, 1);
  });
});
