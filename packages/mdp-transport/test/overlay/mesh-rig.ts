import assert from "node:assert/strict";
import { Mesh, type Sid } from "@meshstream/msp";
import { createRandom, type LinkConfig, type Random, VirtualClock } from "@meshstream/netem";
import { type OverlayNode, ping } from "../../src/index.ts";
import { Segment, testIdentity, testNode } from "./rig.ts";

/** Nodes named by a letter, each edge a segment of its own: a node has one interface for each of its edges. */
export interface TestMesh {
  readonly clock: VirtualClock;
  readonly random: Random;
  /** By the letters of its ends, as given. */
  readonly segments: Readonly<Record<string, Segment>>;
  node(name: string): OverlayNode;
  sid(name: string): Sid;
  close(): Promise<void>;
}

/** The nodes that `edges` names ("AB" joins A and B), at rest: nothing has been sent yet. */
export async function testMesh(
  edges: readonly string[],
  options: { seed?: number; link?: Partial<LinkConfig>; entropySeed?: number } = {},
): Promise<TestMesh> {
  const clock = new VirtualClock();
  const random = createRandom(options.seed ?? 1);
  const segments = Object.fromEntries(
    edges.map((edge) => [edge, new Segment(clock, random.fork(), options.link ?? { delayMs: 1 })]),
  );
  const nodes = new Map<string, OverlayNode>();
  for (const name of new Set(edges.join(""))) {
    const links = edges
      .filter((edge) => edge.includes(name))
      .map((edge) => ({ transport: segments[edge]!.port(name) }));
    nodes.set(
      name,
      await testNode({
        identities: [await testIdentity(name.charCodeAt(0))],
        links,
        clock,
        entropy: random.fork(),
      }),
    );
  }
  const node = (name: string) => nodes.get(name)!;
  return {
    clock,
    random,
    segments,
    node,
    sid: (name) => node(name).identities[0]!,
    close: async () => {
      for (const each of nodes.values()) await each.close();
    },
  };
}

/** Let virtual time pass until `promise` settles; fails after `limitMs` of it. */
export async function settle<T>(clock: VirtualClock, promise: Promise<T>, limitMs = 60_000): Promise<T> {
  let isPending = true;
  const done = () => {
    isPending = false;
  };
  promise.then(done, done);
  const settled = await clock.runWhileAsync(() => isPending, limitMs, turn);
  assert.ok(settled, `not settled after ${limitMs} ms of virtual time`);
  return promise;
}

/** Whether `from` gets an answer from `to` to one of `tries` pings. */
export async function canPing(clock: VirtualClock, from: OverlayNode, to: Sid, tries = 3): Promise<boolean> {
  for (let sequence = 0; sequence < tries; sequence++) {
    const answered = ping(from, clock, to, { sequence, timeoutMs: 500 }).then(
      () => true,
      () => false,
    );
    if (await settle(clock, answered)) return true;
  }
  return false;
}

/** Send `count` messages of 1024 bytes over MSP and take them; calls `onMessage` for each. Returns how long it took. */
export async function transfer(
  mesh: TestMesh,
  from: string,
  to: string,
  count: number,
  onMessage: (index: number) => void = () => {},
): Promise<{ tookMs: number; received: Uint8Array[] }> {
  const { clock, random } = mesh;
  const open = (name: string) => Mesh.open({ transport: mesh.node(name), clock, entropy: random.fork() });
  const [sender, receiver] = [open(from), open(to)];
  const startMs = clock.now();
  const received: Uint8Array[] = [];
  const take = async () => {
    const listener = await receiver.listen(512);
    const socket = (await listener.accept())!;
    for await (const message of socket) {
      received.push(message);
      onMessage(received.length);
    }
  };
  const send = async () => {
    const socket = await sender.connect(mesh.sid(to), 512);
    for (let i = 0; i < count; i++) await socket.send(messageOf(i));
    socket.shutdown();
  };
  await settle(clock, Promise.all([take(), send()]), 300_000);
  const tookMs = clock.now() - startMs;
  await settle(clock, Promise.all([sender.close(), receiver.close()]), 60_000);
  return { tookMs, received };
}

/** A message of 1024 bytes that is like no other. */
export function messageOf(index: number): Uint8Array {
  const bytes = new Uint8Array(1024).fill(index & 0xff);
  new DataView(bytes.buffer).setUint32(0, index);
  return bytes;
}

/** One turn of the event loop: every promise that can settle does. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
