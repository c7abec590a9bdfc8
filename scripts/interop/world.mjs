// Machines for one cell: network namespaces, joined by veth pairs, and a folder. All of it goes with the cell.
import { randomBytes } from "node:crypto";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Child, output } from "./child.mjs";

/** Those that are open now. */
const worlds = new Set();

export async function closeAll() {
  for (const world of worlds) await world.close();
}

export class World {
  /** A folder for files of the cell. */
  path;
  /** Told of each daemon that is made here. */
  onDaemon;
  #suffix = randomBytes(4).toString("hex");
  #spaces = [];
  #children = [];
  #links = 0;

  static async open() {
    const world = new World();
    worlds.add(world);
    world.path = await mkdtemp(join(tmpdir(), "interop-"));
    return world;
  }

  /** A machine without a network but loopback. */
  async host(name) {
    const space = `msp-${this.#suffix}-${name}`;
    await output(["ip", "netns", "add", space]);
    this.#spaces.push(space);
    await ip(space, "link", "set", "lo", "up");
    return new Host(this, name, space);
  }

  /** Lay a clean wire between two hosts; each gets an address on a network of its own. */
  async wire(a, b) {
    const index = ++this.#links;
    const device = `e${index}`;
    await output([
      ..."ip link add".split(" "),
      ...[device, "netns", a.space, "type", "veth", "peer", "name", device, "netns", b.space],
    ]);
    for (const [side, host] of [a, b].entries()) {
      const address = `10.9.${index}.${side + 1}`;
      await ip(host.space, "addr", "add", `${address}/24`, "broadcast", "+", "dev", device);
      await ip(host.space, "link", "set", device, "up");
      host.addresses.push(address);
    }
    for (const host of [a, b]) await running(host.space, device);
    return index;
  }

  /** Join two hosts through a third one, which loses `lossRate` of the datagrams each way and delays them. */
  async badWire(a, b, { lossRate, delayMs, seed }) {
    const middle = await this.host("relay");
    const sides = [await this.wire(a, middle), await this.wire(b, middle)];
    const relay = middle.start([process.execPath, RELAY, ...sides, lossRate, delayMs, seed].map(String), {
      patienceMs: 300_000,
    });
    await relay.until(() => relay.out.includes("ready"), "relay");
    return relay;
  }

  adopt(child) {
    this.#children.push(child);
    return child;
  }

  /** A file with these bytes, opened for reading. */
  input(bytes) {
    const path = join(this.path, `input-${randomBytes(4).toString("hex")}`);
    writeFileSync(path, bytes);
    const descriptor = openSync(path, "r");
    // The child has its own by then.
    setImmediate(() => closeSync(descriptor));
    return descriptor;
  }

  async close() {
    worlds.delete(this);
    await Promise.all(this.#children.map((child) => child.kill("SIGKILL")));
    for (const space of this.#spaces) await new Child(["ip", "netns", "del", space]).ended;
    if (this.path !== undefined) await rm(this.path, { recursive: true, force: true });
  }
}

class Host {
  world;
  name;
  space;
  addresses = [];

  constructor(world, name, space) {
    this.world = world;
    this.name = name;
    this.space = space;
  }

  start(words, { input, ...options } = {}) {
    const stdin = Buffer.isBuffer(input) ? this.world.input(input) : (input ?? "ignore");
    return this.world.adopt(new Child(["ip", "netns", "exec", this.space, ...words], { stdin, ...options }));
  }
}

function ip(space, ...words) {
  return output(["ip", "-n", space, ...words]);
}

/** Wait until the system says that the device runs, a second after it was laid: programs ask it. */
async function running(space, device) {
  for (let tries = 0; tries < 100; tries++) {
    if ((await ip(space, "link", "show", device)).includes("state UP")) return;
    await pause(50);
  }
  throw new Error(`${device} in ${space} does not come up`);
}

const RELAY = fileURLToPath(new URL("relay.mjs", import.meta.url));
