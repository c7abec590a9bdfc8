import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BindAddress, MspError, type SealedTransport } from "@meshstream/msp";
import { createRandom, VirtualClock } from "@meshstream/netem";
import { createCore } from "@meshstream/wasm-core";
import { MemoryNetwork } from "../../src/memory/network.ts";
import { decodeService, ServiceDirectory } from "../../src/overlay/services/service-directory.ts";
import { AttachRig, NO_MANAGEMENT } from "../attach/rig.ts";

const hasCode = (code: string) => (error: unknown) => error instanceof MspError && error.code === code;

/** Asks from a port of its own, and keeps the answers. */
function asker(transport: SealedTransport, port = 300) {
  const answers: string[] = [];
  const address: BindAddress = { sid: transport.identities[0]!, port };
  const binding = transport.bind(address, (_local, _remote, _port, offset, length) => {
    answers.push(new TextDecoder().decode(transport.core.bytes.slice(offset, offset + length)));
  });
  const ask = (of: SealedTransport) =>
    binding.send(transport.identities[0]!, { sid: of.identities[0]!, port: 11 }, (core, offset) => {
      core.bytes[offset] = 0;
      return 1;
    });
  return { answers, ask };
}

async function createTwo() {
  const clock = new VirtualClock();
  const network = new MemoryNetwork({ clock, random: createRandom(4) });
  const core = () => createCore({ engine: "ts", poolBytes: 1 << 20 });
  const [a, b] = [network.node(await core()), network.node(await core())];
  const counters = { "services-answered": 0, "service-limit": 0 };
  const directory = new ServiceDirectory(b, clock, counters);
  const settle = () => clock.runUntil(clock.now() + 50);
  return { clock, a, b, counters, directory, settle };
}

describe("service directory", () => {
  it("answers any packet to port 11 with every service, in the form of deployed nodes, while it is published", async () => {
    const { a, b, counters, directory, settle } = await createTwo();
    const { answers, ask } = asker(a);
    ask(b);
    settle();
    assert.deepEqual(answers, []);
    const chat = directory.publish("chat", 512);
    const files = directory.publish("files", 4_294_967_295);
    ask(b);
    settle();
    assert.deepEqual(answers.splice(0), ["chat.msp.port=512", "files.msp.port=4294967295"]);
    chat.close();
    chat.close();
    ask(b);
    settle();
    assert.deepEqual(answers.splice(0), ["files.msp.port=4294967295"]);
    files.close();
    ask(b);
    settle();
    assert.deepEqual(answers, []);
    assert.deepEqual(counters, { "services-answered": 3, "service-limit": 0 });
  });

  it("leaves port 11 to others while nothing is published, and takes it back", async () => {
    const { b, directory } = await createTwo();
    directory.publish("chat", 512).close();
    const binding = b.bind({ sid: b.identities[0]!, port: 11 }, () => {});
    assert.throws(() => directory.publish("chat", 512), hasCode("port-in-use"));
    binding.close();
    directory.publish("chat", 512);
  });

  it("answers no other directory, or the two would answer each other for ever", async () => {
    const { a, b, counters, directory, settle } = await createTwo();
    directory.publish("chat", 512);
    asker(a, 11).ask(b);
    settle();
    assert.equal(counters["services-answered"], 0);
  });

  it("gives at most 64 answers at once and 100 a second after, and counts the rest", async () => {
    const { clock, a, b, counters, directory, settle } = await createTwo();
    for (let port = 1; port <= 64; port++) directory.publish(`s${port}`, port);
    assert.throws(() => directory.publish("one-more", 65), hasCode("again"));
    const { answers, ask } = asker(a);
    ask(b);
    ask(b);
    settle();
    assert.deepEqual(
      [answers.length, counters["services-answered"], counters["service-limit"]],
      [64, 64, 64],
    );
    clock.runUntil(clock.now() + 200);
    ask(b);
    settle();
    assert.ok(counters["services-answered"] <= 64 + 26, `${counters["services-answered"]} in 250 ms`);
  });

  it("refuses names that deployed nodes could not tell apart from the rest of the answer, and ports that are none", async () => {
    const { directory } = await createTwo();
    for (const name of ["", "a b", "a=b", "a\n", "é", "x".repeat(65)]) {
      assert.throws(() => directory.publish(name, 512), hasCode("argument"), JSON.stringify(name));
    }
    for (const port of [0, -1, 0.5, 2 ** 32]) {
      assert.throws(() => directory.publish("chat", port), hasCode("argument"), String(port));
    }
  });

  it("reads an answer only if it has a name and a port", () => {
    const decode = (text: string) => decodeService(new TextEncoder().encode(text));
    assert.deepEqual(decode("chat.msp.port=512"), { name: "chat", port: 512 });
    assert.deepEqual(decode("a.msp.port=1.msp.port=2"), { name: "a.msp.port=1", port: 2 });
    for (const text of [
      "",
      "chat",
      ".msp.port=1",
      "chat.msp.port=",
      "chat.msp.port=0",
      "chat.msp.port=4294967296",
    ])
      assert.equal(decode(text), undefined, text);
    assert.equal(decode("chat.msp.port=-1"), undefined);
    assert.equal(decode(`${"x".repeat(257)}.msp.port=1`), undefined);
    assert.equal(decodeService(Uint8Array.of(0xff, 0xfe)), undefined);
  });
});

describe("services of attached programs", () => {
  async function createAttached() {
    const rig = new AttachRig();
    const node = await rig.node();
    const counters = { "services-answered": 0, "service-limit": 0 };
    const directory = new ServiceDirectory(node, rig.clock, counters);
    const management = {
      ...NO_MANAGEMENT,
      publishService: (name: string, port: number) => directory.publish(name, port),
    };
    const far = await rig.node();
    const { answers, ask } = asker(far);
    const tell = async () => {
      ask(node);
      await rig.settle();
      return answers.splice(0);
    };
    return { rig, attach: () => rig.attach(node, { management }), tell };
  }

  it("are told by the node they share, each until its program withdraws it or ends", async () => {
    const { rig, attach, tell } = await createAttached();
    const { client: one } = await attach();
    const { client: two } = await attach();
    const chat = one.publishService("chat", 512);
    await chat.ready;
    await one.publishService("files", 513).ready;
    await two.publishService("chat", 600).ready;
    assert.deepEqual(await tell(), ["chat.msp.port=512", "files.msp.port=513", "chat.msp.port=600"]);
    chat.close();
    chat.close();
    await rig.settle();
    assert.deepEqual(await tell(), ["files.msp.port=513", "chat.msp.port=600"]);
    await one.close();
    await rig.settle();
    assert.deepEqual(await tell(), ["chat.msp.port=600"]);
    await rig.close();
  });

  it("are refused with the node's reason, and lost with the node", async () => {
    const { rig, attach, tell } = await createAttached();
    const { client, served } = await attach();
    assert.throws(() => client.publishService("a b", 1), hasCode("argument"));
    for (let port = 1; port <= 64; port++) client.publishService("s", port);
    await assert.rejects(client.publishService("s", 65).ready, /64 services are published already/);
    const twin = client.publishService("s", 1);
    await assert.rejects(twin.ready, /64 services are published already/);
    twin.close();
    await rig.settle();
    assert.equal((await tell()).filter((text) => text === "s.msp.port=1").length, 1, "the other one stays");
    served.close();
    await rig.settle();
    await assert.rejects(client.publishService("s", 66).ready, hasCode("transport-lost"));
    await rig.close();
  });
});
