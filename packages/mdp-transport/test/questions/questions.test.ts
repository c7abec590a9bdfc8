import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Clock, MspError, type SealedTransport, Sid } from "@meshstream/msp";
import { createCore } from "@meshstream/wasm-core";
import { attach } from "../../src/attach/client.ts";
import { serveAttached } from "../../src/attach/holder.ts";
import { findServices, signingKeyOf, trace } from "../../src/index.ts";
import { wholeAddress } from "../../src/overlay/address.ts";
import { Encapsulation, encodeEnvelope } from "../../src/overlay/envelope.ts";
import { encodeFrameHead, FrameFlag } from "../../src/overlay/frame.ts";
import { encodePorts } from "../../src/overlay/ports.ts";
import { streamPair } from "../attach/byte-streams.ts";
import { NO_MANAGEMENT } from "../attach/rig.ts";
import { settle, type TestMesh, testMesh } from "../overlay/mesh-rig.ts";
import { inbox, testIdentity } from "../overlay/rig.ts";

const hasCode = (code: string) => (error: unknown) => error instanceof MspError && error.code === code;

/** The names of nodes, by their SIDs. */
const names = (mesh: TestMesh, sids: readonly Sid[]) =>
  sids.map(({ hex }) => [..."ABCDE"].find((name) => mesh.sid(name).hex === hex)).join("");

/** A program attached to a node. Its stream needs turns of the event loop, which {@link settle} gives. */
async function attachTo(node: SealedTransport, clock: Clock, mesh: TestMesh) {
  const [clientStream, holderStream] = streamPair();
  const management = { ...NO_MANAGEMENT, publishService: mesh.node("A").publishService.bind(mesh.node("A")) };
  serveAttached(node, holderStream, management);
  const core = await createCore({ engine: "ts", poolBytes: 1 << 20 });
  return attach(core, clientStream, { clock, entropy: mesh.random });
}

async function line() {
  const mesh = await testMesh(["AB", "BC", "CD", "DE"]);
  mesh.clock.runUntil(3000);
  const tracing = async (transport: SealedTransport, to: Sid, timeoutMs = 1000) =>
    settle(mesh.clock, trace(transport, mesh.clock, to, { timeoutMs }));
  return { mesh, tracing };
}

describe("trace", () => {
  it("names the nodes there and back, over four links and over none", async () => {
    const { mesh, tracing } = await line();
    const far = await tracing(mesh.node("A"), mesh.sid("E"));
    assert.deepEqual([far.reached, names(mesh, far.out), names(mesh, far.back)], [true, "ABCDE", "DCBA"]);
    assert.equal(Math.round(far.rttMs), 8);
    const near = await tracing(mesh.node("C"), mesh.sid("B"));
    assert.deepEqual([near.reached, names(mesh, near.out), names(mesh, near.back)], [true, "CB", "C"]);
    const self = await tracing(mesh.node("A"), mesh.sid("A"));
    assert.deepEqual([self.reached, names(mesh, self.out), names(mesh, self.back)], [true, "A", ""]);
    await mesh.close();
  });

  it("says where it stopped: at this node without a way, at another one that has lost it", async () => {
    const { mesh, tracing } = await line();
    const stranger = Sid.fromBytes(new Uint8Array(32).fill(7));
    const none = await tracing(mesh.node("A"), stranger);
    assert.deepEqual([none.reached, names(mesh, none.out), names(mesh, none.back)], [false, "A", ""]);
    // For A the way by B is still good while C has noticed that D is gone.
    for (const [from, to] of ["CD", "DC"]) mesh.segments.CD!.link(from!, to!).configure({ up: false });
    const known = () => mesh.node("C").route(mesh.sid("E")) !== undefined;
    while (known()) mesh.clock.runUntil(mesh.clock.now() + 1);
    const { reached, out, back } = await tracing(mesh.node("A"), mesh.sid("E"));
    assert.equal(reached, false);
    // The news may have come to B before the list did.
    const last = names(mesh, out).at(-1)!;
    assert.match(`${names(mesh, out)} ${names(mesh, back)}`, /^(ABC BA|AB A)$/);
    assert.equal(mesh.node(last).route(mesh.sid("E")), undefined);
    await mesh.close();
  });

  it("works through an attached program as through its node", async () => {
    const { mesh, tracing } = await line();
    const client = await settle(mesh.clock, attachTo(mesh.node("A"), mesh.clock, mesh));
    const { reached, out, back } = await tracing(client, mesh.sid("C"));
    assert.deepEqual([reached, names(mesh, out), names(mesh, back)], [true, "ABC", "BA"]);
    await client.close();
    await mesh.close();
  });

  it("rejects with timeout if the list is lost, with aborted, and for a time that is none; its port is free again", async () => {
    const { mesh, tracing } = await line();
    mesh.segments.CD!.link("C", "D").configure({ up: false });
    const startMs = mesh.clock.now();
    await assert.rejects(tracing(mesh.node("A"), mesh.sid("E"), 200), hasCode("timeout"));
    assert.equal(mesh.clock.now(), startMs + 200);
    const options = { signal: AbortSignal.abort("no") };
    await assert.rejects(trace(mesh.node("A"), mesh.clock, mesh.sid("E"), options), hasCode("aborted"));
    await assert.rejects(tracing(mesh.node("A"), mesh.sid("E"), 0), hasCode("argument"));
    await mesh.close();
  });
});

describe("signing key", () => {
  it("is told by a node several hops away, and verified, for an attached program too", async () => {
    const { mesh } = await line();
    const { signingPublicKey } = await testIdentity("D".charCodeAt(0));
    const client = await settle(mesh.clock, attachTo(mesh.node("A"), mesh.clock, mesh));
    for (const transport of [mesh.node("A"), client]) {
      const answer = await settle(mesh.clock, signingKeyOf(transport, mesh.clock, mesh.sid("D")));
      assert.deepEqual(answer, { kind: "verified", signingKey: signingPublicKey });
    }
    const stranger = Sid.fromBytes(new Uint8Array(32).fill(7));
    await assert.rejects(
      settle(mesh.clock, signingKeyOf(mesh.node("A"), mesh.clock, stranger)),
      hasCode("timeout"),
    );
    await mesh.close();
  });
});

describe("services", () => {
  it("are found at every node that is asked, this one too, by an attached program as well", async () => {
    const { mesh } = await line();
    mesh.node("C").publishService("chat", 512);
    mesh.node("C").publishService("files", 513);
    mesh.node("E").publishService("chat", 600);
    mesh.node("D").publishService("unasked", 1);
    const client = await settle(mesh.clock, attachTo(mesh.node("A"), mesh.clock, mesh));
    await settle(mesh.clock, client.publishService("own", 700).ready);
    for (const transport of [mesh.node("A"), client]) {
      const sids = ["A", "B", "C", "E"].map(mesh.sid);
      const found = await settle(mesh.clock, findServices(transport, mesh.clock, sids));
      assert.deepEqual(found.map(({ sid, name, port }) => `${names(mesh, [sid])} ${name} ${port}`).sort(), [
        "A own 700",
        "C chat 512",
        "C files 513",
        "E chat 600",
      ]);
    }
    await mesh.close();
  });

  it("are asked of 1 to 256 nodes", async () => {
    const { mesh } = await line();
    const find = (sids: Sid[]) => findServices(mesh.node("A"), mesh.clock, sids);
    await assert.rejects(find([]), hasCode("argument"));
    await assert.rejects(find(new Array(257).fill(mesh.sid("B"))), hasCode("argument"));
    await mesh.close();
  });

  /** What a deployed node sends when a program of its asks all. */
  function broadcastQuestion(sid: Sid, port: number, source?: Sid): Uint8Array {
    const packet = new Uint8Array(200);
    let at = encodeEnvelope(packet, 0, {
      version: 1,
      encapsulation: Encapsulation.SINGLE,
      transmitter: wholeAddress(sid.bytes),
      flags: 0,
      interfaceNumber: 0,
      sequence: -1,
    });
    const head = {
      flags: FrameFlag.BROADCAST | (source === undefined ? FrameFlag.SENDER_SAME : 0),
      source: source && wholeAddress(source.bytes),
      broadcastId: new Uint8Array(8).fill(source === undefined ? port : 99),
      ttl: 31,
      queue: 3,
      sequence: 200,
    };
    at = encodeFrameHead(packet, at, head, Encapsulation.SINGLE, 0);
    at = encodePorts(packet, at, 300, port);
    return packet.subarray(0, at + 1);
  }

  it("are told, sealed, to a node that asks all by a broadcast in clear, as deployed ones do", async () => {
    const mesh = await testMesh(["AB"]);
    mesh.clock.runUntil(1000);
    mesh.node("A").publishService("chat", 512);
    const { messages } = inbox(mesh.node("B"), { sid: mesh.sid("B"), port: 300 });
    const hear = (packet: Uint8Array) => {
      mesh.segments.AB!.link("B", "A").send(packet);
      mesh.clock.runUntil(mesh.clock.now() + 50);
    };
    hear(broadcastQuestion(mesh.sid("B"), 11));
    assert.deepEqual(
      messages.map(({ text, port, remote }) => [text, port, remote.hex]),
      [["chat.msp.port=512", 11, mesh.sid("A").hex]],
    );
    const { counters } = mesh.node("A");
    const plainBefore = counters["not-ciphered"]!;
    hear(broadcastQuestion(mesh.sid("B"), 7));
    assert.equal(counters["not-ciphered"], plainBefore + 1, "nothing else is taken from a broadcast");
    const answeredBefore = counters["services-answered"];
    hear(broadcastQuestion(mesh.sid("B"), 11, (await testIdentity(77)).sid));
    assert.equal(counters["services-answered"], answeredBefore, "no key is agreed for whom no way leads to");
    await mesh.close();
  });
});
